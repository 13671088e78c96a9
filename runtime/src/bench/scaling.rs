//! What a second thread brings, and a third.

use super::bug;
use super::cases::{Case, Material};
use crate::error::Result;
use rayon::{ThreadPool, ThreadPoolBuilder};
use serde::Serialize;
use std::time::{Duration, Instant};

/// Work for each thread: some tenths of a second.
const ROWS: usize = 64;
const ENCRYPTIONS: usize = 512;
const DECRYPTIONS: usize = 128;
/// Budgets that the two ways take together: their ratio needs more care than a figure of its own.
const BUDGETS: u32 = 4;

/// One operation on all threads.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scaling {
    /// As [`Case::name`].
    pub name: String,
    /// As [`Case::bits`].
    pub bits: u32,
    /// Number of threads that share the work.
    pub threads: usize,
    /// Seconds of one thread ÷ seconds of all, for the same work.
    pub ratio: f64,
}

/// What is measured, in this order: sums of 4-bit weights, encryptions, decryptions.
///
/// # Errors
/// The operating system gives no randomness.
pub fn cases(material: &Material, threads: usize) -> Result<Vec<Case<'_>>> {
    Ok(vec![
        material.weighted_sum(4, ROWS * threads)?,
        material.encrypt(ENCRYPTIONS * threads)?,
        material.decrypt(DECRYPTIONS * threads)?,
    ])
}

/// Times `case` with one thread and with `threads`, in turns for a few times `budget`; the quickest of each
/// counts, because whatever else the machine does only adds time.
///
/// # Errors
/// The system starts no threads, or a defect of this library.
pub fn time(mut case: Case<'_>, threads: usize, budget: Duration) -> Result<Scaling> {
    let (one, all) = (pool(1)?, pool(threads)?);
    let (mut alone, mut together) = (f64::INFINITY, f64::INFINITY);
    let start = Instant::now();
    while alone.is_infinite() || start.elapsed() < BUDGETS * budget {
        alone = alone.min(seconds(&one, &mut case)?);
        together = together.min(seconds(&all, &mut case)?);
    }
    Ok(Scaling { name: case.name, bits: case.bits, threads, ratio: alone / together })
}

fn pool(threads: usize) -> Result<ThreadPool> {
    ThreadPoolBuilder::new().num_threads(threads).build().map_err(bug)
}

fn seconds(pool: &ThreadPool, case: &mut Case<'_>) -> Result<f64> {
    pool.install(|| {
        let start = Instant::now();
        (case.ours)()?;
        Ok(start.elapsed().as_secs_f64())
    })
}
