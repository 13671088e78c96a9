//! Piecewise linear functions as sums of shifted ReLUs.

use std::ops::RangeInclusive;

/// f(x) = offset + slope·x + Σ change·ReLU(x − at) over all bends.
#[derive(Clone, Debug, PartialEq)]
pub struct Pieces {
    /// Value at x = 0 of the leftmost segment, continued to there.
    pub offset: f64,
    /// Slope of the leftmost segment.
    pub slope: f64,
    /// The points where the slope changes, in order of rising `at`.
    pub bends: Vec<Bend>,
}

/// A point where two linear segments meet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bend {
    /// The x at which the segments meet.
    pub at: f64,
    /// Slope after it minus slope before it.
    pub change: f64,
}

/// How closely curves are followed that are not piecewise linear themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fineness {
    /// Within 1 % of the distance between the curve's limits, or of the steeper ray's slope.
    #[default]
    Percent,
    /// As closely as so many linear segments can, of [`PIECES`].
    Pieces(usize),
}

/// Numbers of linear segments that can be asked for.
pub const PIECES: RangeInclusive<usize> = 2..=65;

/// Linear segments that approximate a curve.
#[derive(Clone, Debug, PartialEq)]
pub struct Approximation {
    /// The piecewise linear function that replaces the curve.
    pub pieces: Pieces,
    /// Largest difference from the curve; 0 where the curve is piecewise linear itself.
    pub error: f64,
}

impl Pieces {
    /// The function's value f(x).
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
