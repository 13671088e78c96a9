//! The rings Z/2^k of suite `shared`: every value is taken modulo 2^k, as a signed number.

/// Z/2^k for 1 ≤ k ≤ 64. Elements are numbers below 2^k.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

    /// The signed number that a number is congruent to.
    pub const fn wrap(self, number: i64) -> i64 {
        self.signed(self.embed(number))
    }

    /// number ÷ 2^`bits` rounded to nearest, halves upwards: what is added for that may wrap around.
    pub const fn rescale(self, number: i64, bits: u32) -> i64 {
        let half = if bits == 0 { 0 } else { 1 << (bits - 1) };
        self.wrap(number.wrapping_add(half)) >> bits
    }

    /// Position of the winner of a tournament ([`maximum`](Self::maximum)) between numbers of this ring that carry their
    /// positions in low bits, so that the first of several largest wins. 0 of no numbers.
    pub fn arg_max(self, numbers: &[i64]) -> usize {
        let last = numbers.len().saturating_sub(1);
        let bits = usize::BITS - last.leading_zeros();
        let Some(tagged) = Ring::new(self.bits + bits) else { return 0 };
        let tag = |(i, &number): (usize, &i64)| tagged.wrap(number << bits | (last - i) as i64);
        let winner = tagged.maximum(numbers.iter().enumerate().map(tag).collect());
        last - (winner as usize & ((1 << bits) - 1)).min(last)
    }

    /// The winner of a tournament in which neighbours meet, an odd one waits, and a beats b if a − b, which may
    /// wrap around, is positive. The maximum, where no difference wraps. 0 of no numbers.
    pub fn maximum(self, mut numbers: Vec<i64>) -> i64 {
        while numbers.len() > 1 {
            let (pairs, odd) = numbers.as_chunks::<2>();
            let winner = |[a, b]: &[i64; 2]| self.wrap(b.wrapping_add(self.wrap(a.wrapping_sub(*b)).max(0)));
            numbers = pairs.iter().map(winner).chain(odd.iter().copied()).collect();
        }
        numbers.pop().unwrap_or_default()
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
    fn rounding_and_maxima_wrap_around() {
        let ring = Ring::new(6).unwrap();
        assert_eq!([-32, -5, -4, 3, 4, 27, 28, 31].map(|x| ring.rescale(x, 3)), [-4, -1, 0, 0, 1, 3, -4, -4]);
        assert_eq!(ring.rescale(-7, 0), -7);
        assert_eq!(ring.maximum(vec![3, -9, 15, 4, -16]), 15);
        assert_eq!(ring.maximum(vec![-30, 20]), -30, "-30 - 20 is 14 here");
        assert_eq!((ring.maximum(vec![-7]), ring.maximum(Vec::new())), (-7, 0));
    }

    #[test]
    fn rings_have_1_to_64_bits() {
        assert_eq!([0, 65].map(Ring::new), [None, None]);
        assert_eq!(Ring::new(64).unwrap().reduce(u64::MAX), u64::MAX);
        assert_eq!(Ring::new(1).unwrap().signed(1), -1);
    }
}
