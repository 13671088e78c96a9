//! The shortest kernel: what [`Kernel`] asks for, in `rug`'s numbers, for tests and as a start for others.

use rug::{Integer, integer::Order};

use super::super::limbs::{LIMB_BITS, Limb};
use super::kernel::Kernel;

/// Digits in as many limbs as M has; R is the power of two that these hold.
pub(super) struct Textbook {
    base: Integer,
    square: Integer,
    /// 1/R modulo M².
    inverse: Integer,
    limbs: usize,
}

impl Textbook {
    pub(super) fn new(base: &Integer) -> Self {
        let (square, limbs) = (Integer::from(base.square_ref()), base.significant_digits::<Limb>());
        let r = Integer::from(1) << (LIMB_BITS * limbs as u32);
        let inverse = r.invert(&square).expect("M is odd");
        Self { base: base.clone(), square, inverse, limbs }
    }

    fn read(&self, x: &[Limb]) -> Integer {
        let (low, high) = x.split_at(self.limbs);
        self.read_digit(high) * &self.base + self.read_digit(low)
    }
}

impl Kernel for Textbook {
    fn digit_limbs(&self) -> usize {
        self.limbs
    }

    fn radix_bits(&self) -> u32 {
        LIMB_BITS * self.limbs as u32
    }

    fn workspace_limbs(&self) -> usize {
        0
    }

    fn write_digit(&self, limbs: &mut [Limb], digit: &Integer) {
        digit.write_digits(limbs, Order::Lsf);
    }

    fn read_digit(&self, limbs: &[Limb]) -> Integer {
        Integer::from_digits(limbs, Order::Lsf)
    }

    fn mul_assign(&self, x: &mut [Limb], y: &[Limb], _: &mut [Limb]) {
        let product = self.read(x) * self.read(y) * &self.inverse % &self.square;
        let (high, low) = product.div_rem(self.base.clone());
        let (low_out, high_out) = x.split_at_mut(self.limbs);
        self.write_digit(low_out, &low);
        self.write_digit(high_out, &high);
    }

    fn square_assign(&self, x: &mut [Limb], workspace: &mut [Limb]) {
        let y = x.to_vec();
        self.mul_assign(x, &y, workspace);
    }

    fn mul_low_assign(&self, x: &mut [Limb], y: &[Limb], _: &mut [Limb]) {
        let product = self.read_digit(x) * self.read_digit(y) * &self.inverse % &self.base;
        self.write_digit(x, &product);
    }

    fn select(&self, out: &mut [Limb], table: &[Limb], index: usize) {
        out.copy_from_slice(&table[index * out.len()..][..out.len()]);
    }
}
