//! A hash that hides correlations: H(x, i) = π(π(x) ⊕ i) ⊕ π(x) for a fixed permutation π.
//!
//! TMMO of Guo, Katz, Wang and Yu, "Efficient and Secure Multiparty Computation from Fixed-Key Block
//! Ciphers" (IEEE S&P 2020, eprint 2019/074): tweakable correlation robust where π is an ideal
//! permutation. For a secret uniform Δ the values H(x_i ⊕ Δ, i) look uniform to somebody who knows all x_i.
//! π is AES-128 under a published key.

use super::block::{Block, add_assign, sum};
use aes::Aes128Enc;
use aes::cipher::{Array, BlockCipherEncrypt, KeyInit};
use zeroize::Zeroize;

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

    /// Replaces the blocks of group i by their hashes with the tweak `first` + i.
    pub(super) fn apply<const SIZE: usize>(&self, first: u64, groups: &mut [[Block; SIZE]]) {
        let mut permuted = [[0; 16]; LANES];
        for (first, groups) in
            (u128::from(first)..).step_by(LANES / SIZE).zip(groups.chunks_mut(LANES / SIZE))
        {
            let permuted = &mut permuted[..groups.len() * SIZE];
            self.permute(groups.as_flattened_mut());
            permuted.copy_from_slice(groups.as_flattened());
            for (tweak, group) in (first..).zip(&mut *groups) {
                group.iter_mut().for_each(|block| *block = sum(block, &tweak.to_le_bytes()));
            }
            self.permute(groups.as_flattened_mut());
            add_assign(groups.as_flattened_mut(), permuted);
        }
        permuted.zeroize();
    }

    fn permute(&self, blocks: &mut [Block]) {
        self.0.encrypt_blocks(Array::cast_slice_from_core_mut(blocks));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_its_definition() {
        let hash = Hash::new();
        let inputs: Vec<[Block; 2]> = (0..150u128).map(|i| [i * i, i].map(u128::to_le_bytes)).collect();
        let mut outputs = inputs.clone();
        hash.apply(1000, &mut outputs);
        let pairs = inputs.as_flattened().iter().zip(outputs.as_flattened());
        for (i, (input, output)) in pairs.enumerate() {
            let permuted = |block: Block| {
                let mut one = [block];
                hash.permute(&mut one);
                one[0]
            };
            let inner = permuted(*input);
            let tweak = (1000 + i as u128 / 2).to_le_bytes();
            assert_eq!(*output, sum(&permuted(sum(&inner, &tweak)), &inner));
        }
    }

    #[test]
    fn equal_blocks_with_other_tweaks_have_other_hashes() {
        let mut blocks = [[[3; 16]]; 3];
        Hash::new().apply(0, &mut blocks);
        assert!(blocks[0] != blocks[1] && blocks[1] != blocks[2] && blocks[0] != blocks[2]);
    }
}
