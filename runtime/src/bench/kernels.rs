//! The operations of Paillier on one core, each beside what programs without kernels of their own do.

use super::cases::{Case, Material};
use super::timing::try_seconds;
use crate::error::Result;
use serde::Serialize;
use std::time::Duration;

/// Rows that share inversions.
const ROWS: usize = 16;
/// Values that are encrypted, decrypted or compared together.
const BATCH: usize = 64;

/// How long one operation takes, our way and that of the baseline.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Kernel {
    /// As [`Case::name`].
    pub name: String,
    /// As [`Case::bits`].
    pub bits: u32,
    /// Nanoseconds: of one product, one row of 1024 weights, one value.
    pub ours_ns: f64,
    /// What it is compared with.
    pub baseline: &'static str,
    /// The same work, that way.
    pub baseline_ns: f64,
    /// `baseline_ns` ÷ `ours_ns`.
    pub ratio: f64,
}

/// What is measured, in this order.
///
/// # Errors
/// The operating system gives no randomness.
pub fn cases(material: &Material) -> Result<Vec<Case<'_>>> {
    Ok(vec![
        material.product()?,
        material.square()?,
        material.weighted_sum(1, ROWS)?,
        material.weighted_sum(2, ROWS)?,
        material.weighted_sum(4, ROWS)?,
        material.weighted_sum(8, ROWS)?,
        material.encrypt(BATCH)?,
        material.rerandomise(BATCH)?,
        material.decrypt(BATCH)?,
        material.relu(BATCH)?,
    ])
}

/// Times `case`, each way for about `budget` but the baselines of long sums, which take a tenth of a second, for
/// two calls. Batches go to rayon's threads, of which there should be one.
///
/// # Errors
/// A defect of this library.
pub fn time(mut case: Case<'_>, budget: Duration) -> Result<Kernel> {
    let ours = try_seconds(budget, &mut case.ours)? / case.batch as f64;
    let long = case.name.starts_with("weighted_sum");
    let theirs = try_seconds(if long { Duration::ZERO } else { budget }, &mut case.theirs)?;
    let Case { name, bits, baseline, .. } = case;
    Ok(Kernel { name, bits, ours_ns: ours * 1e9, baseline, baseline_ns: theirs * 1e9, ratio: theirs / ours })
}
