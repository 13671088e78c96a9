//! Weights as digits, and what the digits of one row cost.

use crate::paillier::count::Count;
use crate::paillier::ops::invert_count;

/// Widest digit considered: buckets of wider ones would cost more than they save and leave the
/// processor's caches.
const MAX_WIDTH: u32 = 10;

/// Of more factors than this, digits narrower than [`FEWEST_BITS`] are never the best.
const MANY_FACTORS: usize = 24;
const FEWEST_BITS: u32 = 3;

/// Rows that share an inversion, for the choice.
const INVERTED_TOGETHER: usize = 32;

/// Digits to the base 2^width: 0 to 2^width − 1, or balanced from −2^(width−1) + 1 to 2^(width−1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Recoding {
    pub(super) width: u32,
    balanced: bool,
}

impl Recoding {
    /// Calls `emit(level, digit)` for every nonzero digit of `weight` = Σ digit·2^(width·level),
    /// lowest level first.
    pub(super) fn digits(self, weight: i64, mut emit: impl FnMut(usize, i64)) {
        let mut rest = weight.unsigned_abs();
        let mask = (1u64 << self.width) - 1;
        let mut level = 0;
        while rest != 0 {
            let mut digit = (rest & mask) as i64;
            rest >>= self.width;
            if self.balanced && digit > 1 << (self.width - 1) {
                digit -= 1 << self.width;
                rest += 1;
            }
            if digit != 0 {
                emit(level, if weight < 0 { -digit } else { digit });
            }
            level += 1;
        }
    }

    /// The largest magnitude of a digit.
    pub(super) fn max_digit(self) -> usize {
        if self.balanced { 1 << (self.width - 1) } else { (1 << self.width) - 1 }
    }

    /// All recodings of at least `narrowest` bits worth trying for weights of at most `bits` bits.
    fn candidates(narrowest: u32, bits: u32) -> impl Iterator<Item = Self> {
        let widths = narrowest..=MAX_WIDTH.min(bits + 1);
        widths.flat_map(move |width| {
            let plain = (width <= bits).then_some(Self { width, balanced: false });
            let balanced = (width >= 2).then_some(Self { width, balanced: true });
            plain.into_iter().chain(balanced)
        })
    }
}

/// Chooses the cheapest recoding of each row; keeps its working memory between rows.
#[derive(Default)]
pub(super) struct Planner {
    /// Bit d of set (side, level): whether a digit of magnitude d occurs there.
    occupied: Vec<u64>,
}

/// How one row is to be summed.
#[derive(Clone, Copy)]
pub(super) struct Choice {
    pub(super) recoding: Recoding,
    /// The cost, joining of the sides included; inversions, which rows share, not.
    pub(super) cost: Count,
    /// Whether there is a product to be inverted.
    pub(super) negative_side: bool,
}

impl Choice {
    /// The share of an inversion, in hundredths of a product.
    pub(super) fn inversion_share(&self) -> u64 {
        let together = invert_count(INVERTED_TOGETHER).hundredths() / INVERTED_TOGETHER as u64;
        if self.negative_side { together } else { 0 }
    }

    fn hundredths(&self) -> u64 {
        self.cost.hundredths() + self.inversion_share()
    }
}

impl Planner {
    /// The cheapest recoding for a row. The row must have a nonzero weight.
    pub(super) fn choose(&mut self, weights: &[i64]) -> Choice {
        let largest = weights.iter().map(|weight| weight.unsigned_abs()).max().unwrap_or(0);
        let bits = u64::BITS - largest.leading_zeros();
        let narrowest = if weights.len() > MANY_FACTORS { FEWEST_BITS.min(bits) } else { 1 };
        Recoding::candidates(narrowest, bits.max(1))
            .map(|recoding| self.evaluate(weights, bits, recoding))
            .min_by_key(Choice::hundredths)
            .expect("there is a plain recoding of the narrowest width")
    }

    fn evaluate(&mut self, weights: &[i64], bits: u32, recoding: Recoding) -> Choice {
        let words = recoding.max_digit() / 64 + 1;
        // A balanced recoding can carry into one more level.
        let levels = bits.div_ceil(recoding.width) as usize + 1;
        self.occupied.clear();
        self.occupied.resize(2 * levels * words, 0);
        let mut digits = [0u64; 2];
        for &weight in weights {
            recoding.digits(weight, |level, digit| {
                let side = usize::from(digit < 0);
                let magnitude = digit.unsigned_abs() as usize;
                let word = (side * levels + level) * words + magnitude / 64;
                self.occupied[word] |= 1 << (magnitude % 64);
                digits[side] += 1;
            });
        }
        let mut cost = Count::default();
        for (side, sets) in self.occupied.chunks_exact(levels * words).enumerate() {
            if digits[side] > 0 {
                cost += side_cost(digits[side], sets.chunks_exact(words), recoding.width);
            }
        }
        // The two sides are joined by one product.
        cost.products += u64::from(digits[0] > 0 && digits[1] > 0);
        Choice { recoding, cost, negative_side: digits[1] > 0 }
    }
}

/// What one side of a row costs: `digits` nonzero digits in the buckets given, lowest level first.
fn side_cost<'a>(
    digits: u64,
    levels: impl ExactSizeIterator<Item = &'a [u64]> + DoubleEndedIterator,
    width: u32,
) -> Count {
    // Of all digits, the first in each bucket is no product, nor is the first factor of the result.
    let mut count = Count { products: digits - 1, ..Count::default() };
    let mut top = None;
    for (level, set) in levels.enumerate() {
        let mut below = 0;
        let mut last = None;
        for magnitude in members(set) {
            count += gap_cost(magnitude - below);
            below = magnitude;
            last = Some(magnitude);
        }
        if last.is_some() {
            // The running product begins with the top bucket for nothing.
            count.products -= 1;
            top = Some(level as u64);
        }
    }
    count.squarings += top.unwrap_or(0) * u64::from(width);
    count
}

/// What bridging a gap between buckets costs beyond the products already counted: the power of the
/// running product, and multiplying it into the result.
fn gap_cost(gap: usize) -> Count {
    Count { products: u64::from(gap.count_ones()), squarings: u64::from(gap.ilog2()), inversions: 0 }
}

/// The members of a bit set, smallest first.
fn members(set: &[u64]) -> impl Iterator<Item = usize> {
    set.iter().enumerate().flat_map(|(index, &word)| {
        let rest = |word: &u64| Some(word & (word - 1)).filter(|rest| *rest != 0);
        std::iter::successors(Some(word).filter(|word| *word != 0), rest)
            .map(move |word| index * 64 + word.trailing_zeros() as usize)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn digits_add_up_to_the_weight(weight in prop_oneof![any::<i64>(), -300i64..300]) {
            for recoding in Recoding::candidates(1, 64) {
                let mut sum = 0i128;
                let mut last = None;
                recoding.digits(weight, |level, digit| {
                    assert!(last < Some(level));
                    last = Some(level);
                    assert!(digit != 0 && digit.unsigned_abs() as usize <= recoding.max_digit());
                    sum += i128::from(digit) << (recoding.width as usize * level);
                });
                prop_assert_eq!(sum, i128::from(weight));
            }
        }
    }

    #[test]
    fn members_are_listed_in_order() {
        assert_eq!(members(&[0b1010, 0, 1 << 63]).collect::<Vec<_>>(), [1, 3, 191]);
    }

    #[test]
    fn ones_cost_one_product_each() {
        let count = Planner::default().choose(&[1; 100]).cost;
        assert_eq!(count, Count { products: 99, squarings: 0, inversions: 0 });
    }
}
