//! The kernel of every processor: GMP's constant-time functions on digits of 64-bit limbs.
//!
//! A digit has as many limbs k as M, and R = 2^(64k). Every digit is below M.

use rug::{Integer, integer::Order};
use zeroize::Zeroize;

use super::super::limbs::{self, LIMB_BITS, Limb};
use super::kernel::Kernel;

/// What products need to know of M.
pub(super) struct Gmp {
    base: Box<[Limb]>,
    /// −1/M modulo 2^64.
    negative_inverse: Limb,
}

/// Working memory for products. Overwritten on drop.
#[derive(Default)]
pub(super) struct Workspace {
    /// x0·y0, then what is left of it; 2k limbs.
    low: Box<[Limb]>,
    /// x0·y1 + x1·y0 − q and its reduction; 2k limbs.
    high: Box<[Limb]>,
    /// One product of digits; 2k limbs.
    cross: Box<[Limb]>,
    /// Quotient digits q of the low reduction; k limbs.
    quotient: Box<[Limb]>,
    /// What GMP asks for.
    spare: Box<[Limb]>,
}

impl Gmp {
    pub(super) fn new(base: &Integer) -> Self {
        let mut limbs = vec![0; base.significant_digits::<Limb>()].into_boxed_slice();
        base.write_digits(&mut limbs, Order::Lsf);
        let negative_inverse = limbs::inverse_mod_limb(limbs[0]).wrapping_neg();
        Self { base: limbs, negative_inverse }
    }

    /// `out` = low + M·high after both reductions; `carry` is the bit above `workspace.high`.
    fn finish(&self, out: &mut [Limb], mut carry: Limb, workspace: &mut Workspace) {
        let length = self.base.len();
        let Workspace { low, high, cross, quotient, .. } = workspace;
        let spare = &mut cross[..length];
        let (low_out, high_out) = out.split_at_mut(length);
        let low_carry = self.reduce(low, quotient);
        low_out.copy_from_slice(&low[length..]);
        let excess = self.subtract_once(low_out, low_carry, spare).subtracted;

        let (first, second) = high.split_at_mut(length);
        let borrow = limbs::sub_assign(first, quotient);
        let borrow = limbs::sub_digit(second, borrow);
        // A negative bracket is above −R: adding M·R makes it positive.
        let negative = borrow & (carry ^ 1);
        carry = carry + limbs::add_if(negative, second, &self.base) - borrow;
        carry += self.reduce(high, quotient);
        high_out.copy_from_slice(&high[length..]);
        carry += limbs::add_digit(high_out, excess);
        // The number is below 3M.
        for _ in 0..2 {
            carry = self.subtract_once(high_out, carry, spare).carry;
        }
    }

    /// Subtracts M once from a number that is at least M.
    fn subtract_once(&self, value: &mut [Limb], carry: Limb, spare: &mut [Limb]) -> Subtraction {
        spare.copy_from_slice(value);
        let less = limbs::sub_assign(spare, &self.base);
        let subtracted = Limb::from(carry > 0) | (less ^ 1);
        let borrow = limbs::sub_if(subtracted, value, &self.base);
        Subtraction { subtracted, carry: carry - borrow }
    }

    /// Montgomery's reduction: replaces the upper half of `value` by the lower k limbs of
    /// (value + quotient·M)/R, returns the bit above them, and leaves the quotient digits.
    fn reduce(&self, value: &mut [Limb], quotient: &mut [Limb]) -> Limb {
        let length = self.base.len();
        for (index, digit) in quotient.iter_mut().enumerate() {
            *digit = value[index].wrapping_mul(self.negative_inverse);
            let window = &mut value[index..index + length];
            // The limb that has become zero keeps the carry, which belongs `length` limbs higher.
            value[index] = limbs::add_multiple(window, &self.base, *digit);
        }
        let (carries, upper) = value.split_at_mut(length);
        limbs::add_assign(upper, carries)
    }
}

/// What a conditional subtraction did.
struct Subtraction {
    /// 1 if M was subtracted, else 0.
    subtracted: Limb,
    /// What is left above the number's limbs.
    carry: Limb,
}

impl Kernel for Gmp {
    fn digit_limbs(&self) -> usize {
        self.base.len()
    }

    fn radix_bits(&self) -> u32 {
        LIMB_BITS * self.base.len() as u32
    }

    fn workspace(&self) -> Workspace {
        let length = self.base.len();
        let limbs = |count| vec![0; count].into_boxed_slice();
        Workspace {
            low: limbs(2 * length),
            high: limbs(2 * length),
            cross: limbs(2 * length),
            quotient: limbs(length),
            spare: limbs(limbs::product_spare(length)),
        }
    }

    fn write_digit(&self, limbs: &mut [Limb], digit: &Integer) {
        digit.write_digits(limbs, Order::Lsf);
    }

    fn read_digit(&self, limbs: &[Limb]) -> Integer {
        Integer::from_digits(limbs, Order::Lsf)
    }

    fn mul_assign(&self, x: &mut [Limb], y: &[Limb], workspace: &mut Workspace) {
        let Workspace { low, high, cross, spare, .. } = workspace;
        let (x0, x1) = x.split_at(self.base.len());
        let (y0, y1) = y.split_at(self.base.len());
        limbs::multiply(low, x0, y0, spare);
        limbs::multiply(high, x0, y1, spare);
        limbs::multiply(cross, x1, y0, spare);
        let carry = limbs::add_assign(high, cross);
        self.finish(x, carry, workspace);
    }

    fn square_assign(&self, x: &mut [Limb], workspace: &mut Workspace) {
        let Workspace { low, high, spare, .. } = workspace;
        let (x0, x1) = x.split_at(self.base.len());
        limbs::square(low, x0, spare);
        limbs::multiply(high, x0, x1, spare);
        let carry = limbs::double(high);
        self.finish(x, carry, workspace);
    }

    fn select(&self, out: &mut [Limb], table: &[Limb], index: usize) {
        limbs::select(out, table, index);
    }
}

impl Drop for Gmp {
    fn drop(&mut self) {
        self.base.zeroize();
        self.negative_inverse.zeroize();
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        let Self { low, high, cross, quotient, spare } = self;
        for limbs in [low, high, cross, quotient, spare] {
            limbs.zeroize();
        }
    }
}
