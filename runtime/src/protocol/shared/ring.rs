//! The rings Z/2^k that shares live in.

use crate::paillier::SecureRng;

/// Z/2^k for 1 ≤ k ≤ 64. Elements are numbers below 2^k.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ring {
    bits: u32,
}

impl Ring {
    /// The ring of 2^`bits` elements; `None` unless 1 ≤ `bits` ≤ 64.
    pub const fn new(bits: u32) -> Option<Self> {
        if bits >= 1 && bits <= u64::BITS { Some(Self { bits }) } else { None }
    }

    /// k.
    pub const fn bits(self) -> u32 {
        self.bits
    }

    /// The element that a number is congruent to.
    pub const fn reduce(self, number: u64) -> u64 {
        number & (u64::MAX >> (u64::BITS - self.bits))
    }

    /// The element that a signed number is congruent to.
    pub const fn embed(self, number: i64) -> u64 {
        self.reduce(number as u64)
    }

    /// The number in [−2^(k−1), 2^(k−1)) that an element is congruent to.
    pub const fn signed(self, element: u64) -> i64 {
        let unused = u64::BITS - self.bits;
        ((element << unused) as i64) >> unused
    }

    /// A uniform element.
    pub fn random(self, rng: &mut SecureRng) -> u64 {
        self.reduce(rng.u64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn signed_numbers_survive(bits in 1u32..=64, number: i64) {
            let ring = Ring::new(bits).unwrap();
            let unused = 64 - bits;
            let within = (number << unused) >> unused;
            prop_assert_eq!(ring.signed(ring.embed(within)), within);
            prop_assert_eq!(ring.embed(number), ring.embed(within));
        }
    }

    #[test]
    fn rings_have_1_to_64_bits() {
        assert_eq!([0, 65].map(Ring::new), [None, None]);
        assert_eq!(Ring::new(64).unwrap().reduce(u64::MAX), u64::MAX);
        assert_eq!(Ring::new(1).unwrap().signed(1), -1);
    }
}
