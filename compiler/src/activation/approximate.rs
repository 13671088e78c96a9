//! Linear segments for a curve: exact ones where it is piecewise linear itself, else fitted ones.

use super::fit::Seen;
use super::pieces::{Approximation, Fineness};
use super::{exact, fit};
use crate::graph::Curve;

/// Curves that differ between more channels than this are not followed.
const MAX_DIFFERENT: usize = 1 << 13;

/// Whether `curve`, in its first channel, is piecewise linear, so that its segments are exact.
pub fn is_piecewise_linear(curve: &Curve) -> bool {
    exact::pieces(curve, 0).is_some()
}

/// Linear segments for `curve` in `channel`: exact where it is piecewise linear, else as fine as asked.
///
/// # Errors
/// The curve jumps, does not become straight towards both sides, or needs more pieces; as a sentence.
pub fn approximate(curve: &Curve, channel: usize, fineness: Fineness) -> Result<Approximation, String> {
    match exact::pieces(curve, channel) {
        Some(pieces) => Ok(Approximation { pieces, error: 0.0 }),
        None => fit::pieces(curve, channel, fineness),
    }
}

/// The same, where range and tolerance may be known from calibration images; they count unless a number of segments was
/// asked for.
///
/// # Errors
/// As [`approximate`].
fn approximate_seen(
    curve: &Curve,
    channel: usize,
    fineness: Fineness,
    seen: Option<Seen>,
) -> Result<Approximation, String> {
    let is_exact = exact::pieces(curve, channel).is_some();
    let seen = seen.filter(|_| !is_exact && fineness == Fineness::Percent);
    let found = seen.and_then(|seen| fit::pieces_where_seen(curve, channel, seen));
    found.map_or_else(|| approximate(curve, channel, fineness), Ok)
}

/// Linear segments for a curve over so many channels, whose range and tolerance are `seen`: one approximation for all
/// of them, or one each.
///
/// # Errors
/// As [`approximate`].
pub fn approximate_all(
    curve: &Curve,
    channels: usize,
    fineness: Fineness,
    seen: Option<Seen>,
) -> Result<Vec<Approximation>, String> {
    let different = if curve.is_uniform() { 1 } else { channels };
    if different > MAX_DIFFERENT && !is_piecewise_linear(curve) {
        return Err(format!("it differs between {different} channels"));
    }
    (0..different).map(|channel| approximate_seen(curve, channel, fineness, seen)).collect()
}
