//! Safe slices over GMP's low-level functions (`mpn_*`) on little-endian 64-bit limbs.
//!
//! Every wrapper checks the lengths that its GMP function relies on, so that the callers need no
//! `unsafe`. None allocates on the heap at the sizes in use. All run in variable time.

use gmp_mpfr_sys::gmp;

/// One 64-bit digit of a number; slices of limbs are little-endian.
pub type Limb = u64;

/// Bits in a [`Limb`].
pub(crate) const LIMB_BITS: u32 = Limb::BITS;

// GMP can be configured with other limb sizes; nothing here would work then.
const _: () = assert!(gmp::LIMB_BITS == 64 && gmp::NAIL_BITS == 0);

/// `product = x · y`, where `x` and `y` have the same length and `product` twice that.
pub(crate) fn multiply(product: &mut [Limb], x: &[Limb], y: &[Limb]) {
    assert!(!x.is_empty() && x.len() == y.len() && product.len() == 2 * x.len());
    // SAFETY: the lengths are as GMP demands (checked above), and `product` is borrowed mutably,
    // so it overlaps neither operand.
    unsafe { gmp::mpn_mul_n(product.as_mut_ptr(), x.as_ptr(), y.as_ptr(), x.len() as gmp::size_t) }
}

/// `square = x²`, where `square` is twice as long as `x`.
pub(crate) fn square(square: &mut [Limb], x: &[Limb]) {
    assert!(!x.is_empty() && square.len() == 2 * x.len());
    // SAFETY: as in `multiply`.
    unsafe { gmp::mpn_sqr(square.as_mut_ptr(), x.as_ptr(), x.len() as gmp::size_t) }
}

/// `x = 2·x`; the bit shifted out (0 or 1) is returned.
pub(crate) fn double(x: &mut [Limb]) -> Limb {
    assert!(!x.is_empty());
    let target = x.as_mut_ptr();
    // SAFETY: the length is that of `x`; GMP allows the result to be the operand when it shifts
    // to the left.
    unsafe { gmp::mpn_lshift(target, target, x.len() as gmp::size_t, 1) }
}

/// `sum += x · digit` over `x.len()` limbs; the carry limb is returned.
pub(crate) fn add_multiple(sum: &mut [Limb], x: &[Limb], digit: Limb) -> Limb {
    assert!(!x.is_empty() && sum.len() == x.len());
    // SAFETY: both slices have the length passed, and do not overlap (`sum` is borrowed mutably).
    unsafe { gmp::mpn_addmul_1(sum.as_mut_ptr(), x.as_ptr(), x.len() as gmp::size_t, digit) }
}

/// `sum += x`; the carry (0 or 1) is returned.
pub(crate) fn add_assign(sum: &mut [Limb], x: &[Limb]) -> Limb {
    assert!(!x.is_empty() && sum.len() == x.len());
    let target = sum.as_mut_ptr();
    // SAFETY: both slices have the length passed; GMP allows the result to be the first operand.
    unsafe { gmp::mpn_add_n(target, target, x.as_ptr(), x.len() as gmp::size_t) }
}

/// `difference -= x`; the borrow (0 or 1) is returned.
pub(crate) fn sub_assign(difference: &mut [Limb], x: &[Limb]) -> Limb {
    assert!(!x.is_empty() && difference.len() == x.len());
    let target = difference.as_mut_ptr();
    // SAFETY: both slices have the length passed; GMP allows the result to be the first operand.
    unsafe { gmp::mpn_sub_n(target, target, x.as_ptr(), x.len() as gmp::size_t) }
}

/// `sum += digit`; the carry (0 or 1) is returned.
pub(crate) fn add_digit(sum: &mut [Limb], digit: Limb) -> Limb {
    let mut carry = digit;
    for limb in sum {
        let (value, overflow) = limb.overflowing_add(carry);
        *limb = value;
        carry = Limb::from(overflow);
        if carry == 0 {
            break;
        }
    }
    carry
}

/// `difference -= digit`; the borrow (0 or 1) is returned.
pub(crate) fn sub_digit(difference: &mut [Limb], digit: Limb) -> Limb {
    let mut borrow = digit;
    for limb in difference {
        let (value, overflow) = limb.overflowing_sub(borrow);
        *limb = value;
        borrow = Limb::from(overflow);
        if borrow == 0 {
            break;
        }
    }
    borrow
}

/// Whether `x >= y`, both of the same length.
pub(crate) fn at_least(x: &[Limb], y: &[Limb]) -> bool {
    debug_assert_eq!(x.len(), y.len());
    x.iter().rev().ge(y.iter().rev())
}

/// The inverse of an odd limb modulo 2^64, by Newton's iteration from 5 correct bits.
pub(crate) fn inverse_mod_limb(odd: Limb) -> Limb {
    debug_assert!(odd & 1 == 1);
    let mut inverse = odd.wrapping_mul(3) ^ 2;
    for _ in 0..4 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(odd.wrapping_mul(inverse)));
    }
    inverse
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn inverse_of_an_odd_limb(limb: u64) {
            let odd = limb | 1;
            prop_assert_eq!(odd.wrapping_mul(inverse_mod_limb(odd)), 1);
        }
    }

    #[test]
    fn digits_carry_and_borrow_through_all_limbs() {
        let mut x = [u64::MAX, u64::MAX];
        assert_eq!(add_digit(&mut x, 1), 1);
        assert_eq!(x, [0, 0]);
        assert_eq!(sub_digit(&mut x, 1), 1);
        assert_eq!(x, [u64::MAX, u64::MAX]);
        assert!(at_least(&[0, 2], &[5, 1]) && at_least(&[5, 1], &[5, 1]) && !at_least(&[4, 1], &[5, 1]));
    }
}
