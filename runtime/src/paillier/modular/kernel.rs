//! What a [`SquareModulus`](super::SquareModulus) asks of the processor.

use rug::Integer;

use super::super::limbs::Limb;

/// Whom the numbers of a ring are hidden from.
#[derive(Clone, Copy)]
pub(super) enum Operands {
    /// Nobody: products may take a time that depends on them.
    Public,
    /// Everybody: products take constant time.
    Secret,
}

/// Montgomery's arithmetic on the pairs of digits of one ring Z/M², as slices of limbs.
///
/// A kernel chooses R, how a digit is spread over limbs, and how far above M a digit may be; its products
/// keep those bounds and do not check them. They run in constant time, so that neither the instructions nor the
/// addresses depend on digits, but for [`gmp::Variable`](super::gmp::Variable).
pub(super) trait Kernel: Send + Sync {
    /// Limbs of one digit.
    fn digit_limbs(&self) -> usize;

    /// log₂ R.
    fn radix_bits(&self) -> u32;

    /// Limbs of working memory for the products.
    fn workspace_limbs(&self) -> usize;

    /// Spreads a number in [0, M) over the limbs of a digit.
    fn write_digit(&self, limbs: &mut [Limb], digit: &Integer);

    /// The number that the limbs of a digit stand for; not always below M.
    fn read_digit(&self, limbs: &[Limb]) -> Integer;

    /// `x = x·y/R`.
    fn mul_assign(&self, x: &mut [Limb], y: &[Limb], workspace: &mut [Limb]);

    /// `x = x²/R`.
    fn square_assign(&self, x: &mut [Limb], workspace: &mut [Limb]);

    /// `x = x·y/R` modulo M, of low digits.
    fn mul_low_assign(&self, x: &mut [Limb], y: &[Limb], workspace: &mut [Limb]);

    /// Copies element `index` of a table, reading all of it.
    fn select(&self, out: &mut [Limb], table: &[Limb], index: usize);
}

/// The products of two rings with secret operands at the same time, on elements as their own kernels have them.
pub(super) trait PairKernel: Send + Sync {
    /// `x = x·y/R`, in each ring.
    fn mul_assign(&self, x: [&mut [Limb]; 2], y: [&[Limb]; 2]);

    /// `x = x²/R`, in each ring.
    fn square_assign(&self, x: [&mut [Limb]; 2]);
}
