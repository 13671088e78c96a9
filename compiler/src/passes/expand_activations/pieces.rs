//! Piecewise linear functions as sums of shifted ReLUs.

use super::fit::Seen;
use super::{exact, fit};
use crate::graph::Curve;
use std::ops::RangeInclusive;

/// f(x) = offset + slope·x + Σ change·ReLU(x − at) over all bends.
#[derive(Clone, Debug, PartialEq)]
pub struct Pieces {
    /// Of the leftmost piece.
    pub offset: f64,
    /// Of the leftmost piece.
    pub slope: f64,
    /// From left to right.
    pub bends: Vec<Bend>,
}

/// Where two pieces meet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bend {
    /// The place.
    pub at: f64,
    /// Slope behind it minus slope before it.
    pub change: f64,
}

/// How closely curves are followed that are not piecewise linear themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fineness {
    /// Within 1 % of the distance between the curve's limits, or of the steeper ray's slope.
    #[default]
    Percent,
    /// As closely as so many straight pieces can, of [`PIECES`].
    Pieces(usize),
}

/// Numbers of straight pieces that can be asked for.
pub const PIECES: RangeInclusive<usize> = 2..=65;

/// Pieces that stand for a curve.
#[derive(Clone, Debug, PartialEq)]
pub struct Approximation {
    /// The function.
    pub pieces: Pieces,
    /// Largest difference from the curve; 0 where the curve is piecewise linear itself.
    pub error: f64,
}

impl Pieces {
    /// The value for `x`.
    pub fn at(&self, x: f64) -> f64 {
        let bends = self.bends.iter().map(|bend| bend.change * (x - bend.at).max(0.0));
        self.offset + self.slope * x + bends.sum::<f64>()
    }

    /// Whether the function is constant to the left of the first and to the right of the last bend.
    pub fn saturates(&self) -> bool {
        let total: f64 = self.bends.iter().map(|bend| bend.change).sum();
        let largest = self.bends.iter().map(|bend| bend.change.abs()).fold(0.0, f64::max);
        self.slope == 0.0 && self.bends.len() > 1 && total.abs() <= 1e-6 * largest
    }
}

/// Whether the pieces of `curve`, in its first channel, are exact.
pub fn is_piecewise_linear(curve: &Curve) -> bool {
    exact::pieces(curve, 0).is_some()
}

/// Pieces for `curve` in `channel`: exact where it is piecewise linear, else as fine as asked.
///
/// # Errors
/// The curve jumps, does not become straight towards both sides, or needs more pieces; as a sentence.
pub fn approximate(curve: &Curve, channel: usize, fineness: Fineness) -> Result<Approximation, String> {
    match exact::pieces(curve, channel) {
        Some(pieces) => Ok(Approximation { pieces, error: 0.0 }),
        None => fit::pieces(curve, channel, fineness),
    }
}

/// The same, where it is known what the activation reads and gives; as fine as that asks, unless a number of pieces was
/// asked for.
///
/// # Errors
/// As [`approximate`].
pub(super) fn approximate_seen(
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
