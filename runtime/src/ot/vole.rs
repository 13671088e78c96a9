//! From the leaves of a tree to products of bits with a number of k bits.
//!
//! Leaf x of 2^k is the seed of a long row of random bits r_x. One party knows all rows, the other all but
//! r_α:
//!
//! ```text
//! u  = Σ_x r_x            v_i = Σ_{x: bit i of x is 1} r_x            who knows all rows
//! w_i = Σ_{x: bit i of x ⊕ α is 1} r_x = v_i ⊕ α_i·u                who does not know r_α: x ⊕ α is 0 there
//! ```
//!
//! for 0 ≤ i < k (SoftSpokenOT, eprint 2022/192, section 3.1). So both parties sum rows by the bits of an
//! index, which is x for one and x ⊕ α for the other.

use super::block::Block;
use super::prg::{Prg, counters};
use super::wide::join;
use zeroize::Zeroizing;

/// The leaves' streams in the order of the index, the missing one left out.
pub(super) struct LeafStreams {
    streams: Vec<Prg>,
    /// 1 where the row with index 0 is missing.
    missing: usize,
    depth: usize,
}

/// What the streams are added up in. Wiped on drop.
pub(super) struct Sums {
    /// Per bit of the index: the sum of the rows that have it; v or w.
    pub(super) by_bit: Zeroizing<Vec<Vec<Block>>>,
    /// The sum of all rows; u.
    pub(super) all: Zeroizing<Vec<Block>>,
    /// Per level a sum that waits for its sibling.
    waiting: Zeroizing<Vec<Vec<Block>>>,
    /// Numbers of the streams' blocks.
    counters: Vec<Block>,
}

impl LeafStreams {
    /// The streams of all leaves, for the party that knows them.
    pub(super) fn all(leaves: &[Block]) -> Self {
        let depth = leaves.len().ilog2() as usize;
        Self { streams: leaves.iter().map(Prg::new).collect(), missing: 0, depth }
    }

    /// The streams of all leaves but leaf `alpha`. The order in which memory is read depends on it.
    pub(super) fn all_but(leaves: &[Block], alpha: usize) -> Self {
        let depth = leaves.len().ilog2() as usize;
        let streams = (1..leaves.len()).map(|index| Prg::new(&leaves[index ^ alpha])).collect();
        Self { streams, missing: 1, depth }
    }

    /// The depth k of the tree.
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// Adds up the blocks of all rows that `sums` has begun with. Where a row is missing, the sum of all
    /// means nothing.
    ///
    /// Rows are summed like leaves of a tree, left subtree before right: a bit of the index is a
    /// level, and each row costs two additions, however many bits there are.
    pub(super) fn add_up(&self, sums: &mut Sums) {
        sums.by_bit.iter_mut().for_each(|sum| sum.fill([0; 16]));
        for index in 0..1usize << self.depth {
            match index.checked_sub(self.missing) {
                Some(stream) => self.streams[stream].blocks(&sums.counters, &mut sums.all),
                None => sums.all.fill([0; 16]),
            }
            let mut level = 0;
            while index >> level & 1 == 1 {
                join(&mut sums.by_bit[level], &sums.waiting[level], &mut sums.all);
                level += 1;
            }
            if level < self.depth {
                std::mem::swap(&mut sums.waiting[level], &mut sums.all);
            }
        }
    }
}

impl Sums {
    /// For trees of depth up to `depth`.
    pub(super) fn new(depth: usize) -> Self {
        let rows = Zeroizing::new(vec![Vec::new(); depth]);
        Self { by_bit: rows.clone(), all: Zeroizing::default(), waiting: rows, counters: Vec::new() }
    }

    /// Begins with `blocks` blocks of every row, from number `first` on.
    pub(super) fn begin(&mut self, first: u64, blocks: usize) {
        let rows = self.by_bit.iter_mut().chain(self.waiting.iter_mut());
        rows.for_each(|row| row.resize(blocks, [0; 16]));
        self.all.resize(blocks, [0; 16]);
        self.counters = counters(first, blocks);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ot::block::sum;

    fn begun(depth: usize, blocks: usize) -> Sums {
        let mut sums = Sums::new(depth);
        sums.begin(9, blocks);
        sums
    }

    #[test]
    fn both_parties_sums_differ_by_the_product() {
        const BLOCKS: usize = 3;
        for depth in 1..=6 {
            let leaves: Vec<Block> = (0..1u128 << depth).map(|x| (x * 77 + 5).to_le_bytes()).collect();
            let mut full = begun(depth, BLOCKS);
            LeafStreams::all(&leaves).add_up(&mut full);
            for alpha in 0..leaves.len() {
                let mut known = leaves.clone();
                known[alpha] = [0xee; 16];
                let mut punctured = begun(depth, BLOCKS);
                LeafStreams::all_but(&known, alpha).add_up(&mut punctured);
                for i in 0..depth {
                    for block in 0..BLOCKS {
                        let difference = sum(&full.by_bit[i][block], &punctured.by_bit[i][block]);
                        let product = if alpha >> i & 1 == 1 { full.all[block] } else { [0; 16] };
                        assert_eq!(difference, product);
                    }
                }
            }
        }
    }

    #[test]
    fn sums_are_those_of_the_rows() {
        let leaves = [[1; 16], [2; 16], [3; 16], [4; 16]];
        let rows = leaves.map(|leaf| {
            let mut row = [[0; 16]];
            Prg::new(&leaf).blocks(&counters(9, 1), &mut row);
            row[0]
        });
        let mut sums = begun(2, 1);
        LeafStreams::all(&leaves).add_up(&mut sums);
        assert_eq!(sums.by_bit[0][0], sum(&rows[1], &rows[3]));
        assert_eq!(sums.by_bit[1][0], sum(&rows[2], &rows[3]));
        assert_eq!(sums.all[0], sum(&sum(&rows[0], &rows[1]), &sum(&rows[2], &rows[3])));
    }
}
