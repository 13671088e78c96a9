//! What remains of statistical errors when everything that the suite assumes holds: computed from a schedule, for one
//! inference of a session, its preparation included.
//!
//! * The image: each proof that masks are encryptions tells up to 64·2^−64 of their randomness ([`crate::paillier::Prover`]).
//! * The weights: a client that sends something else passes a proof with 2^−64 ([`crate::paillier::Verifier`]), and each reply
//!   is within 2^−64 of one that does not depend on them ([`crate::paillier::ExponentBits`]).
//! * The result: the sum of a reply and its mask exceeds N (see [`super::linear`]), or a sum leaves its slot, 2^−64 each
//!   ([`Reach`](crate::plan::Reach)).

use super::groups::Group;
use super::linear::Packed;
use crate::plan::{KeyBits, Schedule};
use serde::Serialize;
use std::fmt;

/// 2^−64, the error of a single event.
const EACH: f64 = 1.0 / (1u128 << 64) as f64;
/// Masked sums of exponents in a proof.
const SUMS: f64 = 64.0;

/// Bounds of statistical distances and probabilities.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct StatisticalErrors {
    /// By which what the server sees depends on the image.
    pub image: f64,
    /// By which what the client sees before the image is asked about depends on the weights, whatever it sends.
    pub weights: f64,
    /// That the result is not the integers that the plan computes.
    pub result: f64,
}

impl StatisticalErrors {
    /// Of one inference by a valid schedule, or of all that it prepares together.
    pub fn new(schedule: &Schedule, key: KeyBits) -> Self {
        let proofs = Group::all(schedule).len() as f64;
        let (mut replies, mut result) = (0.0, 0.0);
        for (_, packed) in Packed::all(schedule) {
            replies += packed.products() as f64;
            result += packed.excess(key) + packed.reply_slots() as f64 * EACH;
        }
        Self { image: proofs * SUMS * EACH, weights: (proofs + replies) * EACH, result }
    }
}

/// `the image 2^-57.4, the weights 2^-52.9, the result 2^-41.2`
impl fmt::Display for StatisticalErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { image, weights, result } = self;
        let [image, weights, result] = [image, weights, result].map(|error| error.log2());
        write!(f, "the image 2^{image:.1}, the weights 2^{weights:.1}, the result 2^{result:.1}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{
        Dense, InferenceBatch, Layout, Op, PublicStep, Shape, SharedParameters, StepId, Transfers,
    };

    /// 70 results of 3 slots with 2 that mean nothing each, 20 to a reply.
    fn schedule() -> Schedule {
        let layout = Layout { tile: [1, 1], slot_bits: 30, fraction: 1, results: 20, stacked: 2, images: 1 };
        let step = |op, inputs, shape, bits, layout| PublicStep { op, inputs, shape, bits, layout };
        let dense = Op::Dense(Dense { weights: (), bias: () });
        let steps = vec![
            step(Op::Input, vec![], Shape::vector(9), 20, None),
            step(dense, vec![StepId::new(0)], Shape::vector(70), 19, Some(layout)),
        ];
        let mut schedule = Schedule::new(SharedParameters::default(), steps);
        let layouts = vec![Layout { images: 2, results: 10, ..layout }];
        schedule.batches = vec![InferenceBatch { inferences: 4, layouts, transfers: Transfers::default() }];
        schedule
    }

    #[test]
    fn errors_are_those_of_all_replies_slots_and_proofs() {
        let key = KeyBits::default();
        let found = StatisticalErrors::new(&schedule(), key);
        assert_eq!([found.image, found.weights], [64.0 * EACH, 5.0 * EACH], "a proof, four replies");
        // 60 slots of 30 bits are far below N: the 3·60 + 30 slots count.
        assert_eq!(found.result, 210.0 * EACH);
        let together = StatisticalErrors::new(&schedule().for_batch(4).unwrap(), key);
        assert_eq!(together.weights, 15.0 * EACH, "two passes of seven replies");
        assert_eq!(together.result, 840.0 * EACH);
        assert_eq!(found.to_string(), "the image 2^-58.0, the weights 2^-61.7, the result 2^-56.3");
    }

    /// A reply that is filled up to 2^-40 of N.
    #[test]
    fn masks_that_exceed_the_modulus_count() {
        let mut schedule = schedule();
        schedule.steps[1].layout = schedule.steps[1].layout.map(|layout| Layout {
            slot_bits: 3031,
            results: 1,
            stacked: 1,
            ..layout
        });
        let found = StatisticalErrors::new(&schedule, KeyBits::default());
        assert!((found.result / 70.0).log2() + 40.0 < 1e-6, "{found}");
    }
}
