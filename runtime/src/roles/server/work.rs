//! What is predicted of a server's work before it is begun.

use crate::paillier::KernelKind;
use crate::plan::{Cost, KeyBits, Processor, UnitCosts};

/// Core-seconds of the server's part of `cost`, on a machine like the typical one with this process's kernel.
pub(super) fn core_seconds(cost: &Cost, key_bits: KeyBits) -> f64 {
    let processor = match KernelKind::of_process() {
        KernelKind::Ifma => Processor::Ifma,
        KernelKind::Adx | KernelKind::Portable => Processor::Adx,
    };
    // The client encrypts and decrypts, and nobody computes while bytes travel.
    let own = Cost { encryptions: 0, decryptions: 0, bytes_up: 0, bytes_down: 0, rounds: 0, ..*cost };
    own.seconds(&UnitCosts::typical(key_bits, processor))
}
