//! Equal keys get equal numbers.

use std::collections::HashMap;

/// Keys are looked up in a table where that is no longer than so many times the number of keys.
const TABLE_PER_KEY: u64 = 32;

/// Numbers different keys, at most `largest`, in the order in which they first occur, from 1; no key gets 0.
/// Returns the numbers, and the keys in their order.
pub(super) fn number(keys: impl ExactSizeIterator<Item = Option<u64>>, largest: u64) -> (Vec<u32>, Vec<u64>) {
    if largest / TABLE_PER_KEY < keys.len() as u64 {
        let mut table = vec![0; largest as usize + 1];
        assign(keys, |key, next| {
            let entry = &mut table[key as usize];
            if *entry == 0 {
                *entry = next;
            }
            *entry
        })
    } else {
        let mut map = HashMap::with_capacity(keys.len());
        assign(keys, |key, next| *map.entry(key).or_insert(next))
    }
}

/// `known(key, next)` is the key's number: `next` if it is new.
fn assign(
    keys: impl Iterator<Item = Option<u64>>,
    mut known: impl FnMut(u64, u32) -> u32,
) -> (Vec<u32>, Vec<u64>) {
    let mut different = Vec::new();
    let numbered = keys.map(|key| {
        key.map_or(0, |key| {
            let next = different.len() as u32 + 1;
            let number = known(key, next);
            if number == next {
                different.push(key);
            }
            number
        })
    });
    (numbered.collect(), different)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_numbered_as_they_occur() {
        let keys = [Some(7), None, Some(0), Some(7), Some(3), Some(0)];
        for largest in [7, u64::MAX] {
            let (numbers, different) = number(keys.into_iter(), largest);
            assert_eq!(numbers, [1, 0, 2, 1, 3, 2]);
            assert_eq!(different, [7, 0, 3]);
        }
        assert_eq!(number([].into_iter(), 5), (vec![], vec![]));
    }
}
