//! What one unit of each cost takes on this machine, all threads busy.

use super::bug;
use super::cases::{COLUMNS, Matrix};
use super::timing::{seconds, try_seconds};
use crate::channel::{Connection, memory};
use crate::cost::Machine;
use crate::cost::profile::{Entry, Profile, SetUp};
use crate::error::Result;
use crate::message::Deferred;
use crate::ot::{Batch, Role, Supply, setup};
use crate::paillier::{
    Ciphertexts, HolderKey, HolderRandomisers, PublicKey, PublicRandomisers, SecretKey, SecureRng,
    invert_all, multiply_each, rerandomise, shift_each, weighted_sums_count,
};
use crate::plan::{Extension, KeyBits, Ring, Transfers, TreeDepth, UnitCosts};
use crate::protocol::shared::message_schedule::MessageSchedule;
use crate::protocol::shared::relu::Relu;
use rug::Integer;
use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

/// Ciphertexts per thread.
const BATCH: usize = 256;
/// Rows of weights per thread.
const ROWS: usize = 32;
/// ReLUs that OTs are made for.
const RELUS: usize = 1 << 15;
/// Encryptions for which tables are made.
const USES: usize = 1 << 14;
/// Numbers of randomisers for which sessions are set up: powers of 4.
const SET_UPS: u32 = 9;
/// Seconds that two threads of a process take to hand over.
const ROUND: f64 = 50e-6;

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
}

impl Entry {
    fn measure(bits: KeyBits, budget: Duration) -> Result<Self> {
        let mut rng = SecureRng::from_os()?;
        let secret = SecretKey::generate(bits, &mut rng);
        let set_up = set_ups(&secret, budget)?;
        let weight = weight(budget, &mut rng);
        let randomisers = PublicRandomisers::for_uses(secret.public(), USES);
        let holder = HolderKey::without_pool(secret, USES)?;
        let transfer = |transfers| transfer(&holder, &randomisers, transfers);
        let ot = transfer(Transfers::default())?;
        let silent_ot = transfer(Transfers::both(Extension::Silent(TreeDepth::MIN)))?;
        let unit = unit(&holder, &randomisers, ot, budget, &mut rng)?;
        Ok(Self { key_bits: bits.get(), unit, silent_ot, weight, set_up })
    }
}

fn set_ups(secret: &SecretKey, budget: Duration) -> Result<Vec<SetUp>> {
    let (bits, bytes) = (secret.public().bits(), secret.public().to_bytes());
    let measure = |power: u32| {
        let uses = 1 << (2 * power);
        let server = try_seconds(budget / SET_UPS, || {
            let key = PublicKey::from_bytes(&bytes, bits).map_err(bug)?;
            drop(PublicRandomisers::for_uses(&key, uses));
            Ok(())
        })?;
        let client = seconds(budget / SET_UPS, || drop(HolderRandomisers::for_uses(secret, uses)));
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

fn unit(
    holder: &HolderKey,
    randomisers: &PublicRandomisers,
    ot: f64,
    budget: Duration,
    rng: &mut SecureRng,
) -> Result<UnitCosts> {
    let key = holder.public().clone();
    let count = BATCH * rayon::current_num_threads();
    let plaintexts: Vec<Integer> = (0..count).map(Integer::from).collect();
    let mut batch = holder.encrypt(&plaintexts, rng).map_err(bug)?;
    let other = batch.clone();
    let each = |whole: f64| whole / count as f64;

    let product = each(seconds(budget, || multiply_each(&key, &mut batch, &other)));
    let squaring = each(seconds(budget, || shift_each(&key, &mut batch, 1)));
    let mut single = holder.encrypt(&plaintexts[..1], rng).map_err(bug)?;
    let inversion = seconds(budget, || invert_all(&key, &mut single)) / rayon::current_num_threads() as f64;
    let rerandomisation = each(seconds(budget, || rerandomise(randomisers, &mut batch, rng)));
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
        ot,
        byte: carried / (count * key.ciphertext_bytes()) as f64,
        round: ROUND,
    })
}

/// Seconds of a random OT with both parties on this machine, made into the correlations of ReLUs.
fn transfer(holder: &HolderKey, randomisers: &PublicRandomisers, transfers: Transfers) -> Result<f64> {
    let batches = &of_relus(RELUS)?[..];
    let ots = |batch: &Batch| batch.ots(Role::Client) + batch.ots(Role::Server);
    let ots: usize = batches.iter().map(ots).sum();
    let (ours, theirs) = memory::pair();
    let (mut ours, mut theirs) = (Connection::new(ours, None)?, Connection::new(theirs, None)?);
    let rng = || SecureRng::from_os();
    thread::scope(|scope| {
        let serving = scope.spawn(move || -> Result<()> {
            let mut extensions = setup::server(&mut theirs, randomisers, transfers, &mut rng()?)?;
            let mut prepare = || Supply::prepare(&mut theirs, Role::Server, &mut extensions, batches);
            prepare().and_then(|_| prepare()).map(drop)
        });
        let mut extensions =
            setup::client(&mut ours, holder, transfers, &mut Deferred::default(), &mut rng()?)?;
        let mut prepare = || Supply::prepare(&mut ours, Role::Client, &mut extensions, batches).map(drop);
        prepare()?; // The first of a session takes longer.
        let start = Instant::now();
        prepare()?;
        serving.join().map_err(|_| bug("the server's thread panicked"))??;
        Ok(start.elapsed().as_secs_f64() / ots as f64)
    })
}

/// What so many ReLUs of usual rings use.
fn of_relus(count: usize) -> Result<Vec<Batch>> {
    let ring = |bits| Ring::new(bits).ok_or_else(|| bug("a ring has 1 to 64 bits"));
    let relu =
        Relu::new(ring(24)?, 8, ring(20)?).ok_or_else(|| bug("more bits are dropped than there are"))?;
    let mut messages = MessageSchedule::new();
    relu.schedule(&mut messages, count);
    Ok(messages.finish().batches)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_of_this_machine_is_a_time() {
        let size = KeyBits::try_from(512).unwrap();
        let profile = Profile::measure(&[size], Duration::ZERO).unwrap();
        assert!(profile.entry(size).unwrap().is_sound());
    }
}
