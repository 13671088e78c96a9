//! `--kernel` of `popcorn bench` and `popcorn run`.

use clap::{Args, ValueEnum};
use runtime::Result;
use runtime::error::InvalidInput;
use runtime::paillier::KernelKind;

/// Which kernel of products modulo N² to compute with.
#[derive(Args)]
pub(crate) struct KernelChoice {
    /// Compute with this kernel, so that figures of other processors can be had here; auto takes the quickest
    #[arg(long, value_enum, default_value_t = KernelName::Auto)]
    kernel: KernelName,
}

#[derive(Clone, Copy, ValueEnum)]
enum KernelName {
    Auto,
    /// AVX-512 IFMA
    Ifma,
    /// BMI2 and ADX
    Adx,
    /// GMP, on every processor
    Portable,
}

impl KernelChoice {
    /// For the whole process.
    ///
    /// # Errors
    ///
    /// Where the processor lacks the kernel's instructions.
    pub(crate) fn apply(&self) -> Result<()> {
        let kind = match self.kernel {
            KernelName::Auto => return Ok(()),
            KernelName::Ifma => KernelKind::Ifma,
            KernelName::Adx => KernelKind::Adx,
            KernelName::Portable => KernelKind::Portable,
        };
        Ok(kind.force().map_err(InvalidInput::from)?)
    }
}
