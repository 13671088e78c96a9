//! Chunks of an extension's OTs: rows, transposed and hashed. Notation and step numbers of [`super::extension`].

use super::block::{BLOCK_BITS, Block, add_assign, bit, sum};
use super::hash::Hash;
use super::transpose::{BitMatrix, transpose};
use super::vole::{LeafStreams, Sums};
use super::wide::add_product;
use rayon::prelude::*;
use zeroize::Zeroizing;

/// Blocks of 128 OTs in a chunk, which one thread makes: its rows stay in the processor's nearest memory.
const CHUNK_BLOCKS: usize = 128;

/// OTs in a chunk, at most.
pub(super) const CHUNK: usize = CHUNK_BLOCKS * BLOCK_BITS;

/// Chunks in a frame, which all threads make together.
pub(super) const FRAME: usize = 16;

/// The receiver's halves of a chunk.
pub(super) struct ReceivedChunk<'a> {
    /// Bit j of block i is the choice in OT 128·i + j.
    pub(super) choices: &'a [Block],
    /// The blocks that the choices name.
    pub(super) blocks: &'a [Block],
}

/// The sender's halves of a chunk.
pub(super) struct SentChunk<'a> {
    /// Both blocks of every OT.
    pub(super) pairs: &'a [[Block; 2]],
}

/// A chunk to be made.
pub(super) struct Job<'a> {
    /// Of the chunk, among all that are made at once.
    pub(super) index: usize,
    /// Number of its first OT.
    pub(super) first: u64,
    /// OTs, whole blocks of 128.
    pub(super) ots: usize,
    /// The extension's key of the hash ([`super::hash::key`]).
    pub(super) hash_key: u128,
    /// At the sender: what the receiver sent about it.
    pub(super) corrections: &'a [u8],
}

/// How the OTs under one Δ are numbered, by which they are hashed.
pub(super) struct Numbers {
    /// The extension's key of the hash ([`super::hash::key`]); published.
    hash_key: u128,
    /// OTs so far.
    made: u64,
}

impl Numbers {
    pub(super) fn new(hash_key: u128) -> Self {
        Self { hash_key, made: 0 }
    }

    /// The extension's key, new in every session; published.
    pub(super) fn key(&self) -> u128 {
        self.hash_key
    }

    /// The next chunks, of so many OTs, the first being chunk `index` of those made at once.
    pub(super) fn jobs(&mut self, index: usize, sizes: &[usize]) -> impl Iterator<Item = Job<'static>> {
        let Self { hash_key, made } = self;
        (index..).zip(sizes).map(|(index, &ots)| {
            let first = *made;
            *made += ots as u64;
            Job { index, first, ots, hash_key: *hash_key, corrections: &[] }
        })
    }
}

/// The sizes of chunks for so many OTs, whole blocks of 128.
pub(super) fn sizes(ots: usize) -> impl Iterator<Item = usize> {
    sizes_in_units(ots, BLOCK_BITS)
}

/// The sizes of chunks for so many OTs, each whole units of so many: blocks, and no more than a chunk has.
pub(super) fn sizes_in_units(ots: usize, unit: usize) -> impl Iterator<Item = usize> {
    let most = CHUNK / unit * unit;
    (0..ots).step_by(most).map(move |first| most.min(ots - first))
}

/// Working memory of one thread, wiped on drop.
pub(super) struct Scratch<'r> {
    trees: &'r [LeafStreams],
    sums: Sums,
    /// u_0.
    choices: Zeroizing<Vec<Block>>,
    /// Of each block of 128 OTs the rows v or q, then the columns.
    matrices: Zeroizing<Vec<BitMatrix>>,
    /// Both hashes of each column.
    pairs: Zeroizing<Vec<[Block; 2]>>,
}

/// Shares jobs among the threads, `make` with a thread's memory for each; the results in the jobs' order.
pub(super) fn share<'r, R: Send>(
    scratches: &mut [Scratch<'r>],
    jobs: &[Job<'_>],
    make: impl Fn(&mut Scratch<'r>, &Job<'_>) -> R + Sync,
) -> Vec<R> {
    let each = jobs.len().div_ceil(scratches.len()).max(1);
    let shares = scratches.par_iter_mut().zip(jobs.par_chunks(each));
    shares
        .flat_map_iter(|(scratch, jobs)| jobs.iter().map(|job| make(scratch, job)).collect::<Vec<_>>())
        .collect()
}

impl<'r> Scratch<'r> {
    /// For all threads, or fewer where there are fewer chunks.
    pub(super) fn of_threads(trees: &'r [LeafStreams], chunks: usize) -> Vec<Self> {
        let threads = rayon::current_num_threads().min(chunks).max(1);
        (0..threads).map(|_| Self::new(trees)).collect()
    }

    fn new(trees: &'r [LeafStreams]) -> Self {
        Self {
            trees,
            sums: Sums::new(trees.iter().map(LeafStreams::depth).max().unwrap_or(0)),
            choices: Zeroizing::default(),
            matrices: Zeroizing::default(),
            pairs: Zeroizing::default(),
        }
    }

    /// Steps 3 and 5: the corrections, tree after tree. The choices and the columns stay in this memory.
    pub(super) fn receive(&mut self, job: &Job<'_>) -> Vec<u8> {
        let count = job.ots / BLOCK_BITS;
        let mut corrections = Vec::with_capacity((self.trees.len() - 1) * count);
        self.begin(job);
        let mut row = 0;
        for (t, tree) in self.trees.iter().enumerate() {
            tree.add_up(&mut self.sums);
            row = place(&mut self.matrices, row, &self.sums.by_bit[..tree.depth()]);
            if t == 0 {
                self.choices.clear();
                self.choices.extend_from_slice(&self.sums.all);
            } else {
                add_assign(&mut self.sums.all, &self.choices);
                corrections.extend_from_slice(&self.sums.all);
            }
        }
        self.matrices.iter_mut().for_each(transpose);
        corrections.into_flattened()
    }

    /// Steps 4 and 6. The columns stay in this memory.
    pub(super) fn send(&mut self, job: &Job<'_>, delta: &Block) {
        self.begin(job);
        let mut row = 0;
        // The first tree has no correction.
        let corrections = job.corrections.as_chunks().0.chunks(job.ots / BLOCK_BITS);
        let corrections = [None].into_iter().chain(corrections.map(Some));
        for (tree, correction) in self.trees.iter().zip(corrections) {
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
    }

    /// The choices and the columns v.
    pub(super) fn received(&self) -> ReceivedChunk<'_> {
        ReceivedChunk { choices: &self.choices, blocks: self.columns() }
    }

    /// The columns v or q.
    pub(super) fn columns(&self) -> &[Block] {
        self.matrices.as_flattened()
    }

    /// Step 7.
    pub(super) fn hash_received(&mut self, job: &Job<'_>) -> ReceivedChunk<'_> {
        hash_received(job, &self.choices, self.matrices.as_flattened_mut())
    }

    /// Step 8.
    pub(super) fn hash_sent(&mut self, job: &Job<'_>, delta: &Block) -> SentChunk<'_> {
        hash_sent(job, delta, self.matrices.as_flattened(), &mut self.pairs)
    }

    fn begin(&mut self, job: &Job<'_>) {
        let blocks = job.ots / BLOCK_BITS;
        self.matrices.resize(blocks, [[0; 16]; BLOCK_BITS]);
        self.sums.begin(job.first / BLOCK_BITS as u64, blocks);
    }
}

/// OTs of correlated ones: the receiver's blocks are replaced by their hashes.
pub(super) fn hash_received<'a>(
    job: &Job<'_>,
    choices: &'a [Block],
    blocks: &'a mut [Block],
) -> ReceivedChunk<'a> {
    Hash::new(job.hash_key, job.first).apply::<1>(job.first, blocks.as_chunks_mut().0);
    ReceivedChunk { choices, blocks }
}

/// OTs of correlated ones: the hashes of the sender's blocks and of these plus Δ are written over `pairs`.
pub(super) fn hash_sent<'a>(
    job: &Job<'_>,
    delta: &Block,
    blocks: &[Block],
    pairs: &'a mut Zeroizing<Vec<[Block; 2]>>,
) -> SentChunk<'a> {
    pairs.clear();
    pairs.extend(blocks.iter().map(|q| [*q, sum(q, delta)]));
    Hash::new(job.hash_key, job.first).apply(job.first, pairs);
    SentChunk { pairs }
}

/// Writes the next rows into the matrices of all blocks of OTs, from row `first` on; the row after them.
fn place(matrices: &mut [BitMatrix], first: usize, rows: &[Vec<Block>]) -> usize {
    // Matrix after matrix: one row of all of them would fall into the same few lines of the nearest memory.
    for (index, matrix) in matrices.iter_mut().enumerate() {
        matrix[first..].iter_mut().zip(rows).for_each(|(place, row)| *place = row[index]);
    }
    first + rows.len()
}
