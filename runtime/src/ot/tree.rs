//! Trees of seeds of which one party knows all leaves, the other all but one.
//!
//! The tree of Goldreich, Goldwasser and Micali: a node's children are two pseudo-random blocks of it; no
//! root is kept, the first level's two nodes are random. A tree of depth k has leaves x in [0, 2^k), the
//! first level deciding the highest bit of x. (All-but-one OT from k OTs, as SoftSpokenOT, eprint 2022/192,
//! uses it.)
//!
//! ```text
//! grower                                            climber, whose leaf α is missing
//! per level ℓ: the sum of all left children
//! and that of all right ones                 ──OT──▶  the sum on the side that α's path does not take
//!                                                     all other nodes of that side are known: so is the last
//! ```
//!
//! # Who learns what
//!
//! The climber: 2^k − 1 leaves; leaf α looks uniform, because on each level it knows neither the path's
//! node nor a sum with it. The grower: nothing, it chooses no path.

use super::block::{Block, add_assign, sum};
use super::prg::Prg;
use zeroize::Zeroizing;

/// A tree as its grower has it.
pub(super) struct Tree {
    /// All 2^k leaves.
    pub(super) leaves: Zeroizing<Vec<Block>>,
    /// Of each level but the first: the sums of the left and of the right children.
    pub(super) sums: Zeroizing<Vec<[Block; 2]>>,
}

impl Tree {
    /// The tree of depth `depth` under the first level's two nodes.
    pub(super) fn grow(first: [Block; 2], depth: usize) -> Self {
        let mut leaves = Zeroizing::new(first.to_vec());
        let mut sums = Zeroizing::new(Vec::with_capacity(depth - 1));
        for _ in 1..depth {
            let children = children(&leaves);
            sums.push(children.iter().fold([[0; 16]; 2], |mut sums, pair| {
                add_assign(&mut sums, pair);
                sums
            }));
            leaves = Zeroizing::new(children.as_flattened().to_vec());
        }
        Self { leaves, sums }
    }
}

/// The leaves of a tree but for α, at whose place stands an arbitrary block. `path` is α, highest bit
/// first; `known` is of the first level the node beside the path, of each further level the sum of the side
/// that the path does not take.
pub(super) fn climb(path: &[bool], known: &[Block]) -> Zeroizing<Vec<Block>> {
    let mut nodes = Zeroizing::new(Vec::new());
    let mut missing = 0;
    for (level, (&right, known)) in path.iter().zip(known).enumerate() {
        let beside = usize::from(!right);
        let children = if level == 0 { Zeroizing::new(vec![[[0; 16]; 2]]) } else { children(&nodes) };
        nodes = Zeroizing::new(children.as_flattened().to_vec());
        nodes[2 * missing] = [0; 16];
        nodes[2 * missing + 1] = [0; 16];
        let others = nodes.iter().skip(beside).step_by(2).fold(*known, |total, node| sum(&total, node));
        nodes[2 * missing + beside] = others;
        missing = 2 * missing + usize::from(right);
    }
    nodes
}

/// The next level, node by node.
fn children(nodes: &[Block]) -> Zeroizing<Vec<[Block; 2]>> {
    let numbers = [0u128, 1].map(u128::to_le_bytes);
    let mut children = Zeroizing::new(vec![[[0; 16]; 2]; nodes.len()]);
    for (node, pair) in nodes.iter().zip(children.iter_mut()) {
        Prg::new(node).blocks(&numbers, pair);
    }
    children
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_climber_finds_all_leaves_but_its_own() {
        for depth in 1..=8 {
            let tree = Tree::grow([[1; 16], [2; 16]], depth);
            assert_eq!((tree.leaves.len(), tree.sums.len()), (1 << depth, depth - 1));
            for alpha in 0..1usize << depth {
                let path: Vec<bool> = (0..depth).rev().map(|bit| alpha >> bit & 1 == 1).collect();
                let levels = std::iter::once([[1; 16], [2; 16]]).chain(tree.sums.iter().copied());
                let known: Vec<Block> =
                    levels.zip(&path).map(|(sums, &right)| sums[usize::from(!right)]).collect();
                let climbed = climb(&path, &known);
                for (x, leaf) in tree.leaves.iter().enumerate() {
                    assert_eq!(climbed[x] == *leaf, x != alpha, "depth {depth}, α = {alpha}, leaf {x}");
                }
            }
        }
    }
}
