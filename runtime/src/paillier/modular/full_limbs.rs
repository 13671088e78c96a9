//! Digits of 64-bit limbs, for kernels that differ only in how they multiply.
//!
//! A digit has k limbs, all of them used, and R = 2^(64(k+1)): the reduction clears one limb more than a digit has.
//! So any representative of a digit that fits into k limbs will do, which saves every comparison with M.
//! For x0, x1, y0, y1 < 2^(64k),
//!
//! * r = (x0·y0 + q·M)/R with q < R is below 2^(64(k−1)) + M;
//! * s = (x0·y1 + x1·y0 − q + q'·M)/R is an integer above −1, so s ≥ 0, and below 2·2^(64(k−1)) + M,
//!
//! and both are below 2^(64k) if M ≤ 2^(64k) − 2·2^(64(k−1)); where M's highest limb is larger, digits get
//! more limbs. What begins below 2M stays there. Before the second reduction the sum may be negative, so it is kept
//! modulo 2^(64(2k+1)).

use rug::{Integer, integer::Order};
use zeroize::Zeroize;

use super::super::limbs::{self, LIMB_BITS, Limb};
use super::kernel::Kernel;

/// The highest limb of M is at most this.
const LARGEST_TOP: Limb = Limb::MAX - 2;

/// Products of numbers of k limbs. A *sum* has 2k + [`BLOCK`](Self::BLOCK) limbs, those above 2k + 1 without meaning.
pub(super) trait Arithmetic: Send + Sync {
    /// k is a multiple of this.
    const BLOCK: usize;

    /// Limbs of working memory for products of numbers of `length` limbs.
    fn spare_limbs(length: usize) -> usize;

    /// `sum = x·y`.
    fn multiply(&self, sum: &mut [Limb], x: &[Limb], y: &[Limb], spare: &mut [Limb]);

    /// `sum += x·y`, modulo 2^(64(2k+1)).
    fn add_product(&self, sum: &mut [Limb], x: &[Limb], y: &[Limb], spare: &mut [Limb]);

    /// `sum = x²`.
    fn square(&self, sum: &mut [Limb], x: &[Limb], spare: &mut [Limb]);

    /// Adds to a sum, modulo 2^(64(2k+1)), the multiple of M that clears its lowest k + 1 limbs, and replaces these by
    /// the multiple's factor.
    fn reduce(&self, sum: &mut [Limb], modulus: &Modulus);
}

/// The kernel with the products of `A`.
pub(super) struct FullLimbs<A> {
    arithmetic: A,
    modulus: Modulus,
}

/// M as the reductions see it. Overwritten on drop.
pub(super) struct Modulus {
    /// M in k limbs.
    pub(super) limbs: Box<[Limb]>,
    /// −1/M modulo 2^64.
    pub(super) negative_inverse: Limb,
}

impl<A: Arithmetic> FullLimbs<A> {
    pub(super) fn new(base: &Integer, arithmetic: A) -> Self {
        let used = base.as_limbs();
        let length = used.len().next_multiple_of(A::BLOCK);
        let is_full = length == used.len() && used.last().is_some_and(|&top| top > LARGEST_TOP);
        let length = if is_full { length + A::BLOCK } else { length };
        let mut limbs = vec![0; length].into_boxed_slice();
        base.write_digits(&mut limbs, Order::Lsf);
        let negative_inverse = limbs::inverse_mod_limb(limbs[0]).wrapping_neg();
        Self { arithmetic, modulus: Modulus { limbs, negative_inverse } }
    }

    fn sum_limbs(&self) -> usize {
        2 * self.digit_limbs() + A::BLOCK
    }

    /// The sums for the low and the high digit, and what is spare.
    fn split<'w>(&self, workspace: &'w mut [Limb]) -> [&'w mut [Limb]; 3] {
        let (low, rest) = workspace.split_at_mut(self.sum_limbs());
        let (high, spare) = rest.split_at_mut(self.sum_limbs());
        [low, high, spare]
    }

    /// `out` = low + M·high after both reductions.
    fn finish(&self, out: &mut [Limb], low: &mut [Limb], high: &mut [Limb]) {
        let length = self.digit_limbs();
        self.arithmetic.reduce(low, &self.modulus);
        let (lower, upper) = high.split_at_mut(length + 1);
        let borrow = limbs::sub_assign(lower, &low[..=length]);
        limbs::sub_digit(&mut upper[..length], borrow);
        self.arithmetic.reduce(high, &self.modulus);
        for (out, sum) in out.chunks_exact_mut(length).zip([low, high]) {
            out.copy_from_slice(&sum[length + 1..=2 * length]);
        }
    }
}

impl Modulus {
    /// Clears limb `index` of a sum, which the limb of the factor replaces. The `carry` that came into limb
    /// `index` + k is 0 or 1, and so is that into the next, which is returned.
    pub(super) fn clear_limb(&self, sum: &mut [Limb], index: usize, carry: Limb) -> Limb {
        let end = index + self.limbs.len();
        let factor = sum[index].wrapping_mul(self.negative_inverse);
        let above = limbs::add_multiple(&mut sum[index..end], &self.limbs, factor);
        sum[index] = factor;
        let (value, first) = sum[end].overflowing_add(above);
        let (value, second) = value.overflowing_add(carry);
        sum[end] = value;
        Limb::from(first | second)
    }
}

impl<A: Arithmetic> Kernel for FullLimbs<A> {
    fn digit_limbs(&self) -> usize {
        self.modulus.limbs.len()
    }

    fn radix_bits(&self) -> u32 {
        LIMB_BITS * (self.digit_limbs() as u32 + 1)
    }

    fn workspace_limbs(&self) -> usize {
        2 * self.sum_limbs() + A::spare_limbs(self.digit_limbs())
    }

    fn write_digit(&self, limbs: &mut [Limb], digit: &Integer) {
        digit.write_digits(limbs, Order::Lsf);
    }

    fn read_digit(&self, limbs: &[Limb]) -> Integer {
        Integer::from_digits(limbs, Order::Lsf)
    }

    fn mul_assign(&self, x: &mut [Limb], y: &[Limb], workspace: &mut [Limb]) {
        let [low, high, spare] = self.split(workspace);
        let (x0, x1) = x.split_at(self.digit_limbs());
        let (y0, y1) = y.split_at(self.digit_limbs());
        self.arithmetic.multiply(low, x0, y0, spare);
        self.arithmetic.multiply(high, x0, y1, spare);
        self.arithmetic.add_product(high, x1, y0, spare);
        self.finish(x, low, high);
    }

    fn square_assign(&self, x: &mut [Limb], workspace: &mut [Limb]) {
        let [low, high, spare] = self.split(workspace);
        let (x0, x1) = x.split_at(self.digit_limbs());
        self.arithmetic.square(low, x0, spare);
        self.arithmetic.multiply(high, x0, x1, spare);
        limbs::double(high);
        self.finish(x, low, high);
    }

    fn mul_low_assign(&self, x: &mut [Limb], y: &[Limb], workspace: &mut [Limb]) {
        let [low, _, spare] = self.split(workspace);
        self.arithmetic.multiply(low, x, y, spare);
        self.arithmetic.reduce(low, &self.modulus);
        x.copy_from_slice(&low[x.len() + 1..=2 * x.len()]);
    }

    fn select(&self, out: &mut [Limb], table: &[Limb], index: usize) {
        limbs::select(out, table, index);
    }
}

impl Drop for Modulus {
    fn drop(&mut self) {
        self.limbs.zeroize();
        self.negative_inverse.zeroize();
    }
}
