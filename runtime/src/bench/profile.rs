//! What one unit of each cost takes on this machine, all threads busy.

use super::cases::{COLUMNS, Matrix};
use super::timing::{seconds, try_seconds};
use super::{Machine, bug};
use crate::channel::{Connection, memory};
use crate::error::Result;
use crate::ot::{Batch, FieldBits, Kind, Role, Supply, Width, setup};
use crate::paillier::{
    Ciphertexts, HolderKey, HolderRandomisers, PublicKey, PublicRandomisers, SecretKey, SecureRng,
    invert_all, multiply_each, rerandomise, shift_each, weighted_sums_count,
};
use crate::plan::{KeyBits, SharedParameters, UnitCosts};
use rug::Integer;
use serde::{Deserialize, Serialize};
use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

/// Ciphertexts per thread.
const BATCH: usize = 256;
/// Rows of weights per thread.
const ROWS: usize = 32;
/// Random OTs.
const TRANSFERS: usize = 1 << 20;
/// Encryptions for which tables are made.
const USES: usize = 1 << 14;
/// Numbers of randomisers for which sessions are set up: powers of 4.
const SET_UPS: u32 = 9;
/// Seconds that two threads of a process take to hand over.
const ROUND: f64 = 50e-6;

/// Measured unit costs, by key size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Where they were measured.
    pub machine: Machine,
    /// For each key size.
    pub entries: Vec<Entry>,
}

/// At one key size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Bits of N.
    pub key_bits: u32,
    /// Seconds by the clock while all threads do the same: those of one core divided by their number. A byte
    /// is written, read and checked; a round hands over between threads: no network.
    pub unit: UnitCosts,
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
        /// The plan's.
        needed: KeyBits,
        /// Those measured, by commas.
        has: String,
    },
}

impl Profile {
    /// Of this machine and rayon's threads, for some key sizes; each figure takes about
    /// `budget`.
    ///
    /// # Errors
    /// The operating system gives no randomness.
    pub fn measure(sizes: &[KeyBits], budget: Duration) -> Result<Self> {
        let entries = sizes.iter().map(|&bits| Entry::measure(bits, budget)).collect::<Result<_>>()?;
        Ok(Self { machine: Machine::this(rayon::current_num_threads()), entries })
    }

    /// Reads what [`serde`] wrote as JSON.
    ///
    /// # Errors
    /// [`ProfileError::Malformed`].
    pub fn from_json(json: &[u8]) -> std::result::Result<Self, ProfileError> {
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
    pub fn entry(&self, bits: KeyBits) -> std::result::Result<&Entry, ProfileError> {
        let entry = self.entries.iter().find(|entry| entry.key_bits == bits.get());
        entry.ok_or_else(|| {
            let has: Vec<_> = self.entries.iter().map(|entry| entry.key_bits.to_string()).collect();
            ProfileError::KeyBits { needed: bits, has: has.join(", ") }
        })
    }
}

impl Entry {
    fn measure(bits: KeyBits, budget: Duration) -> Result<Self> {
        let mut rng = SecureRng::from_os()?;
        let secret = SecretKey::generate(bits, &mut rng);
        let set_up = set_ups(&secret, budget, &mut rng)?;
        let weight = weight(budget, &mut rng);
        Ok(Self { key_bits: bits.get(), unit: unit(secret, budget, &mut rng)?, weight, set_up })
    }

    /// Whether all figures are times, and set-ups in order.
    fn is_sound(&self) -> bool {
        let unit = &self.unit;
        let units = [unit.product, unit.squaring, unit.inversion, unit.rerandomisation];
        let more = [unit.encryption, unit.decryption, unit.byte, unit.round];
        let set_ups = self.set_up.iter().flat_map(|set_up| [set_up.server, set_up.client]);
        units.into_iter().chain(more).chain([self.weight]).chain(set_ups).all(|seconds| seconds >= 0.0)
            && !self.set_up.is_empty()
            && self.set_up.is_sorted_by(|a, b| a.uses < b.uses)
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

fn set_ups(secret: &SecretKey, budget: Duration, rng: &mut SecureRng) -> Result<Vec<SetUp>> {
    let (bits, modulus) = (secret.public().bits(), secret.public().modulus_bytes());
    let measure = |power: u32| {
        let uses = 1 << (2 * power);
        let server = try_seconds(budget / SET_UPS, || {
            let key = PublicKey::from_modulus_bytes(&modulus, bits).map_err(bug)?;
            drop(PublicRandomisers::for_uses(&key, uses, rng));
            Ok(())
        })?;
        let client = seconds(budget / SET_UPS, || drop(HolderRandomisers::for_uses(secret, uses, rng)));
        Ok(SetUp { uses: uses as u64, server, client })
    };
    (0..SET_UPS).map(measure).collect()
}

/// Rows of 8 bits, which take longest.
fn weight(budget: Duration, rng: &mut SecureRng) -> f64 {
    let rows = ROWS * rayon::current_num_threads();
    let matrix = Matrix::random(8, rows, rng);
    let count = || {
        black_box(weighted_sums_count(COLUMNS, &matrix));
    };
    seconds(budget, count) / (rows * COLUMNS) as f64
}

fn unit(secret: SecretKey, budget: Duration, rng: &mut SecureRng) -> Result<UnitCosts> {
    let key = secret.public().clone();
    let randomisers = PublicRandomisers::for_uses(&key, USES, rng);
    let holder = HolderKey::without_pool(secret, USES)?;
    let count = BATCH * rayon::current_num_threads();
    let plaintexts: Vec<Integer> = (0..count).map(Integer::from).collect();
    let mut batch = holder.encrypt(&plaintexts, rng).map_err(bug)?;
    let other = batch.clone();
    let each = |whole: f64| whole / count as f64;

    let product = each(seconds(budget, || multiply_each(&key, &mut batch, &other)));
    let squaring = each(seconds(budget, || shift_each(&key, &mut batch, 1)));
    let mut single = holder.encrypt(&plaintexts[..1], rng).map_err(bug)?;
    let inversion = seconds(budget, || invert_all(&key, &mut single)) / rayon::current_num_threads() as f64;
    let rerandomisation = each(seconds(budget, || rerandomise(&randomisers, &mut batch, rng)));
    let decryption = each(seconds(budget, || drop(holder.decrypt(&batch))));
    let encryption = each(seconds(budget, || drop(holder.encrypt(&plaintexts, rng))));
    let carried = seconds(budget, || drop(Ciphertexts::receive(&key, &batch.to_bytes(&key), count)));
    Ok(UnitCosts {
        product,
        squaring,
        inversion,
        rerandomisation,
        encryption,
        decryption,
        ot: transfer(&holder, &randomisers)?,
        byte: carried / (count * key.ciphertext_bytes()) as f64,
        round: ROUND,
    })
}

/// Seconds of a random OT with both parties on this machine, made into the correlations of comparisons.
fn transfer(holder: &HolderKey, randomisers: &PublicRandomisers) -> Result<f64> {
    let field =
        FieldBits::new(SharedParameters::default().field_bits as usize).ok_or_else(|| bug("no field"))?;
    let batches = [Batch { kind: Kind::Sixteen(Role::Client, Width::PAIR), count: TRANSFERS / 4 }];
    let (ours, theirs) = memory::pair();
    let (mut ours, mut theirs) = (Connection::new(ours, None)?, Connection::new(theirs, None)?);
    let rng = || SecureRng::from_os();
    thread::scope(|scope| {
        let serving = scope.spawn(move || -> Result<()> {
            let mut extensions = setup::server(&mut theirs, randomisers, field, &mut rng()?)?;
            Supply::prepare(&mut theirs, Role::Server, &mut extensions, &batches).map(drop)
        });
        let mut extensions = setup::client(&mut ours, holder, field, &mut rng()?)?;
        let start = Instant::now();
        drop(Supply::prepare(&mut ours, Role::Client, &mut extensions, &batches)?);
        serving.join().map_err(|_| bug("the server's thread panicked"))??;
        Ok(start.elapsed().as_secs_f64() / TRANSFERS as f64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::prediction::testing::entry;

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

    #[test]
    fn every_figure_of_this_machine_is_a_time() {
        let size = KeyBits::try_from(512).unwrap();
        let profile = Profile::measure(&[size], Duration::ZERO).unwrap();
        assert!(profile.entry(size).unwrap().is_sound());
    }
}
