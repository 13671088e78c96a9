//! The kernels of every processor: GMP's functions on digits of [full limbs](super::full_limbs).
//!
//! [`Variable`] is quicker and for public operands only: its products are GMP's fastest, which branch on their
//! operands. [`Constant`] multiplies by GMP's `mpn_sec_*`. Everything else is the same and in constant time.

use super::super::limbs::{self, Limb};
use super::full_limbs::{Arithmetic, Modulus};

/// Products in variable time.
pub(super) struct Variable;

/// Products in constant time.
pub(super) struct Constant;

impl Arithmetic for Variable {
    const BLOCK: usize = 1;

    fn spare_limbs(length: usize) -> usize {
        2 * length
    }

    fn multiply(&self, sum: &mut [Limb], x: &[Limb], y: &[Limb], _: &mut [Limb]) {
        limbs::multiply_variable_time(without_top(sum), x, y);
    }

    fn add_product(&self, sum: &mut [Limb], x: &[Limb], y: &[Limb], product: &mut [Limb]) {
        limbs::multiply_variable_time(product, x, y);
        add_to_sum(sum, product);
    }

    fn square(&self, sum: &mut [Limb], x: &[Limb], _: &mut [Limb]) {
        limbs::square_variable_time(without_top(sum), x);
    }

    fn reduce(&self, sum: &mut [Limb], modulus: &Modulus) {
        reduce(sum, modulus);
    }
}

impl Arithmetic for Constant {
    const BLOCK: usize = 1;

    fn spare_limbs(length: usize) -> usize {
        2 * length + limbs::product_spare(length)
    }

    fn multiply(&self, sum: &mut [Limb], x: &[Limb], y: &[Limb], spare: &mut [Limb]) {
        limbs::multiply(without_top(sum), x, y, spare);
    }

    fn add_product(&self, sum: &mut [Limb], x: &[Limb], y: &[Limb], spare: &mut [Limb]) {
        let (product, spare) = spare.split_at_mut(2 * x.len());
        limbs::multiply(product, x, y, spare);
        add_to_sum(sum, product);
    }

    fn square(&self, sum: &mut [Limb], x: &[Limb], spare: &mut [Limb]) {
        limbs::square(without_top(sum), x, spare);
    }

    fn reduce(&self, sum: &mut [Limb], modulus: &Modulus) {
        reduce(sum, modulus);
    }
}

/// The limbs of a sum that a product fills; the one above becomes zero.
fn without_top(sum: &mut [Limb]) -> &mut [Limb] {
    let (top, rest) = sum.split_last_mut().expect("a sum has limbs");
    *top = 0;
    rest
}

fn add_to_sum(sum: &mut [Limb], product: &[Limb]) {
    let (top, rest) = sum.split_last_mut().expect("a sum has limbs");
    *top = top.wrapping_add(limbs::add_assign(rest, product));
}

fn reduce(sum: &mut [Limb], modulus: &Modulus) {
    let mut carry = 0;
    for index in 0..=modulus.limbs.len() {
        carry = modulus.clear_limb(sum, index, carry);
    }
}
