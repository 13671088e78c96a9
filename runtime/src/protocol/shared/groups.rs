//! Which linear steps' masks are tested together ([`crate::paillier::Verifier`]).
//!
//! A test costs the same work whether it is about one ciphertext or some hundreds, and a flight each way; but the server
//! keeps all that it is about, and computes nothing of it before it has passed. So steps are taken together, in order of
//! execution, up to a bound.

use super::linear::Packed;
use crate::plan::{Schedule, StepId};

/// Masks of a group at most, unless a step alone has more: 6 MiB at 3072 bits.
const MOST_MASKS: usize = 1 << 13;

/// Linear steps whose masks are tested together, in order of execution; not empty.
pub struct Group(Vec<(StepId, Packed)>);

impl Group {
    /// All linear steps of a valid schedule.
    pub fn all(schedule: &Schedule) -> Vec<Self> {
        let mut groups: Vec<Self> = Vec::new();
        for (id, packed) in Packed::all(schedule) {
            match groups.last_mut() {
                Some(group) if group.masks() + packed.masks() <= MOST_MASKS => group.0.push((id, packed)),
                _ => groups.push(Self(vec![(id, packed)])),
            }
        }
        groups
    }

    /// The steps.
    pub fn steps(&self) -> impl ExactSizeIterator<Item = (StepId, &Packed)> {
        self.0.iter().map(|(id, packed)| (*id, packed))
    }

    /// The first of them, with which the test is counted.
    pub fn first(&self) -> StepId {
        self.0[0].0
    }

    /// Ciphertexts of all their masks.
    pub fn masks(&self) -> usize {
        self.0.iter().map(|(_, packed)| packed.masks()).sum()
    }
}
