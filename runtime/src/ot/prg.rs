//! A pseudo-random generator: AES-128 in counter mode, the seed being the key.
//!
//! Block i of the stream is AES_seed(i), i as a little-endian number. A seed is used for its stream alone.

use super::block::Block;
use super::cipher::Cipher;

/// The stream of a secret seed, read from any place. Wiped on drop.
pub(super) struct Prg(Cipher);

impl Prg {
    /// The stream of `seed`.
    pub(super) fn new(seed: &Block) -> Self {
        Self(Cipher::new(seed))
    }

    /// Writes the stream's blocks of the given numbers over `blocks`.
    ///
    /// # Panics
    /// If there are more or fewer numbers than blocks.
    pub(super) fn blocks(&self, counters: &[Block], blocks: &mut [Block]) {
        self.0.encrypt(counters, blocks);
    }
}

/// The numbers of `count` blocks from number `first` on.
pub(super) fn counters(first: u64, count: usize) -> Vec<Block> {
    (u128::from(first)..).take(count).map(u128::to_le_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
