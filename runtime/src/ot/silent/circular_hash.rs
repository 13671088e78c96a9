//! A hash that hides correlations with a secret that is in its results, too: H(x) = π(σ(x)) ⊕ σ(x).
//!
//! σ(l ‖ r) = (l ⊕ r) ‖ l, of halves of 64 bits; x ↦ σ(x) and x ↦ σ(x) ⊕ x are both one-to-one. Guo, Katz, Wang and Yu,
//! "Efficient and Secure Multiparty Computation from Fixed-Key Block Ciphers" (IEEE S&P 2020, eprint 2019/074), section
//! 7.3: circular correlation robust where π is an ideal permutation. For a secret uniform Δ the values H(x_i ⊕ Δ) and
//! H(x_i ⊕ Δ) ⊕ Δ look uniform together to somebody who knows all x_i, which are different.
//!
//! π is AES-128 under a published key, another for each tree.

use crate::ot::block::{Block, add_assign, words};
use crate::ot::cipher::Cipher;
use zeroize::Zeroizing;

/// Blocks in the processor at a time.
const LANES: usize = 64;

/// The hash; its only state is a published key.
pub(super) struct CircularHash(Cipher);

impl CircularHash {
    pub(super) fn new(key: u128) -> Self {
        Self(Cipher::new(&key.to_le_bytes()))
    }

    /// Writes the hashes of blocks over `hashes`.
    ///
    /// # Panics
    /// If there are more or fewer blocks than places.
    pub(super) fn apply(&self, blocks: &[Block], hashes: &mut [Block]) {
        let mut turned = Zeroizing::new([[0; 16]; LANES]);
        for (blocks, hashes) in blocks.chunks(LANES).zip(hashes.chunks_mut(LANES)) {
            let turned = &mut turned[..blocks.len()];
            turned.iter_mut().zip(blocks).for_each(|(turned, block)| *turned = turn(block));
            self.0.encrypt(turned, hashes);
            add_assign(hashes, turned);
        }
    }
}

/// σ.
fn turn(block: &Block) -> Block {
    let [right, left] = words(block);
    (u128::from(left ^ right) << 64 | u128::from(left)).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ot::block::sum;

    #[test]
    fn the_hash_is_its_definition() {
        let hash = CircularHash::new(5);
        let blocks: Vec<Block> = (0..150u128).map(|i| ((i << 64) | (i * i)).to_le_bytes()).collect();
        let mut hashes = vec![[0; 16]; blocks.len()];
        hash.apply(&blocks, &mut hashes);
        for (i, hashed) in hashes.iter().enumerate() {
            let (left, right) = (i as u128, (i * i) as u128);
            let turned = ((left ^ right) << 64 | left).to_le_bytes();
            let mut permuted = [[0; 16]];
            hash.0.encrypt(&[turned], &mut permuted);
            assert_eq!(*hashed, sum(&permuted[0], &turned));
        }
    }

    /// σ and σ ⊕ id are linear, so they are one-to-one where no sum of images of single bits is zero.
    #[test]
    fn the_turn_is_an_orthomorphism() {
        for with in [0, u128::MAX] {
            let mut rows: Vec<u128> = (0..128)
                .map(|bit| 1u128 << bit)
                .map(|unit| u128::from_le_bytes(turn(&unit.to_le_bytes())) ^ unit & with)
                .collect();
            let mut rank = 0;
            for bit in 0..128 {
                let Some(pivot) = (rank..128).find(|&row| rows[row] >> bit & 1 == 1) else { continue };
                rows.swap(rank, pivot);
                let pivot = rows[rank];
                let below = rows[rank + 1..].iter_mut();
                below.filter(|row| **row >> bit & 1 == 1).for_each(|row| *row ^= pivot);
                rank += 1;
            }
            assert_eq!(rank, 128);
        }
    }
}
