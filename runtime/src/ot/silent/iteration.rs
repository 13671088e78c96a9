//! One iteration: its secret table, its code and its trees, expanded tree after tree when COTs are needed. Step numbers of
//! [`super`].

use super::circular_hash::CircularHash;
use super::code::LocalCode;
use super::low_bit;
use super::parameters::Parameters;
use super::tree::{climb, grow};
use crate::ot::block::{Block, sum};
use rayon::prelude::*;
use zeroize::Zeroizing;

/// One party's half of an iteration; T is what it knows of the trees.
pub(super) struct Iteration<T> {
    parameters: Parameters,
    keys: Keys,
    /// The COTs that the code spreads.
    table: Zeroizing<Vec<Block>>,
    trees: T,
    /// Trees whose leaves have become COTs.
    expanded: usize,
}

/// What a party knows of the trees.
pub(super) trait Trees: Sync {
    /// Writes the leaves of a tree over `leaves`, with choice bits.
    fn leaves(&self, hash: &CircularHash, tree: usize, leaves: &mut [Block]);
}

/// What the sender knows: of each tree the COT of the first level.
pub(super) struct SentTrees {
    first: Zeroizing<Vec<Block>>,
    delta: Zeroizing<Block>,
}

/// What the receiver knows: the COTs of all levels and the corrections, tree after tree.
pub(super) struct ReceivedTrees {
    depth: usize,
    seeds: Zeroizing<Vec<Block>>,
    corrections: Vec<Block>,
}

/// An iteration's published keys of AES.
#[derive(Clone, Copy)]
pub(super) struct Keys {
    trees: u128,
    code: u128,
}

impl Keys {
    /// Of iteration `number` of the extension with this published key, which is new in every session.
    pub(super) fn new(extension: u128, number: u64) -> Self {
        let input = [&extension.to_le_bytes()[..], &number.to_le_bytes()].concat();
        let key = |context: &str| {
            let digest = blake3::derive_key(context, &input);
            u128::from_le_bytes(std::array::from_fn(|byte| digest[byte]))
        };
        Self {
            trees: key("popcorn silent oblivious transfer trees"),
            code: key("popcorn silent oblivious transfer code"),
        }
    }

    /// Each tree has a key of its own.
    fn hash(self, tree: usize) -> CircularHash {
        CircularHash::new(self.trees ^ tree as u128)
    }
}

impl Iteration<SentTrees> {
    /// Step 2 with [`Parameters::seeds`] COTs under `delta`, and its message.
    pub(super) fn send(
        parameters: Parameters,
        keys: Keys,
        seeds: &[Block],
        delta: &Block,
    ) -> (Self, Vec<u8>) {
        let (table, seeds) = divide(parameters, seeds);
        let mut corrections = vec![[0; 16]; parameters.trees * parameters.corrections()];
        let each =
            corrections.par_chunks_mut(parameters.corrections()).zip(seeds.par_chunks(parameters.depth));
        each.enumerate().for_each_init(
            || Zeroizing::new(vec![[0; 16]; parameters.leaves()]),
            |nodes, (tree, (corrections, levels))| {
                let mut further = corrections.iter_mut().zip(&levels[1..]);
                grow(&keys.hash(tree), &levels[0], delta, nodes, |left| {
                    further.next().into_iter().for_each(|(correction, q)| *correction = sum(&left, q));
                });
            },
        );
        let first = Zeroizing::new(seeds.iter().step_by(parameters.depth).copied().collect());
        let trees = SentTrees { first, delta: Zeroizing::new(*delta) };
        (Self { parameters, keys, table, trees, expanded: 0 }, corrections.into_flattened())
    }
}

impl Iteration<ReceivedTrees> {
    /// Step 3 with [`Parameters::seeds`] COTs and the sender's message of [`Parameters::correction_bytes`].
    pub(super) fn receive(parameters: Parameters, keys: Keys, seeds: &[Block], corrections: &[u8]) -> Self {
        let (table, seeds) = divide(parameters, seeds);
        let corrections = corrections.as_chunks().0.to_vec();
        let trees = ReceivedTrees { depth: parameters.depth, seeds, corrections };
        Self { parameters, keys, table, trees, expanded: 0 }
    }
}

/// Step 1: the table, and the COTs of the trees.
fn divide(parameters: Parameters, seeds: &[Block]) -> (Zeroizing<Vec<Block>>, Zeroizing<Vec<Block>>) {
    let (table, trees) = seeds.split_at(parameters.secret());
    let trees = &trees[..parameters.trees * parameters.depth];
    (Zeroizing::new(table.to_vec()), Zeroizing::new(trees.to_vec()))
}

impl<T: Trees> Iteration<T> {
    /// Steps 4 and 5 for as many of the next trees as make `count` COTs at least, or for all that are left: the COTs are
    /// put after those in `cots`.
    pub(super) fn expand(&mut self, count: usize, cots: &mut Zeroizing<Vec<Block>>) {
        let Self { parameters, keys, table, trees, expanded } = self;
        let more = count.div_ceil(parameters.leaves()).min(parameters.trees - *expanded);
        let range = *expanded..*expanded + more;
        *expanded += more;
        let filled = cots.len();
        cots.resize(filled + more * parameters.leaves(), [0; 16]);
        let code = LocalCode::new(keys.code);
        let places = cots[filled..].par_chunks_mut(parameters.leaves());
        places.zip(range).for_each(|(leaves, tree)| {
            trees.leaves(&keys.hash(tree), tree, leaves);
            code.add(tree * parameters.leaves(), table, leaves);
        });
    }
}

impl Trees for SentTrees {
    fn leaves(&self, hash: &CircularHash, tree: usize, leaves: &mut [Block]) {
        grow(hash, &self.first[tree], &self.delta, leaves, |_| ());
        leaves.iter_mut().for_each(|leaf| *leaf = low_bit::with(leaf, false));
    }
}

impl Trees for ReceivedTrees {
    fn leaves(&self, hash: &CircularHash, tree: usize, leaves: &mut [Block]) {
        let seeds = &self.seeds[tree * self.depth..][..self.depth];
        let corrections = &self.corrections[tree * (self.depth - 1)..][..self.depth - 1];
        let corrections = std::iter::once(&[0; 16]).chain(corrections);
        let levels =
            seeds.iter().zip(corrections).map(|(m, correction)| (low_bit::of(m), sum(m, correction)));
        let missing = climb(hash, levels, leaves);
        leaves.iter_mut().for_each(|leaf| *leaf = low_bit::with(leaf, false));
        leaves[missing] = low_bit::with(&leaves[missing], true);
    }
}
