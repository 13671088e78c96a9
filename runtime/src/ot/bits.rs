//! Small numbers side by side in bytes.
//!
//! Value i of w bits takes the bits w·i to w·i + w − 1, bit j being bit j mod 8 of byte j ÷ 8. Bits
//! behind the last value are sent as 0; what a peer puts there is ignored.

use crate::error::{PeerFault, Result};

/// Bits of a value, 1 to 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Width(u32);

impl Width {
    /// Values of one bit.
    pub const BIT: Width = Width(1);

    /// Values of `bits` bits; `None` unless 1 to 64.
    pub const fn new(bits: u32) -> Option<Self> {
        if matches!(bits, 1..=64) { Some(Self(bits)) } else { None }
    }

    /// How many bits.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The largest value, 2^w − 1.
    pub const fn mask(self) -> u64 {
        u64::MAX >> (64 - self.0)
    }

    /// Bytes that `count` values take.
    pub const fn bytes(self, count: usize) -> u64 {
        (count as u64 * self.0 as u64).div_ceil(8)
    }
}

/// The bytes of `values`, of each the low bits.
pub(super) fn pack(width: Width, values: impl ExactSizeIterator<Item = u64>) -> Vec<u8> {
    let length = width.bytes(values.len()) as usize;
    let mut bytes = Vec::with_capacity(length + 8);
    let (mut pending, mut filled) = (0u128, 0);
    for value in values {
        pending |= u128::from(value & width.mask()) << filled;
        filled += width.bits();
        if filled >= 64 {
            bytes.extend_from_slice(&(pending as u64).to_le_bytes());
            pending >>= 64;
            filled -= 64;
        }
    }
    bytes.extend_from_slice(&(pending as u64).to_le_bytes());
    bytes.truncate(length);
    bytes
}

/// The `count` values in the bytes of a peer's `message`.
///
/// # Errors
/// The message has another length than so many values have.
pub(super) fn unpack(
    message: &'static str,
    bytes: &[u8],
    width: Width,
    count: usize,
) -> Result<impl ExactSizeIterator<Item = u64>> {
    let (expected, got) = (width.bytes(count), bytes.len() as u64);
    if got != expected {
        return Err(PeerFault::WrongLength { message, expected, got }.into());
    }
    let mut words = bytes.chunks(8);
    let (mut pending, mut filled) = (0u128, 0);
    Ok((0..count).map(move |_| {
        if filled < width.bits() {
            let mut word = [0; 8];
            let part = words.next().unwrap_or_default();
            word[..part.len()].copy_from_slice(part);
            pending |= u128::from(u64::from_le_bytes(word)) << filled;
            filled += 64;
        }
        let value = pending as u64 & width.mask();
        pending >>= width.bits();
        filled -= width.bits();
        value
    }))
}

/// The bytes of bits.
pub(super) fn pack_bits(bits: impl ExactSizeIterator<Item = bool>) -> Vec<u8> {
    pack(Width::BIT, bits.map(u64::from))
}

/// The `count` bits in a peer's `message`.
///
/// # Errors
/// As [`unpack`].
pub(super) fn unpack_bits(
    message: &'static str,
    bytes: &[u8],
    count: usize,
) -> Result<impl ExactSizeIterator<Item = bool>> {
    Ok(unpack(message, bytes, Width::BIT, count)?.map(|bit| bit == 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn values_survive_their_bytes(
            width in (1u32..=64).prop_map(|bits| Width::new(bits).unwrap()),
            values in prop::collection::vec(any::<u64>(), 0..50),
        ) {
            let bytes = pack(width, values.iter().copied());
            prop_assert_eq!(bytes.len() as u64, width.bytes(values.len()));
            let unpacked: Vec<u64> = unpack("test", &bytes, width, values.len()).unwrap().collect();
            let expected: Vec<u64> = values.iter().map(|value| value & width.mask()).collect();
            prop_assert_eq!(unpacked, expected);
        }
    }

    #[test]
    fn bits_have_their_places_and_lengths_are_exact() {
        let bits = [true, false, false, true, true, false, false, false, false, true];
        let bytes = pack_bits(bits.into_iter());
        assert_eq!(bytes, [0b0001_1001, 0b10]);
        assert!(unpack_bits("test", &bytes, 10).unwrap().eq(bits));
        assert!(unpack_bits("test", &[0b0001_1001, 0b1111_1110], 10).unwrap().eq(bits), "padding is ignored");
        for (length, count) in [(1, 9), (3, 9), (0, 1), (1, 0)] {
            let error = unpack_bits("test", &vec![0; length], count).err();
            let expected_error = matches!(
                error,
                Some(Error::PeerMisbehaved(PeerFault::WrongLength { message: "test", got, .. })) if got == length as u64
            );
            assert!(expected_error);
        }
    }

    #[test]
    fn widths_are_1_to_64() {
        assert!(Width::new(0).is_none() && Width::new(65).is_none());
        assert_eq!(Width::new(64).unwrap().mask(), u64::MAX);
        assert_eq!(Width::BIT.mask(), 1);
    }
}
