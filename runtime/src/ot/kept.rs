//! Correlations as bytes, for a party that keeps them longer than a session: numbers and bits side by side, whole bytes of each
//! vector, without lengths, which follow from the batches. So any bytes of the right length are correlations, though perhaps
//! not those of the peer.

use super::bits::Bits;
use super::numbers::{Width, number_at, pack};
use super::words::Words;
use crate::error::{InvalidInput, Result};
use zeroize::Zeroizing;

/// Bytes under way to where they are kept; wiped on drop.
pub(crate) struct Writer {
    bytes: Zeroizing<Vec<u8>>,
}

/// Kept bytes that are read again, from the first to the last.
pub(crate) struct Reader<'b> {
    rest: &'b [u8],
}

impl Writer {
    /// With room for `length` bytes, so that adding these leaves no copies behind.
    pub(crate) fn with_room(length: u64) -> Self {
        Self { bytes: Zeroizing::new(Vec::with_capacity(usize::try_from(length).unwrap_or(0))) }
    }

    /// Adds bytes.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Adds `count` numbers, of each the low bits.
    pub(crate) fn numbers(&mut self, width: Width, count: usize, number: impl Fn(usize) -> u64 + Sync) {
        self.bytes(&Zeroizing::new(pack(width, count, number)));
    }

    /// Adds bits.
    pub(super) fn bits(&mut self, bits: &Bits) {
        let end = self.bytes.len() + bits.len().div_ceil(8);
        (0..bits.len().div_ceil(64)).for_each(|index| {
            let left = end - self.bytes.len();
            let word = bits.word(index).to_le_bytes();
            self.bytes(&word[..left.min(word.len())]);
        });
    }

    /// Adds secret numbers.
    pub(super) fn words(&mut self, width: Width, words: &Words) {
        self.numbers(width, words.len(), |index| words.get(index));
    }

    /// What was added.
    pub(crate) fn finish(self) -> Zeroizing<Vec<u8>> {
        self.bytes
    }
}

impl<'b> Reader<'b> {
    /// Of these bytes.
    pub(crate) const fn new(bytes: &'b [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next `length` bytes.
    ///
    /// # Errors
    /// [`InvalidInput::Kept`]: there are fewer.
    pub(crate) fn bytes(&mut self, length: u64) -> Result<&'b [u8]> {
        let split = usize::try_from(length).ok().and_then(|length| self.rest.split_at_checked(length));
        let (next, rest) = split.ok_or_else(too_short)?;
        self.rest = rest;
        Ok(next)
    }

    /// The next `count` numbers.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes).
    pub(crate) fn numbers(
        &mut self,
        width: Width,
        count: usize,
    ) -> Result<impl ExactSizeIterator<Item = u64>> {
        let bytes = self.bytes(width.bytes(count))?;
        Ok((0..count).map(move |index| number_at(bytes, width, index)))
    }

    /// The next `count` bits.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes).
    pub(super) fn bits(&mut self, count: usize) -> Result<Bits> {
        Bits::from_bytes("kept bits", self.bytes(Width::BIT.bytes(count))?, count)
    }

    /// The next `count` secret numbers.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes).
    pub(super) fn words(&mut self, width: Width, count: usize) -> Result<Words> {
        Ok(Words::collect(width, self.numbers(width, count)?))
    }

    /// Ends where the bytes do.
    ///
    /// # Errors
    /// [`InvalidInput::Kept`]: some are left.
    pub(crate) fn finish(self) -> Result<()> {
        match self.rest.len() {
            0 => Ok(()),
            left => Err(InvalidInput::Kept(format!("{left} bytes are left over")).into()),
        }
    }
}

fn too_short() -> InvalidInput {
    InvalidInput::Kept("it ends early".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn what_was_kept_is_read_again(
            width in (1u32..=64).prop_map(|bits| Width::new(bits).unwrap()),
            numbers in prop::collection::vec(any::<u64>(), 0..70),
            bits in prop::collection::vec(any::<bool>(), 0..200),
        ) {
            let expected: Vec<u64> = numbers.iter().map(|number| number & width.mask()).collect();
            let length = width.bytes(numbers.len()) + Width::BIT.bytes(bits.len()) + 3;
            let mut writer = Writer::with_room(length);
            writer.words(width, &Words::collect(width, numbers.iter().copied()));
            writer.bits(&Bits::from_fn(bits.len(), |index| bits[index]));
            writer.bytes(b"end");
            let bytes = writer.finish();
            prop_assert_eq!(bytes.len() as u64, length);
            let mut reader = Reader::new(&bytes);
            let words = reader.words(width, numbers.len()).unwrap();
            prop_assert!((0..words.len()).map(|index| words.get(index)).eq(expected));
            let read = reader.bits(bits.len()).unwrap();
            prop_assert!((0..bits.len()).all(|index| read.get(index) == bits[index]));
            prop_assert_eq!(reader.bytes(3).unwrap(), b"end");
            prop_assert!(reader.bytes(1).is_err());
            reader.finish().unwrap();
        }
    }

    #[test]
    fn what_is_left_over_is_an_error() {
        assert!(Reader::new(&[1]).finish().is_err());
    }
}
