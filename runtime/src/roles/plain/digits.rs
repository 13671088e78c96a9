//! Wide integers as sums of narrow ones, so that products with weights fit 64 bits.
//!
//! x = Σ digit_j · 2^(width·j) with signed digits, −2^(width−1) ≤ digit < 2^(width−1). Products of a
//! weight and the digits are summed apart and put together at the end; that is exact modulo 2^128.

use super::tensor::{Integer, Tensor, with_elements};

/// One digit of each element of a tensor.
pub(super) struct Plane {
    /// A digit stands for digit · 2^shift.
    pub shift: u32,
    /// Row-major, as the elements.
    pub digits: Vec<i32>,
}

/// The digits of `tensor`, lowest first, as wide as sums of products with weights can be whose
/// magnitudes add up to `weights` < 2^56.
pub(super) fn planes(tensor: &Tensor, weights: u64) -> Vec<Plane> {
    // A sum is at most weights · 2^(width − 1) in magnitude, which must be below 2^63.
    let width = i32::BITS.min(weights.leading_zeros());
    let count = count(tensor.bits(), width);
    with_elements!(tensor, elements => split(elements, width, count))
}

/// How many digits of `width` bits hold integers of `bits` bits; never more than 128 bits need.
fn count(bits: u32, width: u32) -> usize {
    // The lower digits may be negative, so that the highest has to make up for them.
    let needed = if bits < width { 1 } else { (bits + 2).div_ceil(width) };
    needed.min(i128::BITS.div_ceil(width)) as usize
}

fn split<T: Integer>(elements: &[T], width: u32, count: usize) -> Vec<Plane> {
    let plane = |index| Plane { shift: index * width, digits: Vec::with_capacity(elements.len()) };
    let mut planes: Vec<Plane> = (0..count as u32).map(plane).collect();
    let unused = i32::BITS - width;
    for x in elements {
        let mut rest = x.wide();
        for plane in &mut planes {
            let digit = (rest as i32) << unused >> unused;
            plane.digits.push(digit);
            rest = rest.wrapping_sub(digit.into()) >> width;
        }
    }
    planes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn join(planes: &[Plane]) -> i128 {
        planes.iter().fold(0, |sum, plane| sum.wrapping_add(i128::from(plane.digits[0]) << plane.shift))
    }

    proptest! {
        #[test]
        fn digits_make_up_the_number(x in any::<i128>(), shift in 0u32..128, weights in 0u64..1 << 56) {
            let planes = planes(&Tensor::Wide(vec![x >> shift]), weights);
            prop_assert_eq!(join(&planes), x >> shift);
            let largest = planes.iter().map(|plane| plane.digits[0].unsigned_abs()).max().unwrap();
            prop_assert!(u128::from(weights) * u128::from(largest) < 1 << 63);
        }
    }

    #[test]
    fn bounds_of_types_survive() {
        for x in [i128::MIN, i128::MAX, i64::MIN.into(), i64::MAX.into(), (1 << 62) - 1, -1, 0] {
            assert_eq!(join(&planes(&Tensor::Wide(vec![x]), 1)), x);
            assert_eq!(join(&planes(&Tensor::Middle(vec![x as i64]), 1)), i128::from(x as i64));
        }
    }

    #[test]
    fn values_have_as_many_digits_as_they_need() {
        assert_eq!(planes(&Tensor::Narrow(vec![i32::MIN, i32::MAX]), 1 << 31).len(), 1);
        assert_eq!(planes(&Tensor::Middle(vec![1 << 61]), 1 << 31).len(), 2);
        assert_eq!(planes(&Tensor::Middle(vec![i64::MAX]), 1 << 31).len(), 3);
        assert_eq!(planes(&Tensor::Narrow(vec![1]), (1 << 56) - 1).len(), 1);
    }
}
