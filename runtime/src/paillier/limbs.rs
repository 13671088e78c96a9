//! Safe slices over GMP's low-level functions (`mpn_*`) on little-endian 64-bit limbs.
//!
//! Every wrapper checks the lengths that its GMP function relies on, so that the callers need no
//! `unsafe`. All run in constant time, where neither branches nor addresses depend on the limbs, but those whose names
//! say otherwise.

use gmp_mpfr_sys::gmp;

/// One 64-bit digit of a number; slices of limbs are little-endian.
pub type Limb = u64;

pub(crate) const LIMB_BITS: u32 = Limb::BITS;

// GMP can be configured with other limb sizes; nothing here would work then.
const _: () = assert!(gmp::LIMB_BITS == 64 && gmp::NAIL_BITS == 0);

/// Limbs of working memory for products and squares of numbers of `length` limbs.
pub(crate) fn product_spare(length: usize) -> usize {
    let length = length as gmp::size_t;
    // SAFETY: both functions only compute with sizes.
    let (multiply, square) =
        unsafe { (gmp::mpn_sec_mul_itch(length, length), gmp::mpn_sec_sqr_itch(length)) };
    multiply.max(square) as usize
}

/// `product = x · y`, where `x` and `y` have the same length and `product` twice that; `spare` has
/// [`product_spare`] limbs.
pub(crate) fn multiply(product: &mut [Limb], x: &[Limb], y: &[Limb], spare: &mut [Limb]) {
    assert!(!x.is_empty() && x.len() == y.len() && product.len() == 2 * x.len());
    assert!(spare.len() >= product_spare(x.len()));
    let length = x.len() as gmp::size_t;
    // SAFETY: the lengths are as GMP demands (checked above), and `product` and `spare` are borrowed
    // mutably, so they overlap nothing.
    unsafe {
        let (product, spare) = (product.as_mut_ptr(), spare.as_mut_ptr());
        gmp::mpn_sec_mul(product, x.as_ptr(), length, y.as_ptr(), length, spare);
    }
}

/// `square = x²`, where `square` is twice as long as `x`; `spare` has [`product_spare`] limbs.
pub(crate) fn square(square: &mut [Limb], x: &[Limb], spare: &mut [Limb]) {
    assert!(!x.is_empty() && square.len() == 2 * x.len());
    assert!(spare.len() >= product_spare(x.len()));
    let length = x.len() as gmp::size_t;
    // SAFETY: as in `multiply`.
    unsafe { gmp::mpn_sec_sqr(square.as_mut_ptr(), x.as_ptr(), length, spare.as_mut_ptr()) }
}

/// `product = x · y` as [`multiply`] does it, quicker.
pub(crate) fn multiply_variable_time(product: &mut [Limb], x: &[Limb], y: &[Limb]) {
    assert!(!x.is_empty() && x.len() == y.len() && product.len() == 2 * x.len());
    // SAFETY: the lengths are as GMP demands (checked above), and `product` is borrowed mutably, so it
    // overlaps neither operand.
    unsafe { gmp::mpn_mul_n(product.as_mut_ptr(), x.as_ptr(), y.as_ptr(), x.len() as gmp::size_t) }
}

/// `square = x²` as [`square`] does it, quicker.
pub(crate) fn square_variable_time(square: &mut [Limb], x: &[Limb]) {
    assert!(!x.is_empty() && square.len() == 2 * x.len());
    // SAFETY: as in `multiply_variable_time`.
    unsafe { gmp::mpn_sqr(square.as_mut_ptr(), x.as_ptr(), x.len() as gmp::size_t) }
}

/// `out` = element `index` of a table of elements of its length, all of which are read. What an index beyond the table gives
/// is not said; nothing is asked of it, as it is secret.
pub(crate) fn select(out: &mut [Limb], table: &[Limb], index: usize) {
    let elements = table.len() / out.len();
    assert!(table.len() == elements * out.len());
    debug_assert!(index < elements);
    let (length, elements) = (out.len() as gmp::size_t, elements as gmp::size_t);
    // SAFETY: the table has as many elements of that length, and does not overlap `out`. GMP reads these, whatever the index,
    // which it compares with the number of each.
    unsafe {
        gmp::mpn_sec_tabselect(out.as_mut_ptr(), table.as_ptr(), length, elements, index as gmp::size_t);
    }
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

/// `difference -= digit`; the borrow (0 or 1) is returned.
pub(crate) fn sub_digit(difference: &mut [Limb], digit: Limb) -> Limb {
    let mut borrow = digit;
    for limb in difference {
        let (value, overflow) = limb.overflowing_sub(borrow);
        *limb = value;
        borrow = Limb::from(overflow);
    }
    borrow
}

/// The `count` bits, 1 to 64, of a number from bit `start` on; beyond its limbs there are zeros.
pub(crate) fn bits_at(x: &[Limb], start: u32, count: u32) -> Limb {
    let (index, offset) = ((start / LIMB_BITS) as usize, start % LIMB_BITS);
    let limb = |index: usize| u128::from(x.get(index).copied().unwrap_or(0));
    let pair = limb(index) | limb(index + 1) << LIMB_BITS;
    (pair >> offset) as Limb & (Limb::MAX >> (LIMB_BITS - count))
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
    fn a_digit_borrows_through_all_limbs() {
        let mut x = [0, 0];
        assert_eq!(sub_digit(&mut x, 1), 1);
        assert_eq!(x, [u64::MAX, u64::MAX]);
    }

    #[test]
    fn bits_are_read_across_limbs_and_beyond_them() {
        let x = [1 << 63, 0b101];
        let read = [(63, 2), (63, 4), (64, 64), (66, 7), (127, 3), (500, 64)];
        assert_eq!(read.map(|(start, count)| bits_at(&x, start, count)), [0b11, 0b1011, 0b101, 1, 0, 0]);
    }
}
