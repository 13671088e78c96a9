//! Sixteen numbers of one bit or two in a word: number i of w bits in the bits from w·i on.

use super::block::Block;
use super::numbers::{CHUNK, Width};
use rayon::prelude::*;

/// Numbers in a word.
pub const MESSAGES: usize = 16;

/// Bits of a number's place.
const PLACE_BITS: usize = MESSAGES.ilog2() as usize;

/// The number in all sixteen places of a word.
pub const fn replicate(width: Width, number: u32) -> u32 {
    number * if width.bits() == 1 { 0xffff } else { 0x5555_5555 }
}

/// The low w bits of sixteen bytes.
pub(super) fn low_bits(width: Width, bytes: &Block) -> u32 {
    let bytes = u128::from_le_bytes(*bytes);
    let [low, high] = [bytes as u64, (bytes >> 64) as u64].map(|bytes| compress(width, bytes));
    low | high << (8 * width.bits())
}

/// The low w bits of eight bytes, side by side.
fn compress(width: Width, bytes: u64) -> u32 {
    let w = width.bits();
    let mut numbers = bytes & (0x0101_0101_0101_0101 * width.mask());
    for (step, kept) in [(1, 0x00ff_00ff_00ff_00ff), (2, 0x0000_ffff_0000_ffff), (4, 0x0000_0000_ffff_ffff)] {
        numbers = (numbers | numbers >> (step * (8 - w))) & kept;
    }
    numbers as u32
}

/// Per bit of a place: the numbers whose places lack it, and how far from them the others are.
pub(super) type Swaps = [(u32, u32); PLACE_BITS];

/// The swaps for numbers of this width.
pub(super) fn swaps(width: Width) -> Swaps {
    std::array::from_fn(|t| {
        let places = (0..MESSAGES as u32).filter(|place| place >> t & 1 == 0);
        let mask = places.map(|place| (width.mask() as u32) << (width.bits() * place)).sum();
        (mask, width.bits() << t)
    })
}

/// The word whose number i is number i ⊕ `departure` of `pads`.
pub(super) fn exchange(pads: u32, departure: u8, swaps: &Swaps) -> u32 {
    swaps.iter().enumerate().fold(pads, |pads, (t, &(mask, distance))| {
        let swapped = (pads & mask) << distance | pads >> distance & mask;
        pads ^ (pads ^ swapped) & u32::from(departure >> t & 1).wrapping_neg()
    })
}

/// Bytes in which a word is sent: 2 for numbers of one bit, 4 for numbers of two.
pub(super) const fn word_bytes(width: Width) -> usize {
    MESSAGES * width.bits() as usize / 8
}

/// The words as they are sent: little-endian, each in [`word_bytes`].
pub(super) fn to_bytes(width: Width, words: &[u32]) -> Vec<u8> {
    let length = word_bytes(width);
    let mut bytes = vec![0; words.len() * length];
    let places = bytes.par_chunks_exact_mut(length).with_min_len(CHUNK);
    places.zip(words).for_each(|(place, word)| place.copy_from_slice(&word.to_le_bytes()[..length]));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number(width: Width, word: u32, place: usize) -> u32 {
        word >> (width.bits() as usize * place) & width.mask() as u32
    }

    proptest! {
        #[test]
        fn numbers_keep_and_change_places(bytes: Block, departure in 0u8..16, wide: bool) {
            let width = if wide { Width::PAIR } else { Width::BIT };
            let word = low_bits(width, &bytes);
            let moved = exchange(word, departure, &swaps(width));
            for (place, byte) in bytes.into_iter().enumerate() {
                prop_assert_eq!(number(width, word, place), u32::from(byte) & width.mask() as u32);
                prop_assert_eq!(number(width, moved, place), number(width, word, place ^ usize::from(departure)));
                prop_assert_eq!(number(width, replicate(width, word & 1), place), word & 1);
            }
            let expected = &word.to_le_bytes()[..word_bytes(width)];
            prop_assert_eq!(to_bytes(width, &[word, word]), expected.repeat(2));
        }
    }
}
