//! Which kernel this processor takes.

use rug::Integer;

#[cfg(target_arch = "x86_64")]
use super::adx::Adx;
use super::full_limbs::FullLimbs;
use super::gmp;
#[cfg(target_arch = "x86_64")]
use super::ifma;
use super::kernel::{Kernel, Operands, PairKernel};

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
