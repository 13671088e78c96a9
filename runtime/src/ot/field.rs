//! The parameter of an extension: how much it computes to send little. Notation and step numbers of
//! [`super::extension`].

use super::block::{BLOCK_BITS, Block};
use super::chunk::FRAME;
use super::cost::Sent;
use crate::plan::FieldBits;
use std::ops::Range;

/// Base OTs that an extension begins with.
pub const BASE_OTS: usize = BLOCK_BITS;

impl FieldBits {
    /// n, the number of trees.
    pub const fn trees(self) -> usize {
        BASE_OTS.div_ceil(self.get() as usize)
    }

    /// The base OTs of each tree, as many as it is deep.
    pub(super) fn ranges(self) -> impl Iterator<Item = Range<usize>> {
        let depth = self.get() as usize;
        (0..BASE_OTS).step_by(depth).map(move |first| first..BASE_OTS.min(first + depth))
    }

    /// Bytes of step 1's message: two blocks per level but the first of each tree.
    pub(super) const fn tree_bytes(self) -> u64 {
        ((BASE_OTS - self.trees()) * size_of::<[Block; 2]>()) as u64
    }

    /// What step 1 sends: the trees' sums in one frame.
    pub const fn tree_cost(self) -> Sent {
        Sent::frame(self.tree_bytes())
    }

    /// What step 3 sends for chunks of so many OTs.
    pub(super) fn cost(self, chunks: &[usize]) -> Sent {
        let frames = chunks.chunks(FRAME).map(|frame| Sent::frame(self.correction_bytes(frame.iter().sum())));
        frames.fold(Sent::default(), |sum, frame| sum + frame)
    }

    /// Bytes of corrections for `count` OTs, whole blocks of 128.
    pub(super) const fn correction_bytes(self, count: usize) -> u64 {
        ((self.trees() - 1) * (count / 8)) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traffic_is_the_stated_one() {
        let bytes = |k| FieldBits::new(k).unwrap().correction_bytes(1 << 20);
        for (k, bits) in [(1, 127), (2, 63), (3, 42), (4, 31), (5, 25), (6, 21), (7, 18), (8, 15)] {
            assert_eq!(bytes(k) * 8, bits << 20, "at most 128/k bits for each OT");
        }
        assert_eq!(FieldBits::new(1).unwrap().tree_cost(), Sent::frame(0));
        assert_eq!(FieldBits::new(8).unwrap().tree_cost(), Sent::frame(112 * 32));
        assert!(FieldBits::new(0).is_none() && FieldBits::new(9).is_none());
    }
}
