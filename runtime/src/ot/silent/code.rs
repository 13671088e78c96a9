//! A local linear code: every output adds ten blocks of a table.
//!
//! Which ones is public: words of 32 bits, modulo the table's length, of AES in counter mode under a published key, ten an
//! output, so that any part of the outputs is computed alone. (Goldreich's local generators; ten taps as in Yang, Weng,
//! Lan, Zhang and Wang, "Ferret: Fast Extension for coRRElated oT with small communication", CCS 2020, eprint 2020/924.)
//!
//! The table lies in the processor's second or third memory, whose answers take the time: of 32 outputs all places are
//! known before the first is fetched.

use crate::ot::block::Block;
use crate::ot::cipher::Cipher;

/// Taps of an output.
const TAPS: usize = 10;

/// Outputs whose taps are made at once.
const GROUP: usize = 32;

/// AES blocks that these taps take.
const BLOCKS: usize = GROUP * TAPS * size_of::<u32>() / size_of::<Block>();

/// A code over tables of up to 2^32 blocks; its only state is a published key.
pub(super) struct LocalCode(Cipher);

/// A group's taps, ten words an output: places in the table, modulo its length.
type Taps = [[u32; TAPS]; GROUP];

impl LocalCode {
    /// The code under a published key.
    pub(super) fn new(key: u128) -> Self {
        Self(Cipher::new(&key.to_le_bytes()))
    }

    /// Adds its part of a table, of 2^i blocks, to each block of `outputs`, which are the outputs from number `first` on, in
    /// whole groups of 32.
    pub(super) fn add(&self, first: usize, table: &[Block], outputs: &mut [Block]) {
        for (group, outputs) in (first / GROUP..).zip(outputs.as_chunks_mut().0) {
            gather(table, &self.taps(group), outputs);
        }
    }

    /// The taps of a group.
    fn taps(&self, group: usize) -> Taps {
        let first = (group * BLOCKS) as u128;
        let counters: [Block; BLOCKS] = std::array::from_fn(|block| (first + block as u128).to_le_bytes());
        let mut blocks = [[0; 16]; BLOCKS];
        self.0.encrypt(&counters, &mut blocks);
        let words = blocks.as_flattened().as_chunks().0;
        let mut taps = [[0; TAPS]; GROUP];
        taps.as_flattened_mut()
            .iter_mut()
            .zip(words)
            .for_each(|(tap, word)| *tap = u32::from_le_bytes(*word));
        taps
    }
}

/// Adds to each output the blocks of the table at its taps.
fn gather(table: &[Block], taps: &Taps, outputs: &mut [Block; GROUP]) {
    for (output, taps) in outputs.iter_mut().zip(taps) {
        let mut sum = u128::from_le_bytes(*output);
        for &tap in taps {
            sum ^= u128::from_le_bytes(table[tap as usize & (table.len() - 1)]);
        }
        *output = sum.to_le_bytes();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ot::block::sum;
    use crate::paillier::randomness::TestRng;

    fn table(length: usize) -> Vec<Block> {
        let mut rng = TestRng::new(length as u64);
        let mut table = vec![[0; 16]; length];
        table.iter_mut().for_each(|block| rng.fill(block));
        table
    }

    #[test]
    fn outputs_are_sums_of_ten() {
        let code = LocalCode::new(9);
        for length in [1 << 9, 1 << 18] {
            let table = table(length);
            let mut outputs = vec![[5; 16]; 4 * GROUP];
            code.add(2 * GROUP, &table, &mut outputs);
            for (j, output) in (2 * GROUP..).zip(outputs) {
                let words = (0..TAPS).map(|place| {
                    let word = j * TAPS + place;
                    let mut block = [[0; 16]];
                    code.0.encrypt(&[(word as u128 / 4).to_le_bytes()], &mut block);
                    let word = &block[0][4 * (word % 4)..][..4];
                    u32::from_le_bytes(word.try_into().unwrap()) as usize
                });
                let expected = words.fold([5; 16], |total, word| sum(&total, &table[word % length]));
                assert_eq!(output, expected);
            }
        }
    }

    #[test]
    fn parts_are_those_of_the_whole() {
        let (code, table) = (LocalCode::new(4), table(1 << 10));
        let mut whole = vec![[0; 16]; 10 * GROUP];
        let mut parts = whole.clone();
        code.add(0, &table, &mut whole);
        let (first, rest) = parts.split_at_mut(3 * GROUP);
        code.add(3 * GROUP, &table, rest);
        code.add(0, &table, first);
        assert_eq!(whole, parts);
    }

    /// Every place of the table is tapped about as often as any other.
    #[test]
    fn taps_are_spread() {
        let code = LocalCode::new(11);
        let groups = (0..200).flat_map(|group| code.taps(group).into_iter().flatten());
        crate::ot::testing::uniform(512, groups.map(|tap| tap as usize % 512));
    }
}
