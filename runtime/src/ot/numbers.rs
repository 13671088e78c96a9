//! Small numbers side by side in bytes.
//!
//! Number i of w bits takes the bits w·i to w·i + w − 1, bit j being bit j mod 8 of byte j ÷ 8. Bits
//! after the last number are sent as 0; what a peer puts there is ignored.

use crate::error::{PeerFault, Result};
use rayon::prelude::*;

/// Numbers that a thread handles at a time: as many fill whole words, whatever their width.
pub(crate) const CHUNK: usize = 4096;

/// Bits of a number, 1 to 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Width(u32);

impl Width {
    /// Numbers of one bit.
    pub const BIT: Width = Width(1);

    /// Numbers of two bits.
    pub const PAIR: Width = Width(2);

    /// Numbers of `bits` bits; `None` unless 1 to 64.
    pub const fn new(bits: u32) -> Option<Self> {
        if matches!(bits, 1..=64) { Some(Self(bits)) } else { None }
    }

    /// The number of bits, 1 to 64.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The largest number, 2^w − 1.
    pub const fn mask(self) -> u64 {
        u64::MAX >> (64 - self.0)
    }

    /// Bytes that `count` numbers take.
    pub const fn bytes(self, count: usize) -> u64 {
        (count as u64 * self.0 as u64).div_ceil(8)
    }
}

/// The bytes of `count` numbers, of each the low bits.
pub(crate) fn pack(width: Width, count: usize, number: impl Fn(usize) -> u64 + Sync) -> Vec<u8> {
    let mut bytes = vec![0; width.bytes(count) as usize];
    let chunks = bytes.par_chunks_mut(width.bytes(CHUNK) as usize).enumerate();
    chunks.for_each(|(chunk, bytes)| {
        let first = chunk * CHUNK;
        fill(width, bytes, (first..count.min(first + CHUNK)).map(&number));
    });
    bytes
}

fn fill(width: Width, bytes: &mut [u8], numbers: impl Iterator<Item = u64>) {
    let (words, tail) = bytes.as_chunks_mut();
    let mut words = words.iter_mut();
    let (mut pending, mut filled) = (0u64, 0);
    for number in numbers {
        let number = number & width.mask();
        pending |= number << filled;
        filled += width.bits();
        if filled >= u64::BITS {
            if let Some(word) = words.next() {
                *word = pending.to_le_bytes();
            }
            filled -= u64::BITS;
            pending = number.unbounded_shr(width.bits() - filled);
        }
    }
    match words.next() {
        Some(last) => *last = pending.to_le_bytes(),
        None => tail.copy_from_slice(&pending.to_le_bytes()[..tail.len()]),
    }
}

/// Number `index` of those in `bytes`; quicker where 16 bytes follow its first.
pub(super) fn number_at(bytes: &[u8], width: Width, index: usize) -> u64 {
    let place = index * width.bits() as usize;
    let rest = &bytes[place / 8..];
    let word = rest.first_chunk().copied().unwrap_or_else(|| {
        let mut word = [0; 16];
        word[..rest.len()].copy_from_slice(rest);
        word
    });
    (u128::from_le_bytes(word) >> (place % 8)) as u64 & width.mask()
}

/// The numbers in a peer's message.
pub(crate) struct Packed {
    width: Width,
    count: usize,
    /// Followed by [`Self::PADDING`], so that every number is read alike.
    bytes: Vec<u8>,
}

impl Packed {
    const PADDING: [u8; 16] = [0; 16];

    /// `count` numbers in the bytes of a peer's `message`.
    ///
    /// # Errors
    /// The message has another length than so many numbers have.
    pub(crate) fn new(message: &'static str, bytes: &[u8], width: Width, count: usize) -> Result<Self> {
        let (expected, got) = (width.bytes(count), bytes.len() as u64);
        if got != expected {
            return Err(PeerFault::WrongLength { message, expected, got }.into());
        }
        Ok(Self { width, count, bytes: [bytes, &Self::PADDING].concat() })
    }

    /// Number `index`.
    pub(crate) fn get(&self, index: usize) -> u64 {
        number_at(&self.bytes, self.width, index)
    }

    /// All numbers, in order.
    pub(crate) fn numbers(&self) -> Vec<u64> {
        (0..self.count).into_par_iter().with_min_len(CHUNK).map(|index| self.get(index)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_survive_their_bytes(
            width in (1u32..=64).prop_map(|bits| Width::new(bits).unwrap()),
            numbers in prop::collection::vec(any::<u64>(), 0..50),
            copies in prop_oneof![Just(1usize), Just(200)],
        ) {
            let numbers = numbers.repeat(copies);
            let bytes = pack(width, numbers.len(), |i| numbers[i]);
            prop_assert_eq!(bytes.len() as u64, width.bytes(numbers.len()));
            let expected: Vec<u64> = numbers.iter().map(|number| number & width.mask()).collect();
            prop_assert_eq!(Packed::new("test", &bytes, width, numbers.len()).unwrap().numbers(), expected);
        }
    }

    #[test]
    fn numbers_have_their_places_and_lengths_are_exact() {
        let width = Width::new(3).unwrap();
        assert_eq!(pack(width, 3, |i| [5, 2, 7][i]), [0b1101_0101, 0b1]);
        assert!(include_str!("../message/WIRE.md").contains("5, 2, 7 of 3 bits are `d5 01`"));
        let padded = Packed::new("test", &[0b1101_0101, 0xff], width, 3).unwrap();
        assert_eq!(padded.numbers(), [5, 2, 7], "padding is ignored");
        for (length, count) in [(1, 3), (3, 3), (0, 1), (1, 0)] {
            let error = Packed::new("test", &vec![0; length], width, count).err();
            let Some(Error::PeerMisbehaved(PeerFault::WrongLength { message, got, .. })) = error else {
                panic!("{length} bytes for {count} numbers");
            };
            assert_eq!((message, got), ("test", length as u64));
        }
    }

    #[test]
    fn widths_are_1_to_64() {
        assert!(Width::new(0).is_none() && Width::new(65).is_none());
        assert_eq!(Width::new(64).unwrap().mask(), u64::MAX);
        assert_eq!(Width::BIT.mask(), 1);
    }
}
