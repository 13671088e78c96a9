//! What one unit of each cost takes on a machine, as `popcorn bench --profile` measures it.

use super::{Machine, UnitCosts};
use crate::plan::{Extension, KeyBits, SharedParameters, Suite};
use serde::{Deserialize, Serialize};

/// Measured unit costs, by key size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// The machine on which they were measured.
    pub machine: Machine,
    /// One entry for each key size that was measured.
    pub entries: Vec<Entry>,
}

/// Unit costs with keys of one size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Length of the modulus N in bits.
    pub key_bits: u32,
    /// Seconds by the clock while all threads do the same: those of one core divided by their number. A byte
    /// is written, read and checked; a round hands over between threads: no network.
    pub unit: UnitCosts,
    /// Seconds, likewise, for a random oblivious transfer where silent OT makes it; `unit` has those of SoftSpokenOT.
    pub silent_ot: f64,
    /// Seconds, likewise, in which the server plans what to do with a weight: in each image anew, for one of all
    /// bundles of rows that are alike.
    pub weight: f64,
    /// What sessions take before the first step, fewest uses first; not empty.
    pub set_up: Vec<SetUp>,
}

/// What a session takes before the first step, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SetUp {
    /// Randomisers for which tables are made.
    pub uses: u64,
    /// Server: checks the key, makes its table.
    pub server: f64,
    /// Client: makes its tables, before the image is needed. Keys are made once in a lifetime and not counted.
    pub client: f64,
}

/// Why nothing can be predicted.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The text is something else.
    #[error("this is no profile of `popcorn bench --profile`: {0}")]
    Malformed(String),
    /// The profile is of other keys.
    #[error(
        "this profile is of keys of {has} bits; `popcorn bench --profile OUT --key-bits {needed}` makes the one needed"
    )]
    KeyBits {
        /// Length of the plan's keys.
        needed: KeyBits,
        /// Lengths of the keys measured, separated by commas.
        has: String,
    },
}

impl Profile {
    /// Reads what [`serde`] wrote as JSON.
    ///
    /// # Errors
    /// [`ProfileError::Malformed`].
    pub fn from_json(json: &[u8]) -> Result<Self, ProfileError> {
        let profile: Self =
            serde_json::from_slice(json).map_err(|error| ProfileError::Malformed(error.to_string()))?;
        match profile.entries.iter().find(|entry| !entry.is_sound()) {
            Some(entry) => {
                let what = format!("impossible times for keys of {} bits", entry.key_bits);
                Err(ProfileError::Malformed(what))
            }
            None => Ok(profile),
        }
    }

    /// What was measured for keys of `bits`.
    ///
    /// # Errors
    /// [`ProfileError::KeyBits`].
    pub fn entry(&self, bits: KeyBits) -> Result<&Entry, ProfileError> {
        let entry = self.entries.iter().find(|entry| entry.key_bits == bits.get());
        entry.ok_or_else(|| {
            let has: Vec<_> = self.entries.iter().map(|entry| entry.key_bits.to_string()).collect();
            ProfileError::KeyBits { needed: bits, has: has.join(", ") }
        })
    }
}

impl Entry {
    /// Whether all figures are times, and set-ups in order.
    pub(crate) fn is_sound(&self) -> bool {
        let unit = &self.unit;
        let units = [unit.product, unit.squaring, unit.inversion, unit.rerandomisation];
        let more = [unit.encryption, unit.decryption, unit.byte, unit.round];
        let set_ups = self.set_up.iter().flat_map(|set_up| [set_up.server, set_up.client]);
        units
            .into_iter()
            .chain(more)
            .chain([unit.ot, self.silent_ot, self.weight])
            .chain(set_ups)
            .all(|seconds| seconds >= 0.0)
            && !self.set_up.is_empty()
            && self.set_up.is_sorted_by(|a, b| a.uses < b.uses)
    }

    /// Unit costs of plans of such a suite: of its oblivious transfers' kind, that of silent OT where either direction is.
    pub(super) fn unit(&self, suite: Suite) -> UnitCosts {
        let Suite::Shared(SharedParameters { transfers, .. }) = suite else { return self.unit };
        let directions = [transfers.client_chooses, transfers.server_chooses];
        let silent = directions.iter().any(|extension| matches!(extension, Extension::Silent(_)));
        if silent { UnitCosts { ot: self.silent_ot, ..self.unit } } else { self.unit }
    }

    /// What setting up for so many randomisers takes, `seconds` being the server's or the client's: on a straight
    /// line between the two nearest that were measured; beyond them as the nearest.
    pub(super) fn set_up(&self, uses: u64, seconds: impl Fn(&SetUp) -> f64) -> f64 {
        let above = self.set_up.partition_point(|set_up| set_up.uses < uses);
        let [low, high] =
            [above.saturating_sub(1), above.min(self.set_up.len() - 1)].map(|at| &self.set_up[at]);
        if low.uses == high.uses {
            return seconds(low);
        }
        let way = (uses.max(low.uses) - low.uses) as f64 / (high.uses - low.uses) as f64;
        seconds(low) + way * (seconds(high) - seconds(low))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::prediction::testing::entry;

    #[test]
    fn set_up_lies_on_lines_between_what_was_measured() {
        let entry = entry(512);
        let server = |uses| entry.set_up(uses, |set_up| set_up.server);
        assert_eq!([0, 1, 2, 3, 9, 100].map(server), [1.0, 1.0, 2.0, 3.0, 9.0, 9.0]);
    }

    #[test]
    fn a_profile_is_read_or_says_why_not() {
        let profile = Profile { machine: Machine::this(2), entries: vec![entry(512)] };
        let json = |profile: &Profile| serde_json::to_vec(profile).unwrap();
        let read = Profile::from_json(&json(&profile)).unwrap();
        assert_eq!(read, profile);
        let bits = |bits: u32| KeyBits::try_from(bits).unwrap();
        assert_eq!(read.entry(bits(512)).unwrap(), &profile.entries[0]);
        let missing = read.entry(bits(768)).unwrap_err().to_string();
        assert!(missing.contains("of keys of 512 bits") && missing.contains("--key-bits 768"), "{missing}");
        let spoilt: [fn(&mut Entry); 4] = [
            |entry| entry.unit.product = -1.0,
            |entry| entry.set_up.reverse(),
            |entry| entry.set_up.clear(),
            |entry| entry.weight = -1.0,
        ];
        for spoil in spoilt {
            let mut profile = profile.clone();
            spoil(&mut profile.entries[0]);
            assert!(matches!(Profile::from_json(&json(&profile)), Err(ProfileError::Malformed(_))));
        }
        assert!(Profile::from_json(b"{}").unwrap_err().to_string().starts_with("this is no profile"));
    }
}
