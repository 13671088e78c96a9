//! Lists that are counted while they are read: each entry of two bytes may take hundreds in memory.

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::marker::PhantomData;

/// Steps of a plan, at most.
pub const MAX_STEPS: usize = 1 << 16;
/// Exchanges of a view, at most.
pub const MAX_EXCHANGES: usize = 1 << 12;
/// Pieces of the map of a gather, at most.
pub const MAX_PIECES: usize = 1 << 20;

/// A list of at most `MOST` entries.
pub(super) fn list<'de, const MOST: usize, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    deserializer.deserialize_seq(List::<MOST, T>(PhantomData))
}

struct List<const MOST: usize, T>(PhantomData<T>);

impl<'de, const MOST: usize, T: Deserialize<'de>> Visitor<'de> for List<MOST, T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {MOST} entries")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = list.next_element()? {
            if entries.len() == MOST {
                return Err(A::Error::custom(format!("more than {MOST} entries")));
            }
            entries.push(entry);
        }
        Ok(entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_end_at_their_bound() {
        let read = |count: usize| {
            let bytes = postcard::to_allocvec(&vec![7u8; count]).unwrap();
            list::<3, u8, _>(&mut postcard::Deserializer::from_bytes(&bytes)).map(|list| list.len())
        };
        assert_eq!([read(0), read(3)], [Ok(0), Ok(3)]);
        assert!(read(4).is_err());
        // A length that no bytes follow allocates nothing.
        let promise = postcard::to_allocvec(&usize::MAX).unwrap();
        assert!(list::<{ usize::MAX }, u8, _>(&mut postcard::Deserializer::from_bytes(&promise)).is_err());
    }
}
