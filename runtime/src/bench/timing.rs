//! Seconds of one call.

use crate::error::Result;
use std::time::{Duration, Instant};

/// Batches of calls, of which the median counts.
const BATCHES: usize = 5;

/// Seconds that one call of `action` takes: the median of some batches of calls that take about `budget`
/// together. Everything is called twice at least.
pub(super) fn seconds(budget: Duration, mut action: impl FnMut()) -> f64 {
    let first = timed(1, &mut action);
    if first > budget.as_secs_f64() {
        return timed(1, &mut action).min(first);
    }
    let calls = (budget.as_secs_f64() / BATCHES as f64 / first.max(1e-9)) as usize;
    let mut batches: Vec<f64> = (0..BATCHES).map(|_| timed(calls.max(1), &mut action)).collect();
    batches.sort_by(f64::total_cmp);
    batches[BATCHES / 2]
}

/// As [`seconds`], of an action that may fail.
pub(super) fn try_seconds(budget: Duration, mut action: impl FnMut() -> Result<()>) -> Result<f64> {
    let mut outcome = Ok(());
    let seconds = seconds(budget, || {
        if outcome.is_ok() {
            outcome = action();
        }
    });
    outcome.map(|()| seconds)
}

/// Seconds of each of so many calls.
fn timed(calls: usize, action: &mut impl FnMut()) -> f64 {
    let start = Instant::now();
    (0..calls).for_each(|_| action());
    start.elapsed().as_secs_f64() / calls as f64
}
