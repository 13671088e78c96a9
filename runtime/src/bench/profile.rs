//! What one unit of each cost takes on this machine, all threads busy.

use super::timing::seconds;
use super::{Machine, bug};
use crate::error::Result;
use crate::paillier::{
    Ciphertexts, HolderKey, PublicRandomisers, SecretKey, SecureRng, invert_all, invert_count, multiply_each,
    rerandomise, square_each,
};
use crate::plan::{Cost, KeyBits, UnitCosts};
use rug::Integer;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Ciphertexts per thread.
const BATCH: usize = 256;
/// Encryptions for which tables are made.
const USES: usize = 1 << 14;
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
    /// Seconds by the clock while all threads do the same: those of one core divided by their number. Both
    /// parties on the machine, no network.
    pub unit: UnitCosts,
}

impl Profile {
    /// Of this machine and rayon's threads, for some key sizes; each figure takes about
    /// `budget`.
    ///
    /// # Errors
    /// The operating system gives no randomness.
    pub fn measure(sizes: &[KeyBits], budget: Duration) -> Result<Self> {
        let entry = |&bits: &KeyBits| Ok(Entry { key_bits: bits.get(), unit: unit(bits, budget)? });
        let entries = sizes.iter().map(entry).collect::<Result<_>>()?;
        Ok(Self { machine: Machine::this(rayon::current_num_threads()), entries })
    }

    /// Predicted seconds; `None` where nothing was measured at this key size.
    pub fn seconds(&self, cost: &Cost, bits: KeyBits) -> Option<f64> {
        let entry = self.entries.iter().find(|entry| entry.key_bits == bits.get())?;
        Some(cost.seconds(&entry.unit))
    }
}

fn unit(bits: KeyBits, budget: Duration) -> Result<UnitCosts> {
    let mut rng = SecureRng::from_os()?;
    let secret = SecretKey::generate(bits, &mut rng);
    let key = secret.public().clone();
    let randomisers = PublicRandomisers::for_uses(&key, USES, &mut rng);
    let holder = HolderKey::without_pool(secret, USES)?;
    let count = BATCH * rayon::current_num_threads();
    let plaintexts: Vec<Integer> = (0..count).map(Integer::from).collect();
    let mut batch = holder.encrypt(&plaintexts, &mut rng).map_err(bug)?;
    let other = batch.clone();
    let each = |whole: f64| whole / count as f64;

    let product = each(seconds(budget, || multiply_each(&key, &mut batch, &other)));
    let squaring = each(seconds(budget, || square_each(&key, &mut batch)));
    let inverting = seconds(budget, || invert_all(&key, &mut batch));
    let shared = invert_count(count);
    let inversion = (inverting - shared.products as f64 * product) / shared.inversions as f64;
    let rerandomisation = each(seconds(budget, || rerandomise(&randomisers, &mut batch, &mut rng)));
    let decryption = each(seconds(budget, || drop(holder.decrypt(&batch))));
    let encryption = each(seconds(budget, || drop(holder.encrypt(&plaintexts, &mut rng))));
    let carried = seconds(budget, || drop(Ciphertexts::receive(&key, &batch.to_bytes(&key), count)));
    Ok(UnitCosts {
        product,
        squaring,
        inversion: inversion.max(0.0),
        rerandomisation,
        encryption,
        decryption,
        byte: carried / (count * key.ciphertext_bytes()) as f64,
        round: ROUND,
    })
}
