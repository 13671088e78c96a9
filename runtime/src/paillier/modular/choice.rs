//! Which kernel this processor takes: the quickest of those that it can run in constant time, by a measurement of a few
//! milliseconds, once for a process. Features alone do not tell: processors run AVX-512 at very different speeds. GMP's kernel,
//! whose products with public operands take a time that depends on them, is for processors that have no other.

use std::hint::black_box;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rug::Integer;

#[cfg(target_arch = "x86_64")]
use super::adx::Adx;
use super::full_limbs::FullLimbs;
use super::gmp;
#[cfg(target_arch = "x86_64")]
use super::ifma;
use super::kernel::{Kernel, Operands, PairKernel};

/// The process's kernel.
static CHOSEN: OnceLock<KernelKind> = OnceLock::new();

/// Bits of the modulus that kernels are compared on: the usual key.
const BITS: u32 = 3072;
/// Products that are timed together.
const PRODUCTS: usize = 16;
/// Times that each kernel is tried; the quickest counts.
const ROUNDS: usize = 8;

/// A way to compute products modulo M².
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KernelKind {
    /// AVX-512 IFMA.
    Ifma,
    /// BMI2 and ADX.
    Adx,
    /// GMP, on every processor.
    Portable,
}

/// A kernel cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KernelError {
    /// The processor lacks what it needs.
    #[error("this processor has no {0} kernel")]
    Absent(KernelKind),
    /// The process computes with another one already.
    #[error("this process computes with the {0} kernel already")]
    Late(KernelKind),
}

impl KernelKind {
    /// The one that this process computes with; where none is [forced](Self::force) the quickest.
    pub fn of_process() -> Self {
        *CHOSEN.get_or_init(quickest)
    }

    /// Makes the process compute with this kernel, so that another machine's figures can be had on this one.
    ///
    /// # Errors
    /// The processor cannot run it, or products were computed with another one.
    pub fn force(self) -> Result<(), KernelError> {
        if self.kernel(&Integer::from(3), Operands::Public).is_none() {
            return Err(KernelError::Absent(self));
        }
        match *CHOSEN.get_or_init(|| self) {
            chosen if chosen == self => Ok(()),
            chosen => Err(KernelError::Late(chosen)),
        }
    }

    /// The kernel for the ring modulo `base`², if the processor has it and it takes such numbers.
    fn kernel(self, base: &Integer, operands: Operands) -> Option<Box<dyn Kernel>> {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Ifma => ifma::kernel(base),
            #[cfg(target_arch = "x86_64")]
            Self::Adx => adx(base),
            #[cfg(not(target_arch = "x86_64"))]
            Self::Ifma | Self::Adx => None,
            Self::Portable => Some(portable(base, operands)),
        }
    }
}

impl std::fmt::Display for KernelKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Ifma => "ifma",
            Self::Adx => "adx",
            Self::Portable => "portable",
        })
    }
}

/// The quickest of those that this processor has whose products always take constant time, or the portable one.
fn quickest() -> KernelKind {
    let base = (Integer::from(1) << BITS) - 1u32;
    let found = [KernelKind::Ifma, KernelKind::Adx]
        .map(|kind| kind.kernel(&base, Operands::Public).map(|kernel| (kind, kernel)));
    match found {
        [None, None] => KernelKind::Portable,
        [Some((only, _)), None] | [None, Some((only, _))] => only,
        [Some((first, ours)), Some((second, theirs))] => {
            if time(&*ours) <= time(&*theirs) {
                first
            } else {
                second
            }
        }
    }
}

/// The time of [`PRODUCTS`] products and as many squarings.
fn time(kernel: &dyn Kernel) -> Duration {
    let mut x = vec![1; 2 * kernel.digit_limbs()];
    let y = x.clone();
    let mut workspace = vec![0; kernel.workspace_limbs()];
    let mut round = || {
        let start = Instant::now();
        for _ in 0..PRODUCTS {
            kernel.mul_assign(black_box(&mut x), black_box(&y), &mut workspace);
            kernel.square_assign(black_box(&mut x), &mut workspace);
        }
        start.elapsed()
    };
    (0..ROUNDS).map(|_| round()).min().unwrap_or_default()
}

/// The kernel for the rings modulo the squares of two bases at the same time, if that is quicker than [`fastest`]
/// twice.
pub(super) fn together(bases: [&Integer; 2]) -> Option<Box<dyn PairKernel>> {
    match KernelKind::of_process() {
        #[cfg(target_arch = "x86_64")]
        KernelKind::Ifma => ifma::pair_kernel(bases),
        _ => {
            // No other kernel gains by doing both at the same time.
            let _ = bases;
            None
        }
    }
}

/// The process's kernel for the ring modulo `base`², with operands of the kind given; the one for ADX, or the portable one,
/// where it does not take such numbers.
pub(super) fn fastest(base: &Integer, operands: Operands) -> Box<dyn Kernel> {
    let kinds = [KernelKind::of_process(), KernelKind::Adx];
    let kernel = kinds.into_iter().find_map(|kind| kind.kernel(base, operands));
    kernel.unwrap_or_else(|| portable(base, operands))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_keeps_its_kernel() {
        let chosen = KernelKind::of_process();
        assert_eq!(chosen.force(), Ok(()));
        let others = [KernelKind::Ifma, KernelKind::Adx, KernelKind::Portable]
            .into_iter()
            .filter(|&kind| kind != chosen);
        for other in others {
            assert!(matches!(other.force(), Err(KernelError::Late(_) | KernelError::Absent(_))));
        }
        assert_eq!(KernelKind::of_process(), chosen);
    }
}
