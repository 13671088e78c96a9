//! A group of batches of an extension: rows, transposed and hashed. Notation and step numbers of
//! [`super::extension`].

use super::block::{BLOCK_BITS, Block, add_assign, bit, sum};
use super::hash::Hash;
use super::transpose::{BitMatrix, transpose};
use super::vole::{Rows, Sums};
use rayon::prelude::*;
use zeroize::Zeroizing;

/// Blocks of 128 OTs in a batch, which one thread makes: its rows stay in the processor's nearest memory.
const BATCH_BLOCKS: usize = 64;

/// OTs in a batch.
const BATCH: usize = BATCH_BLOCKS * BLOCK_BITS;

/// OTs in a group: enough to keep all of rayon's threads busy.
pub(super) fn group() -> usize {
    4 * rayon::current_num_threads() * BATCH
}

/// Steps 3, 5 and 7 for a group from OT number `first` on: its corrections, batch after batch, in each tree after tree.
pub(super) fn receive(
    trees: &[Rows],
    first: u64,
    choices: &mut [bool],
    blocks: &mut [Block],
) -> Vec<Vec<u8>> {
    let batches = choices.par_chunks_mut(BATCH).zip(blocks.par_chunks_mut(BATCH)).enumerate();
    let receive = |scratch: &mut Scratch, (i, (choices, blocks)): (usize, (&mut [bool], &mut [Block]))| {
        scratch.receive(trees, first + (i * BATCH) as u64, choices, blocks)
    };
    batches.map_init(|| Scratch::new(trees), receive).collect()
}

/// Steps 4, 6 and 8 for a group from OT number `first` on, from its corrections.
pub(super) fn send(trees: &[Rows], delta: &Block, first: u64, corrections: &[u8], pairs: &mut [[Block; 2]]) {
    let corrections = corrections.as_chunks().0.par_chunks((trees.len() - 1) * BATCH_BLOCKS);
    let batches = corrections.zip(pairs.par_chunks_mut(BATCH)).enumerate();
    let send = |scratch: &mut Scratch, (i, (corrections, pairs)): (usize, (&[Block], &mut [[Block; 2]]))| {
        scratch.send(trees, delta, first + (i * BATCH) as u64, corrections, pairs);
    };
    batches.for_each_init(|| Scratch::new(trees), send);
}

/// Working memory for a batch, wiped on drop.
struct Scratch {
    sums: Sums,
    /// u_0.
    choices: Zeroizing<Vec<Block>>,
    /// Of each block of 128 OTs the rows q, then the columns.
    matrices: Zeroizing<Vec<BitMatrix>>,
    hash: Hash,
}

impl Scratch {
    fn new(trees: &[Rows]) -> Self {
        Self {
            sums: Sums::new(trees.iter().map(Rows::depth).max().unwrap_or(0)),
            choices: Zeroizing::default(),
            matrices: Zeroizing::default(),
            hash: Hash::new(),
        }
    }

    fn receive(&mut self, trees: &[Rows], first: u64, choices: &mut [bool], blocks: &mut [Block]) -> Vec<u8> {
        let matrices = blocks.as_chunks_mut().0;
        let mut corrections = Vec::with_capacity((trees.len() - 1) * matrices.len());
        self.sums.begin(first / BLOCK_BITS as u64, matrices.len());
        let mut row = 0;
        for (t, tree) in trees.iter().enumerate() {
            tree.add_up(&mut self.sums);
            row = place(matrices, row, &self.sums.by_bit[..tree.depth()]);
            if t == 0 {
                self.choices.clear();
                self.choices.extend_from_slice(&self.sums.all);
            } else {
                add_assign(&mut self.sums.all, &self.choices);
                corrections.extend_from_slice(&self.sums.all);
            }
        }
        matrices.iter_mut().for_each(transpose);
        self.hash.apply::<1>(first, blocks.as_chunks_mut().0);
        for (choices, block) in choices.chunks_mut(BLOCK_BITS).zip(self.choices.iter()) {
            choices.iter_mut().enumerate().for_each(|(index, choice)| *choice = bit(block, index));
        }
        corrections.into_flattened()
    }

    fn send(
        &mut self,
        trees: &[Rows],
        delta: &Block,
        first: u64,
        corrections: &[Block],
        pairs: &mut [[Block; 2]],
    ) {
        let blocks = pairs.len() / BLOCK_BITS;
        self.matrices.resize(blocks, [[0; 16]; BLOCK_BITS]);
        self.sums.begin(first / BLOCK_BITS as u64, blocks);
        let mut row = 0;
        // The first tree has no correction.
        let corrections = [None].into_iter().chain(corrections.chunks(blocks).map(Some));
        for (tree, correction) in trees.iter().zip(corrections) {
            tree.add_up(&mut self.sums);
            let rows = &mut self.sums.by_bit[..tree.depth()];
            if let Some(correction) = correction {
                for (index, row) in (row..).zip(&mut *rows) {
                    add_product(row, bit(delta, index), correction);
                }
            }
            row = place(&mut self.matrices, row, rows);
        }
        self.matrices.iter_mut().for_each(transpose);
        for (pair, q) in pairs.iter_mut().zip(self.matrices.as_flattened()) {
            *pair = [*q, sum(q, delta)];
        }
        self.hash.apply(first, pairs);
    }
}

/// Writes the next rows into the matrices of all blocks of OTs, from row `first` on; the row after them.
fn place(matrices: &mut [BitMatrix], first: usize, rows: &[Vec<Block>]) -> usize {
    for (index, row) in (first..).zip(rows) {
        for (matrix, block) in matrices.iter_mut().zip(row) {
            matrix[index] = *block;
        }
    }
    first + rows.len()
}

/// row + factor·correction, without a branch on the factor.
fn add_product(row: &mut [Block], factor: bool, correction: &[Block]) {
    let mask = u8::from(factor).wrapping_neg();
    for (sum, term) in row.as_flattened_mut().iter_mut().zip(correction.as_flattened()) {
        *sum ^= term & mask;
    }
}
