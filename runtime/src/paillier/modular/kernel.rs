//! What a [`SquareModulus`](super::SquareModulus) asks of the processor.

use rug::Integer;

use super::super::limbs::Limb;
use super::gmp::{Gmp, Workspace};
#[cfg(target_arch = "x86_64")]
use super::ifma;

/// Montgomery's arithmetic on the pairs of digits of one ring Z/M², as slices of limbs.
///
/// A kernel chooses R, how a digit is spread over limbs, and how far above M a digit may be; its products
/// keep those bounds and neither check them. They run in constant time: neither the instructions nor
/// the addresses depend on digits.
pub(super) trait Kernel: Send + Sync {
    /// Limbs of one digit.
    fn digit_limbs(&self) -> usize;

    /// log₂ R.
    fn radix_bits(&self) -> u32;

    /// Working memory for the products.
    fn workspace(&self) -> Workspace;

    /// Spreads a number in [0, M) over the limbs of a digit.
    fn write_digit(&self, limbs: &mut [Limb], digit: &Integer);

    /// The number that the limbs of a digit stand for; not always below M.
    fn read_digit(&self, limbs: &[Limb]) -> Integer;

    /// `x = x·y/R`.
    fn mul_assign(&self, x: &mut [Limb], y: &[Limb], workspace: &mut Workspace);

    /// `x = x²/R`.
    fn square_assign(&self, x: &mut [Limb], workspace: &mut Workspace);

    /// Copies element `index` of a table, reading all of it.
    fn select(&self, out: &mut [Limb], table: &[Limb], index: usize);
}

/// The fastest kernel that this processor has for the ring modulo `base`².
pub(super) fn fastest(base: &Integer) -> Box<dyn Kernel> {
    #[cfg(target_arch = "x86_64")]
    if let Some(kernel) = ifma::kernel(base) {
        return kernel;
    }
    Box::new(Gmp::new(base))
}
