//! One batch of an extension: its rows, transposed and hashed. Notation and step numbers of [`super::extension`].

use super::block::{BLOCK_BITS, Block, add_assign, bit, sum};
use super::hash::Hash;
use super::pool::{ReceivedOts, SentOts};
use super::transpose::{BitMatrix, transpose};
use super::vole::{Rows, Sums};
use zeroize::Zeroizing;

/// Blocks of 128 OTs in a batch: the rows of a tree stay in the processor's nearest memory.
const BATCH_BLOCKS: usize = 64;

/// OTs that are made by one thread.
#[derive(Clone, Copy)]
pub(super) struct Batch {
    /// Block of 128 OTs that it begins with.
    first: u64,
    /// How many of these.
    pub(super) blocks: usize,
}

impl Batch {
    /// The number of its first OT: the hash's tweak.
    fn tweak(self) -> u64 {
        self.first * BLOCK_BITS as u64
    }
}

/// The batches of `blocks` blocks from block `first` on, in groups that keep all of rayon's threads busy.
pub(super) fn groups(first: u64, blocks: usize) -> impl Iterator<Item = Vec<Batch>> {
    let group = 4 * rayon::current_num_threads() * BATCH_BLOCKS;
    (0..blocks).step_by(group).map(move |start| {
        let end = blocks.min(start + group);
        let starts = (start..end).step_by(BATCH_BLOCKS);
        starts
            .map(|start| Batch { first: first + start as u64, blocks: BATCH_BLOCKS.min(end - start) })
            .collect()
    })
}

/// Steps 3, 5 and 7: the corrections, tree after tree, and the OTs.
pub(super) fn received(trees: &[Rows], batch: Batch) -> (Vec<u8>, ReceivedOts) {
    let mut sums = sums_for(trees, batch);
    let mut columns = Columns::new(batch);
    let mut choices = Zeroizing::new(Vec::new());
    let mut corrections = Vec::with_capacity(trees.len() * batch.blocks);
    for (t, tree) in trees.iter().enumerate() {
        tree.add_up(batch.first, &mut sums);
        columns.append(&sums.by_bit[..tree.depth()]);
        if t == 0 {
            choices.extend_from_slice(&sums.all);
        } else {
            add_assign(&mut sums.all, &choices);
            corrections.extend_from_slice(&sums.all);
        }
    }
    let mut blocks = columns.transposed();
    Hash::new().apply(batch.tweak(), &mut blocks);
    let choices = choices.iter().flat_map(|block| (0..BLOCK_BITS).map(|index| bit(block, index)));
    let choices = Zeroizing::new(choices.collect());
    (corrections.into_flattened(), ReceivedOts { choices, blocks })
}

/// Steps 4, 6 and 8, from the corrections of this batch.
pub(super) fn sent(trees: &[Rows], delta: &Block, batch: Batch, corrections: &[u8]) -> SentOts {
    let mut sums = sums_for(trees, batch);
    let mut columns = Columns::new(batch);
    let corrections = corrections.as_chunks().0;
    for (t, tree) in trees.iter().enumerate() {
        tree.add_up(batch.first, &mut sums);
        let rows = &mut sums.by_bit[..tree.depth()];
        if let Some(before) = t.checked_sub(1) {
            let correction = &corrections[before * batch.blocks..][..batch.blocks];
            for (index, row) in (columns.rows..).zip(&mut *rows) {
                add_product(row, bit(delta, index), correction);
            }
        }
        columns.append(rows);
    }
    let mut first = columns.transposed();
    let mut second = Zeroizing::new(first.iter().map(|block| sum(block, delta)).collect::<Vec<_>>());
    let hash = Hash::new();
    hash.apply(batch.tweak(), &mut first);
    hash.apply(batch.tweak(), &mut second);
    let blocks = first.iter().zip(&*second).map(|(&first, &second)| [first, second]);
    SentOts { blocks: Zeroizing::new(blocks.collect()) }
}

fn sums_for(trees: &[Rows], batch: Batch) -> Sums {
    Sums::new(trees.iter().map(Rows::depth).max().unwrap_or(0), batch.blocks)
}

/// row + factor·correction, without a branch on the factor.
fn add_product(row: &mut [Block], factor: bool, correction: &[Block]) {
    let mask = u8::from(factor).wrapping_neg();
    for (sum, term) in row.as_flattened_mut().iter_mut().zip(correction.as_flattened()) {
        *sum ^= term & mask;
    }
}

/// 128 rows of bits, one bit per OT, on their way to 128 bits for each OT.
struct Columns {
    /// One per block of 128 OTs.
    matrices: Vec<BitMatrix>,
    /// Rows filled so far.
    rows: usize,
}

impl Columns {
    fn new(batch: Batch) -> Self {
        Self { matrices: vec![[[0; 16]; BLOCK_BITS]; batch.blocks], rows: 0 }
    }

    /// The next rows.
    fn append(&mut self, rows: &[Vec<Block>]) {
        for row in rows {
            for (matrix, block) in self.matrices.iter_mut().zip(row) {
                matrix[self.rows] = *block;
            }
            self.rows += 1;
        }
    }

    /// The columns.
    fn transposed(mut self) -> Zeroizing<Vec<Block>> {
        self.matrices.iter_mut().for_each(transpose);
        Zeroizing::new(self.matrices.into_flattened())
    }
}
