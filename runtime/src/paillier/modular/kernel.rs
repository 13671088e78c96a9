//! What a [`SquareModulus`](super::SquareModulus) asks of the processor.

use rug::Integer;

use super::super::limbs::Limb;
#[cfg(target_arch = "x86_64")]
use super::adx::Adx;
use super::full_limbs::FullLimbs;
use super::gmp;
#[cfg(target_arch = "x86_64")]
use super::ifma;

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
/// addresses depend on digits, but for [`gmp::Variable`].
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

/// The kernel for the rings modulo the squares of two bases at the same time, if that is quicker than [`fastest`]
/// twice.
#[cfg(target_arch = "x86_64")]
pub(super) fn together(bases: [&Integer; 2]) -> Option<Box<dyn PairKernel>> {
    ifma::pair_kernel(bases)
}

/// No processor but x86-64 gains by doing both at the same time.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn together(_: [&Integer; 2]) -> Option<Box<dyn PairKernel>> {
    None
}

/// The fastest kernel that this processor has for the ring modulo `base`², with operands of the kind given.
pub(super) fn fastest(base: &Integer, operands: Operands) -> Box<dyn Kernel> {
    #[cfg(target_arch = "x86_64")]
    if let Some(kernel) = ifma::kernel(base).or_else(|| adx(base)) {
        return kernel;
    }
    portable(base, operands)
}

/// The kernel that every processor has.
pub(super) fn portable(base: &Integer, operands: Operands) -> Box<dyn Kernel> {
    match operands {
        Operands::Public => Box::new(FullLimbs::new(base, gmp::Variable)),
        Operands::Secret => Box::new(FullLimbs::new(base, gmp::Constant)),
    }
}

/// The kernel for ADX, if the processor has it.
#[cfg(target_arch = "x86_64")]
pub(super) fn adx(base: &Integer) -> Option<Box<dyn Kernel>> {
    Some(Box::new(FullLimbs::new(base, Adx::detect()?)))
}
