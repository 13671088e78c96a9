//! The rings Z/2^k of suite `shared`: every value is taken modulo 2^k, as a signed number.

/// Z/2^k for 1 ≤ k ≤ 64. Elements are numbers below 2^k.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ring {
    bits: u32,
}

impl Ring {
    /// The ring of one bit, Z/2.
    pub const BIT: Ring = Ring { bits: 1 };

    /// The ring of 2^`bits` elements; `None` unless 1 ≤ `bits` ≤ 64.
    pub const fn new(bits: u32) -> Option<Self> {
        if bits >= 1 && bits <= u64::BITS { Some(Self { bits }) } else { None }
    }

    /// The number k of bits, 1 to 64.
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

    /// The winner of a tournament in which neighbours meet, an odd one waits, and b beats a if a − b, which is taken in
    /// this ring, is negative. The maximum, where no difference wraps around. 0 of no numbers. `numbers` are overwritten.
    pub fn maximum(self, numbers: &mut [i64]) -> i64 {
        let mut left = numbers.len();
        while left > 1 {
            for pair in 0..left / 2 {
                let [a, b] = [numbers[2 * pair], numbers[2 * pair + 1]];
                numbers[pair] = if self.loses(a, b) { b } else { a };
            }
            if left % 2 == 1 {
                numbers[left / 2] = numbers[left - 1];
            }
            left = left.div_ceil(2);
        }
        numbers.first().copied().unwrap_or_default()
    }

    /// The position of the winner of a tournament as in [`maximum`](Self::maximum): of the first maximum, where no
    /// difference wraps around. 0 of no numbers.
    pub fn arg_max(self, numbers: &[i64]) -> usize {
        let mut places: Vec<usize> = (0..numbers.len()).collect();
        while places.len() > 1 {
            let (pairs, odd) = places.as_chunks::<2>();
            let winner = |[a, b]: &[usize; 2]| if self.loses(numbers[*a], numbers[*b]) { *b } else { *a };
            places = pairs.iter().map(winner).chain(odd.iter().copied()).collect();
        }
        places.pop().unwrap_or_default()
    }

    /// Whether a − b is negative.
    const fn loses(self, a: i64, b: i64) -> bool {
        self.wrap(a.wrapping_sub(b)) < 0
    }
}

/// Bits that tell so many positions apart: ⌈log2 count⌉, 0 for one.
pub const fn index_bits(count: usize) -> u32 {
    usize::BITS - (count - 1).leading_zeros()
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
        assert_eq!(ring.maximum(&mut [3, -9, 15, 4, -16]), 15);
        assert_eq!(ring.maximum(&mut [-30, 20]), -30, "-30 - 20 is 14 here");
        assert_eq!(Ring::new(4).unwrap().maximum(&mut [101, 108, 103, 107]), 108, "differences of 4 bits");
        assert_eq!((ring.maximum(&mut [-7]), ring.maximum(&mut [])), (-7, 0));
    }

    #[test]
    fn the_first_maximum_wins() {
        let ring = Ring::new(6).unwrap();
        assert_eq!(ring.arg_max(&[3, -9, 15, 4, 15]), 2);
        assert_eq!(ring.arg_max(&[-30, 20]), 0, "-30 - 20 is 14 here");
        assert_eq!([ring.arg_max(&[-7]), ring.arg_max(&[])], [0; 2]);
    }

    proptest! {
        /// The position is in the low bits of the maximum of numbers with their places below them.
        #[test]
        fn arg_maxima_are_maxima_with_places(
            bits in 1u32..=61,
            numbers in prop::collection::vec(any::<i64>(), 1..=8),
        ) {
            let (ring, tagged) = (Ring::new(bits).unwrap(), Ring::new(bits + 3).unwrap());
            let numbers: Vec<i64> = numbers.into_iter().map(|number| ring.wrap(number)).collect();
            let tag = |(place, number): (usize, &i64)| number << 3 | (7 - place) as i64;
            let mut places: Vec<i64> = numbers.iter().enumerate().map(tag).collect();
            let largest = tagged.maximum(&mut places);
            prop_assert_eq!(ring.arg_max(&numbers), 7 - (largest & 7) as usize);
        }
    }

    #[test]
    fn rings_have_1_to_64_bits() {
        assert_eq!([0, 65].map(Ring::new), [None, None]);
        assert_eq!(Ring::new(64).unwrap().reduce(u64::MAX), u64::MAX);
        assert_eq!(Ring::new(1).unwrap().signed(1), -1);
    }
}
