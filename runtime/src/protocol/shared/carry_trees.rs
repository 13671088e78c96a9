//! How deep a tree of joins is: flat for few numbers, deeper for many.
//!
//! A deeper tree takes a flight more, for all numbers together, and fewer bits for each of them: that one is taken that takes the
//! least time where bits come at 20 Mbit/s and a flight takes 5 ms. Both parties know how many numbers there are.

use super::carry_tree::CarryTree;
use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// Joins one after another; two are enough for up to 36 bits.
const DEPTHS: RangeInclusive<u32> = 2..=4;

/// Bits that could be sent while a flight is under way.
const BITS_OF_A_FLIGHT: usize = 100_000;

/// Trees for the same carries, the flattest first; one at least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CarryTrees(Arc<[CarryTree]>);

/// Trees that were asked for, by both numbers of bits: some thousands at most. A search takes about a millisecond, and plans may
/// have tens of thousands of steps.
static KNOWN: LazyLock<Mutex<HashMap<[u32; 2], CarryTrees>>> = LazyLock::new(Mutex::default);

impl CarryTrees {
    /// For the carries out of `bits` low bits, one at least, and out of the `low` lowest of them. Searched for once in a process.
    pub(super) fn new(bits: u32, low: u32) -> Self {
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry([bits, low]).or_insert_with(|| Self::found(bits, low)).clone()
    }

    fn found(bits: u32, low: u32) -> Self {
        Self(DEPTHS.filter_map(|depth| CarryTree::new(bits, low, depth)).collect())
    }

    /// The one for so many numbers.
    pub(super) fn of(&self, count: usize) -> &CarryTree {
        let bits = |tree: &&CarryTree| count * tree.price + tree.levels.len() * BITS_OF_A_FLIGHT;
        self.0.iter().min_by_key(bits).expect("joins that are deep enough join all")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_numbers_have_deeper_trees() {
        for (bits, low, few) in [(23, 10, 1250), (32, 12, 500), (36, 14, 250)] {
            let trees = CarryTrees::new(bits, low);
            let levels = |count| trees.of(count).levels.len();
            let counts = [1, few, 2 * few, 100 * few];
            assert_eq!(counts.map(levels), [3, 3, 4, 5], "{low} of {bits}");
        }
        assert!(Arc::ptr_eq(&CarryTrees::new(32, 12).0, &CarryTrees::new(32, 12).0), "searched for once");
        let trees = CarryTrees::new(4, 0);
        assert_eq!(trees.of(1), trees.of(1 << 24));
    }
}
