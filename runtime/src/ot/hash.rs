//! A hash that hides correlations: H(x, i) = π(π(x) ⊕ i) ⊕ π(x) for a fixed permutation π.
//!
//! TMMO of Guo, Katz, Wang and Yu, "Efficient and Secure Multiparty Computation from Fixed-Key Block
//! Ciphers" (IEEE S&P 2020, eprint 2019/074): tweakable correlation robust where π is an ideal permutation.
//! For a secret uniform Δ the values H(x_i ⊕ Δ, i) look uniform to somebody who knows all x_i.
//!
//! π is AES-128 under a published key. What an adversary gains by computing π grows with the number of
//! hashes by the same π, so each chunk of OTs has a key of its own, that of its extension and its number. An extension's
//! key is a digest of its first message, which is new in every session (in a field of one bit, empty).

use super::block::{Block, add_assign, sum};
use super::cipher::Cipher;
use zeroize::Zeroizing;

/// Blocks in the processor at a time.
const LANES: usize = 64;

/// The key of an extension whose masked sums of trees are `sums`; everybody may know it.
pub(super) fn key(sums: &[u8]) -> u128 {
    let digest = blake3::derive_key("popcorn oblivious transfer extension", sums);
    u128::from_be_bytes(std::array::from_fn(|i| digest[i]))
}

/// The hash; its only state is a published key.
pub(super) struct Hash(Cipher);

impl Hash {
    /// The hash of the chunk from OT `number` on, of the extension with this [`key`].
    pub(super) fn new(key: u128, number: u64) -> Self {
        Self(Cipher::new(&(key ^ u128::from(number)).to_be_bytes()))
    }

    /// Replaces the blocks of group i by their hashes with the tweak `first` + i.
    pub(super) fn apply<const SIZE: usize>(&self, first: u64, groups: &mut [[Block; SIZE]]) {
        let mut buffers = Zeroizing::new([[[0; 16]; LANES]; 2]);
        let [permuted, tweaked] = &mut *buffers;
        let firsts = (u128::from(first)..).step_by(LANES / SIZE);
        for (first, groups) in firsts.zip(groups.chunks_mut(LANES / SIZE)) {
            let length = groups.len() * SIZE;
            let (permuted, tweaked) = (&mut permuted[..length], &mut tweaked[..length]);
            self.0.encrypt(groups.as_flattened(), permuted);
            let tweaks = (first..).flat_map(|tweak| [tweak; SIZE]);
            for ((tweaked, permuted), tweak) in tweaked.iter_mut().zip(&*permuted).zip(tweaks) {
                *tweaked = sum(permuted, &tweak.to_le_bytes());
            }
            self.0.encrypt(tweaked, groups.as_flattened_mut());
            add_assign(groups.as_flattened_mut(), permuted);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_its_definition() {
        let hash = Hash::new(key(&[]), 3);
        let inputs: Vec<[Block; 2]> = (0..150u128).map(|i| [i * i, i].map(u128::to_le_bytes)).collect();
        let mut outputs = inputs.clone();
        hash.apply(1000, &mut outputs);
        let pairs = inputs.as_flattened().iter().zip(outputs.as_flattened());
        for (i, (input, output)) in pairs.enumerate() {
            let permuted = |block: Block| {
                let mut one = [block];
                hash.0.encrypt(&[block], &mut one);
                one[0]
            };
            let inner = permuted(*input);
            let tweak = (1000 + i as u128 / 2).to_le_bytes();
            assert_eq!(*output, sum(&permuted(sum(&inner, &tweak)), &inner));
        }
    }

    #[test]
    fn equal_blocks_with_other_tweaks_or_batches_have_other_hashes() {
        let hashes = [0, 1].map(|batch| {
            let mut blocks = [[[3; 16]]; 3];
            Hash::new(key(&[]), batch).apply(0, &mut blocks);
            blocks
        });
        let mut hashes = hashes.as_flattened().to_vec();
        hashes.sort();
        hashes.dedup();
        assert_eq!(hashes.len(), 6);
    }
}
