//! Trees of which one party knows all leaves, the other all but one, and whose leaves add up to Δ.
//!
//! The correlated tree of Guo, Yang, Wang, Zhang, Xie, Liu and Zhao, "Half-Tree: Halving the Cost of Tree Expansion in COT
//! and DPF" (EUROCRYPT 2023, eprint 2022/1431): the first level's nodes are q and q ⊕ Δ, and the children of x are H(x) and
//! x ⊕ H(x) (circular_hash.rs), so that every level adds up to Δ. Hence a level's left children and its right ones have
//! sums that differ by Δ, and one correlated OT with one correction tells the climber the one that it may know:
//!
//! ```text
//! grower (Δ; q_ℓ for each level ℓ)                  climber (bits b_ℓ, blocks m_ℓ = q_ℓ ⊕ b_ℓ·Δ)
//! first level: q_0, q_0 ⊕ Δ                         m_0, on the side b_0
//! c_ℓ = q_ℓ ⊕ sum of all left children        ──▶   m_ℓ ⊕ c_ℓ = sum on the side b_ℓ; there all other
//! for each level ℓ > 0                              nodes are known: so is the last
//!                                                   its leaf α is missing, α_ℓ = 1 ⊕ b_ℓ
//! leaves v_j                                        leaves w_j = v_j; w_α = Σ_(j≠α) v_j = v_α ⊕ Δ
//! ```
//!
//! A tree of depth h has leaves j in [0, 2^h); the first level decides the lowest bit of j, so that a level's left
//! children are its first half. Nobody chooses α: it is made of the correlated OTs' choice bits, which are
//! uniform, and nothing is sent to the grower. (The first level needs no correction: it would replace the uniform block
//! m_0, which nobody uses for anything else, by another.)
//!
//! # Who learns what
//!
//! The climber: all leaves but v_α, which it knows but for Δ. What it lacks on each level is a known block plus Δ; its
//! children are known blocks plus H of it, so that to who does not know Δ all that it sees looks uniform, and Δ like any
//! other block, because H is circular correlation robust. The grower: nothing.

use super::circular_hash::CircularHash;
use crate::ot::block::{Block, add_assign, sum};

/// Replaces `nodes`, the first level's left one and place for all others, by the leaves; the sums of the left children of
/// each further level are told to `left`, level after level.
pub(super) fn grow(
    hash: &CircularHash,
    first: &Block,
    delta: &Block,
    nodes: &mut [Block],
    mut left: impl FnMut(Block),
) {
    nodes[0] = *first;
    nodes[1] = sum(first, delta);
    let mut filled = 2;
    while filled < nodes.len() {
        left(children(hash, &mut nodes[..2 * filled]));
        filled *= 2;
    }
}

/// Replaces `nodes` by the leaves w, from the bits b_ℓ and of each level the sum on that side; the number α.
pub(super) fn climb(
    hash: &CircularHash,
    levels: impl Iterator<Item = (bool, Block)>,
    nodes: &mut [Block],
) -> usize {
    let (mut missing, mut filled) = (0, 1);
    nodes[0] = [0; 16];
    for (right, known) in levels {
        let level = &mut nodes[..2 * filled];
        if filled > 1 {
            children(hash, level);
        }
        level[missing] = [0; 16];
        level[missing + filled] = [0; 16];
        let side = usize::from(right) * filled;
        level[missing + side] = sum(&known, &total(&level[side..side + filled]));
        missing += filled - side;
        filled *= 2;
    }
    nodes[missing] = total(nodes);
    missing
}

/// Replaces the nodes in the first half of `nodes` by their children, left ones first; the sum of the left ones.
fn children(hash: &CircularHash, nodes: &mut [Block]) -> Block {
    let (parents, right) = nodes.split_at_mut(nodes.len() / 2);
    hash.apply(parents, right);
    // In place: the hashes are the left children.
    for (left, right) in parents.iter_mut().zip(right) {
        let hashed = *right;
        *right = sum(left, &hashed);
        *left = hashed;
    }
    total(parents)
}

/// The sum of all blocks.
fn total(blocks: &[Block]) -> Block {
    let mut totals = [[0; 16]; 8];
    let (eights, rest) = blocks.as_chunks();
    for eight in eights {
        add_assign(&mut totals, eight as &[Block; 8]);
    }
    rest.iter().chain(&totals).fold([0; 16], |total, block| sum(&total, block))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(number: u128) -> Block {
        (number.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)).to_le_bytes()
    }

    #[test]
    fn the_climber_has_all_leaves_and_one_plus_delta() {
        for depth in 1..=8 {
            let delta = block(77);
            let hash = CircularHash::new(depth as u128);
            let q: Vec<Block> = (0..depth as u128).map(|level| block(100 + level)).collect();
            let mut leaves = vec![[0; 16]; 1 << depth];
            let mut sums = Vec::new();
            grow(&hash, &q[0], &delta, &mut leaves, |sum| sums.push(sum));
            assert_eq!(total(&leaves), delta, "all levels add up to Δ");
            let corrections: Vec<Block> = sums.iter().zip(&q[1..]).map(|(left, q)| sum(left, q)).collect();
            assert_eq!(corrections.len(), depth - 1);
            for alpha in 0..1usize << depth {
                let levels = (0..depth).map(|level| {
                    let bit = alpha >> level & 1 == 0;
                    let m = if bit { sum(&q[level], &delta) } else { q[level] };
                    (bit, if level == 0 { m } else { sum(&m, &corrections[level - 1]) })
                });
                let mut climbed = vec![[9; 16]; 1 << depth];
                assert_eq!(climb(&hash, levels, &mut climbed), alpha);
                for (j, (ours, theirs)) in leaves.iter().zip(&climbed).enumerate() {
                    let expected = if j == alpha { sum(ours, &delta) } else { *ours };
                    assert_eq!(*theirs, expected, "depth {depth}, α = {alpha}, leaf {j}");
                }
            }
        }
    }

    #[test]
    fn leaves_are_different() {
        let mut leaves = vec![[0; 16]; 1 << 12];
        grow(&CircularHash::new(3), &block(1), &block(2), &mut leaves, |_| ());
        leaves.sort();
        leaves.dedup();
        assert_eq!(leaves.len(), 1 << 12);
    }
}
