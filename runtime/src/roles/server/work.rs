//! What is predicted of a request before it is begun.

use crate::paillier::KernelKind;
use crate::plan::{Cost, KeyBits, Processor, UnitCosts};
use std::time::Duration;

/// How much longer than predicted an honest client may compute: a small machine, one core of it.
const SLOWEST: f64 = 20.0;
/// Bytes a second of an honest client's line at least.
const SLOWEST_LINE: f64 = 64e3;
/// What is waited for in any case.
const LEAST_PATIENCE: Duration = Duration::from_secs(30);

/// What a request takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Expected {
    /// Core-seconds of the server, on a machine like the typical one with this process's kernel.
    pub(super) core_seconds: f64,
    /// For how long a client may be silent meanwhile: as long as all of it would take a slow one on a slow line. So a client that falls
    /// silent does not keep for long what others are refused for it.
    pub(super) patience: Duration,
}

impl Expected {
    /// Of a request for which nothing is computed.
    pub(super) const NOTHING: Self = Self { core_seconds: 0.0, patience: LEAST_PATIENCE };

    /// Of `count` times what costs this.
    pub(super) fn of(cost: &Cost, count: u64, key_bits: KeyBits) -> Self {
        // The client encrypts and decrypts, and nobody computes while bytes travel.
        let computed = Cost { bytes_up: 0, bytes_down: 0, rounds: 0, ..*cost };
        let own = Cost { encryptions: 0, decryptions: 0, ..computed };
        let seconds =
            |cost: &Cost, processor| count as f64 * cost.seconds(&UnitCosts::typical(key_bits, processor));
        let line = count as f64 * (cost.bytes_up + cost.bytes_down) as f64 / SLOWEST_LINE;
        let slowest = SLOWEST * seconds(&computed, Processor::Adx) + line;
        Self {
            core_seconds: seconds(&own, processor()),
            patience: Duration::try_from_secs_f64(slowest)
                .unwrap_or(Duration::MAX)
                .saturating_add(LEAST_PATIENCE),
        }
    }
}

fn processor() -> Processor {
    match KernelKind::of_process() {
        KernelKind::Ifma => Processor::Ifma,
        KernelKind::Adx | KernelKind::Portable => Processor::Adx,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_grows_with_what_is_to_be_done() {
        let little = Cost { encryptions: 10, bytes_up: 64_000, ..Cost::default() };
        let expected = |count| Expected::of(&little, count, KeyBits::default());
        assert_eq!(expected(0), Expected::NOTHING);
        assert_eq!(expected(1).core_seconds, 0.0, "clients encrypt");
        assert!(expected(1).patience > LEAST_PATIENCE + Duration::from_secs(1));
        assert!(expected(5).patience > expected(1).patience);
        let products = Cost { products: 1000, ..Cost::default() };
        assert!(Expected::of(&products, 2, KeyBits::default()).core_seconds > 0.0);
        assert!(
            Expected::of(&Cost { bytes_up: u64::MAX / 4, ..little }, u64::MAX, KeyBits::default()).patience
                > expected(5).patience
        );
    }
}
