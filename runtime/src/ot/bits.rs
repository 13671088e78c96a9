//! Bits side by side in words, to be computed with 64 at a time.

use crate::error::{PeerFault, Result};
use crate::paillier::SecureRng;
use rayon::prelude::*;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Bits in a word.
const WORD: usize = 64;

/// Words that a thread makes at a time, at least.
const CHUNK: usize = 64;

/// A vector of bits, mostly shares; wiped on drop. Bit i is bit i mod 64 of word i ÷ 64; those after the last
/// one are 0.
#[derive(Default, Zeroize, ZeroizeOnDrop)]
pub struct Bits {
    words: Vec<u64>,
    len: usize,
}

impl Bits {
    /// `len` bits, bit i being `bit(i)`.
    pub fn from_fn(len: usize, bit: impl Fn(usize) -> bool + Sync) -> Self {
        let word = |word: usize| {
            let first = word * WORD;
            let bits = (first..len.min(first + WORD)).enumerate();
            bits.fold(0, |word, (place, i)| word | u64::from(bit(i)) << place)
        };
        let words = (0..len.div_ceil(WORD)).into_par_iter().with_min_len(CHUNK).map(word);
        Self { words: words.collect(), len }
    }

    /// `len` bits, in words of 64 that are `word(i)`.
    pub(super) fn from_word_fn(len: usize, word: impl Fn(usize) -> u64 + Sync + Send) -> Self {
        let words = (0..len.div_ceil(WORD)).into_par_iter().with_min_len(CHUNK).map(word);
        Self::from_words(words.collect(), len)
    }

    /// The first `len` bits of words.
    pub(super) fn from_words(mut words: Vec<u64>, len: usize) -> Self {
        words.truncate(len.div_ceil(WORD));
        let mut bits = Self { words, len };
        bits.clear_tail();
        bits
    }

    /// `len` independent uniform bits.
    pub fn random(len: usize, rng: &mut SecureRng) -> Self {
        Self::from_words((0..len.div_ceil(WORD)).map(|_| rng.u64()).collect(), len)
    }

    /// `len` zeros.
    pub fn zeros(len: usize) -> Self {
        Self { words: vec![0; len.div_ceil(WORD)], len }
    }

    /// Number of bits.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no bits.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bit `index`.
    pub fn get(&self, index: usize) -> bool {
        self.words[index / WORD] >> (index % WORD) & 1 == 1
    }

    /// The bits from 64·`index` on.
    pub(super) fn word(&self, index: usize) -> u64 {
        self.words[index]
    }

    /// Sums in F₂, bit by bit, with a vector of the same length.
    pub fn xor(&self, other: &Self) -> Self {
        self.zip(other, |x, y| x ^ y)
    }

    /// Products in F₂, bit by bit, with a vector of the same length.
    pub fn and(&self, other: &Self) -> Self {
        self.zip(other, |x, y| x & y)
    }

    fn zip(&self, other: &Self, word: impl Fn(u64, u64) -> u64) -> Self {
        debug_assert_eq!(self.len, other.len);
        Self {
            words: self.words.iter().zip(&other.words).map(|(&x, &y)| word(x, y)).collect(),
            len: self.len,
        }
    }

    /// All bits of the parts, one part after another.
    pub fn concat<'a>(parts: impl IntoIterator<Item = &'a Self> + Clone) -> Self {
        let len: usize = parts.clone().into_iter().map(Self::len).sum();
        let mut whole = Self { words: Vec::with_capacity(len.div_ceil(WORD) + 1), len: 0 };
        parts.into_iter().for_each(|part| whole.append(part));
        whole
    }

    fn append(&mut self, part: &Self) {
        let filled = self.len % WORD;
        self.len += part.len;
        for &word in &part.words {
            match self.words.last_mut().filter(|_| filled > 0) {
                Some(last) => {
                    *last |= word << filled;
                    self.words.push(word >> (WORD - filled));
                }
                None => self.words.push(word),
            }
        }
        self.words.truncate(self.len.div_ceil(WORD));
    }

    /// `len` bits from bit `start` on.
    pub fn slice(&self, start: usize, len: usize) -> Self {
        let (first, shift) = (start / WORD, start % WORD);
        let word = |index: usize| self.words.get(index).copied().unwrap_or_default();
        let shifted = |index: usize| match shift {
            0 => word(index),
            _ => word(index) >> shift | word(index + 1) << (WORD - shift),
        };
        Self::from_words((first..first + len.div_ceil(WORD)).map(shifted).collect(), len)
    }

    /// As sent: bit i is bit i mod 8 of byte i ÷ 8.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.words.iter().flat_map(|word| word.to_le_bytes()).collect();
        bytes.truncate(self.len.div_ceil(8));
        bytes
    }

    /// The `len` bits in a peer's `message`; what it puts after them is ignored.
    ///
    /// # Errors
    /// The message has another length than so many bits have.
    pub fn from_bytes(message: &'static str, bytes: &[u8], len: usize) -> Result<Self> {
        let (expected, got) = (len.div_ceil(8) as u64, bytes.len() as u64);
        if got != expected {
            return Err(PeerFault::WrongLength { message, expected, got }.into());
        }
        let word = |part: &[u8]| {
            let mut word = [0; WORD / 8];
            word[..part.len()].copy_from_slice(part);
            u64::from_le_bytes(word)
        };
        Ok(Self::from_words(bytes.chunks(WORD / 8).map(word).collect(), len))
    }

    fn clear_tail(&mut self) {
        if let Some(last) = self.words.last_mut().filter(|_| !self.len.is_multiple_of(WORD)) {
            *last &= !(u64::MAX << (self.len % WORD));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::paillier::randomness::TestRng;
    use proptest::prelude::*;

    fn bits(values: &[bool]) -> Bits {
        Bits::from_fn(values.len(), |i| values[i])
    }

    fn values(bits: &Bits) -> Vec<bool> {
        (0..bits.len()).map(|i| bits.get(i)).collect()
    }

    proptest! {
        #[test]
        fn bits_are_those_of_plain_vectors(
            parts in prop::collection::vec(prop::collection::vec(any::<bool>(), 0..200), 0..5),
            start: usize,
            len: usize,
        ) {
            let plain = parts.concat();
            let parts: Vec<Bits> = parts.iter().map(|part| bits(part)).collect();
            let whole = Bits::concat(&parts);
            prop_assert_eq!(values(&whole), plain.clone());
            let start = start % (plain.len() + 1);
            let len = len % (plain.len() - start + 1);
            let slice = whole.slice(start, len);
            prop_assert_eq!(values(&slice), &plain[start..start + len]);
            let bytes = slice.to_bytes();
            prop_assert_eq!(values(&Bits::from_bytes("test", &bytes, len).unwrap()), values(&slice));
            let random = Bits::random(len, &mut TestRng::new(start as u64));
            for i in 0..len {
                prop_assert_eq!(slice.xor(&random).get(i), slice.get(i) ^ random.get(i));
                prop_assert_eq!(slice.and(&random).get(i), slice.get(i) & random.get(i));
            }
        }
    }

    #[test]
    fn bits_have_their_places_and_lengths_are_exact() {
        let ten = bits(&[true, false, false, true, true, false, false, false, false, true]);
        assert_eq!(ten.to_bytes(), [0b0001_1001, 0b10]);
        let padded = Bits::from_bytes("test", &[0b0001_1001, 0b1111_1110], 10).unwrap();
        assert_eq!(padded.to_bytes(), ten.to_bytes(), "padding is ignored");
        for (length, count) in [(1, 9), (3, 9), (0, 1), (1, 0)] {
            let error = Bits::from_bytes("test", &vec![0; length], count).err();
            let Some(Error::PeerMisbehaved(PeerFault::WrongLength { message, got, .. })) = error else {
                panic!("{length} bytes for {count} bits");
            };
            assert_eq!((message, got), ("test", length as u64));
        }
    }
}
