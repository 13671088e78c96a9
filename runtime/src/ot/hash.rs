//! A hash that hides correlations: H(x, i) = π(π(x) ⊕ i) ⊕ π(x) for a fixed permutation π.
//!
//! TMMO of Guo, Katz, Wang and Yu, "Efficient and Secure Multiparty Computation from Fixed-Key Block
//! Ciphers" (IEEE S&P 2020, eprint 2019/074): tweakable correlation robust where π is an ideal
//! permutation. For a secret uniform Δ the values H(x_i ⊕ Δ, i) look uniform to somebody who knows all x_i.
//! π is AES-128 under a published key.

use super::block::{Block, add_assign};
use aes::Aes128Enc;
use aes::cipher::{Array, BlockCipherEncrypt, KeyInit};

/// The first 128 bits of the fraction of π: nobody chose them.
const KEY: u128 = 0x243f_6a88_85a3_08d3_1319_8a2e_0370_7344;

/// Blocks in the processor at a time.
const LANES: usize = 64;

/// The hash; its only state is the published key.
pub(super) struct Hash(Aes128Enc);

impl Hash {
    /// The hash.
    pub(super) fn new() -> Self {
        Self(Aes128Enc::new(&Array(KEY.to_be_bytes())))
    }

    /// Replaces block i by its hash with the tweak `first` + i.
    pub(super) fn apply(&self, first: u64, blocks: &mut [Block]) {
        let mut permuted = [[0; 16]; LANES];
        for (chunk, blocks) in (0u128..).zip(blocks.chunks_mut(LANES)) {
            let permuted = &mut permuted[..blocks.len()];
            self.permute(blocks);
            permuted.copy_from_slice(blocks);
            let first = u128::from(first) + chunk * LANES as u128;
            for (tweak, block) in (first..).zip(&mut *blocks) {
                *block = (u128::from_le_bytes(*block) ^ tweak).to_le_bytes();
            }
            self.permute(blocks);
            add_assign(blocks, permuted);
        }
    }

    fn permute(&self, blocks: &mut [Block]) {
        self.0.encrypt_blocks(Array::cast_slice_from_core_mut(blocks));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ot::block::sum;

    #[test]
    fn the_hash_is_its_definition() {
        let hash = Hash::new();
        let mut blocks: Vec<Block> = (0..150u128).map(|i| (i * i).to_le_bytes()).collect();
        let inputs = blocks.clone();
        hash.apply(1000, &mut blocks);
        for (i, (input, output)) in inputs.iter().zip(&blocks).enumerate() {
            let permuted = |block: Block| {
                let mut one = [block];
                hash.permute(&mut one);
                one[0]
            };
            let inner = permuted(*input);
            let tweak = (1000 + i as u128).to_le_bytes();
            assert_eq!(*output, sum(&permuted(sum(&inner, &tweak)), &inner));
        }
    }

    #[test]
    fn equal_blocks_with_other_tweaks_have_other_hashes() {
        let mut blocks = [[3; 16]; 3];
        Hash::new().apply(0, &mut blocks);
        assert!(blocks[0] != blocks[1] && blocks[1] != blocks[2] && blocks[0] != blocks[2]);
    }
}
