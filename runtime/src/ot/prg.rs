//! A pseudo-random generator: AES-128 in counter mode, the seed being the key.
//!
//! Block i of the stream is AES_seed(i), i as a little-endian number. A seed is used for its stream alone.

use super::block::Block;
use aes::Aes128Enc;
use aes::cipher::{Array, BlockCipherEncrypt, KeyInit};

/// The stream of a secret seed, read from any place. Wiped on drop.
pub(super) struct Prg(Aes128Enc);

impl Prg {
    /// The stream of `seed`.
    pub(super) fn new(seed: &Block) -> Self {
        Self(Aes128Enc::new(&Array(*seed)))
    }

    /// Writes the stream's blocks of the given numbers over `blocks`, as many.
    ///
    /// # Panics
    /// If there are more or fewer numbers than blocks.
    pub(super) fn blocks(&self, counters: &[Block], blocks: &mut [Block]) {
        let numbers = Array::cast_slice_from_core(counters);
        let encrypted = self.0.encrypt_blocks_b2b(numbers, Array::cast_slice_from_core_mut(blocks));
        assert!(encrypted.is_ok(), "as many numbers as blocks");
    }
}

/// The numbers of `count` blocks from number `first` on.
pub(super) fn counters(first: u64, count: usize) -> Vec<Block> {
    (u128::from(first)..).take(count).map(u128::to_le_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 197, appendix C.1: the cipher is AES-128.
    #[test]
    fn the_cipher_is_the_standard_s() {
        let key = std::array::from_fn(|byte| byte as u8);
        let plaintext = u128::from_le_bytes(std::array::from_fn(|byte| byte as u8 * 0x11));
        let mut block = [plaintext.to_le_bytes()];
        Prg::new(&key).0.encrypt_blocks(Array::cast_slice_from_core_mut(&mut block));
        assert_eq!(u128::from_be_bytes(block[0]), 0x69c4_e0d8_6a7b_0430_d8cd_b780_70b4_c55a);
    }

    #[test]
    fn a_stream_is_the_same_from_any_place() {
        let prg = Prg::new(&[7; 16]);
        let mut whole = [[0; 16]; 200];
        prg.blocks(&counters(5, 200), &mut whole);
        for (first, length) in [(0, 1), (0, 64), (3, 65), (199, 1), (100, 0)] {
            let mut part = vec![[1; 16]; length];
            prg.blocks(&counters(5 + first as u64, length), &mut part);
            assert_eq!(part, whole[first..first + length]);
        }
    }
}
