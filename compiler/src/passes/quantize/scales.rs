//! Scales of a linear layer's outputs: the real size of one integer step of each channel.

use crate::calibration::Channel;
use crate::numeric::median;

/// A channel's root mean square, in integers, may usually be this many times larger than that of the median channel.
pub(super) const IMBALANCE: f64 = 4.0;
/// Where a layer has no weights at all, its biases become integers of about this size.
const CONSTANT: f64 = (1 << 20) as f64;
/// Rows whose root mean square is more than this many times their standard deviation are left out of the median.
const OUTWEIGHED: f64 = 16.0;
/// Values are not multiplied by more than this.
const MAX_BALANCE: f64 = (1 << 30) as f64;
/// Width of weights by default.
const USUAL_BITS: u32 = 8;
/// Exponents of two by which scales may differ from those that suit weights best, for the sake of what readers
/// tolerate.
const FARTHEST: f64 = 12.0;
/// How much larger the squared noise of a layer may become for the sake of a common power of two.
const COARSER: f64 = 1.5;

/// The share (squared) of the relative noise that a layer's readers tolerate which all rows together may make that are
/// rounded more coarsely than their weights need: a tenth of what 8-bit weights make.
const NEGLIGIBLE: f64 = 1.0 / (1u64 << 20) as f64;
/// The same where a row's integers would be much larger than its neighbours'.
const BEARABLE: f64 = 16.0 * NEGLIGIBLE;

/// A linear layer's output channel before it has a scale.
#[derive(Clone, Copy, Debug)]
pub(super) struct UnscaledRow {
    /// The scale that suits its weights best; 0 for no weights.
    pub fine: f64,
    /// Statistics of its values on calibration images, in real units.
    pub channel: Channel,
    /// Weight of noise in it: the relative squared error of its readers per unit of variance ([`super::tolerance`]).
    pub weight: f64,
    /// Sum of the squared integers that its weights multiply: 12 times the row's squared rounding noise, in squares of
    /// its scale.
    pub read: f64,
    /// Width of its quantised weights in bits.
    pub bits: u32,
}

impl UnscaledRow {
    /// The coarsest scale at which the row's rounding adds `noise` to what readers tolerate. Where that is more than
    /// the whole row contributes, its weights may be rounded to zero, and only its bias counts.
    fn coarsest(&self, noise: f64) -> f64 {
        let read = if self.weight * self.channel.variance <= noise { 0.0 } else { self.read };
        // At this scale the whole row rounds to zero.
        (12.0 * noise / (self.weight * (read + 1.0))).sqrt().min(self.nothing())
    }

    /// A scale at which the whole row rounds to zero.
    fn nothing(&self) -> f64 {
        4.0 * (f64::from(1u32 << self.bits) * self.fine).max(self.channel.rms())
    }

    /// Root mean square of the row's integers at the scale that suits its weights.
    fn size(&self) -> f64 {
        self.channel.rms() / self.fine
    }

    /// The scale of the row where the median row's integers have size `usual`, in a layer of so many rows.
    fn scale(&self, usual: Option<f64>, rows: usize) -> f64 {
        // Wider weights are chosen where less noise is tolerated.
        let share =
            (2.0 * (f64::from(USUAL_BITS) - f64::from(self.bits.max(USUAL_BITS)))).exp2() / rows as f64;
        let [free, bearable] = [NEGLIGIBLE, BEARABLE].map(|noise| self.coarsest(noise * share));
        if free >= self.nothing() {
            return self.fine.max(free);
        }
        // The next layer multiplies all integers by weights of few bits: none may be much smaller or larger than usual.
        let [small, large] =
            [1.0 / IMBALANCE, IMBALANCE].map(|by| usual.map_or(CONSTANT, |usual| by * usual));
        let (coarse, even) = (self.channel.rms() / small, self.channel.rms() / large);
        self.fine.max(free.min(coarse)).max(even.min(bearable))
    }
}

/// Size of the integers of the median row, among those that are not mostly their mean, where there are any.
fn usual(rows: &[UnscaledRow]) -> Option<f64> {
    let alive = rows.iter().filter(|row| row.fine > 0.0 && row.channel.rms() > 0.0);
    let varied = alive.clone().filter(|row| row.channel.rms() <= OUTWEIGHED * row.channel.variance.sqrt());
    median(varied.map(UnscaledRow::size)).or_else(|| median(alive.map(UnscaledRow::size)))
}

/// Scales for the outputs of a linear layer, one per row.
///
/// A row takes the scale that suits its weights best, or a coarser one where that makes next to no difference to its
/// readers: a dead channel is rounded to zero. A row whose mean outweighs its variation gets a coarser scale, as far as
/// its readers tolerate, so that its integers are not much larger than its neighbours'.
pub(super) fn per_row(rows: &[UnscaledRow]) -> Vec<f64> {
    let usual = usual(rows);
    let scales: Vec<f64> = rows.iter().map(|row| row.scale(usual, rows.len())).collect();
    // A row that is always zero takes any scale.
    let some = scales.iter().copied().filter(|&scale| scale > 0.0).fold(f64::INFINITY, f64::min);
    let some = if some.is_finite() { some } else { 1.0 };
    scales.into_iter().map(|scale| if scale > 0.0 { scale } else { some }).collect()
}

/// One scale for all rows, `fine` where they have weights.
pub(super) fn common(rows: &[UnscaledRow], fine: f64) -> Vec<f64> {
    let largest = rows.iter().map(|row| row.channel.rms()).fold(0.0, f64::max);
    let scale = [fine, largest / CONSTANT, 1.0].into_iter().find(|&scale| scale > 0.0);
    vec![scale.unwrap_or(1.0); rows.len()]
}

/// Scales for rows that are to be powers of two times `others`, the same power for all: the coarsest ones that are about
/// as good as `least`. A row beside zeros (`free`) keeps its own.
pub(super) fn beside(rows: &[UnscaledRow], least: &[f64], others: &[f64], free: &[bool]) -> Vec<f64> {
    let tied: Vec<usize> = (0..rows.len()).filter(|&row| !free[row]).collect();
    let noise = |scales: &[f64]| -> f64 {
        tied.iter().map(|&row| rows[row].weight * (rows[row].read + 1.0) * scales[row].powi(2)).sum()
    };
    let power = (COARSER * noise(least) / noise(others)).log2() / 2.0;
    let usual = ratio(&tied, least, others);
    let power =
        if power.is_finite() { power.floor().clamp(usual - FARTHEST, usual + FARTHEST) } else { usual };
    let scale = |row: usize| if free[row] { least[row] } else { others[row] * power.exp2() };
    (0..rows.len()).map(scale).collect()
}

/// The power of two by which the largest scales differ.
fn ratio(rows: &[usize], least: &[f64], others: &[f64]) -> f64 {
    let largest = |scales: &[f64]| rows.iter().map(|&row| scales[row]).fold(0.0, f64::max);
    let power = (largest(least) / largest(others)).log2().floor();
    if power.is_finite() { power } else { 0.0 }
}

/// The power of two by which to multiply each of several values so that the integers of none are much smaller than
/// those of the largest. `sizes` are those of the integers, relative to the noise that they tolerate.
pub(super) fn balance(sizes: &[f64]) -> Vec<i64> {
    let largest = sizes.iter().copied().filter(|size| size.is_finite()).fold(0.0, f64::max);
    let factor = |&size: &f64| {
        let ratio = largest / size;
        if ratio > IMBALANCE && ratio <= MAX_BALANCE { 1 << ratio.log2().floor() as u32 } else { 1 }
    };
    sizes.iter().map(factor).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(fine: f64, mean: f64, deviation: f64, weight: f64) -> UnscaledRow {
        let channel = Channel { mean, variance: deviation * deviation, peak: mean + deviation, passing: 0.5 };
        UnscaledRow { fine, channel, weight, read: 1e4, bits: USUAL_BITS }
    }

    #[test]
    fn rows_that_matter_keep_their_scales() {
        let rows = [row(1e-3, 0.0, 1.0, 1.0), row(2e-3, 1.0, 2.0, 0.5)];
        assert_eq!(per_row(&rows), [1e-3, 2e-3]);
    }

    #[test]
    fn a_row_that_nobody_notices_is_rounded_away() {
        let dead = row(1e-12, 1e-10, 1e-10, 1.0);
        let scales = per_row(&[row(1e-3, 0.0, 1.0, 1.0), dead]);
        assert!(scales[1] > 127.0 * dead.fine * 2.0 && scales[1] > 2.0 * dead.channel.rms(), "{scales:?}");
    }

    #[test]
    fn a_row_that_is_all_bias_gets_integers_like_its_neighbours() {
        let rows = [row(1e-3, 0.0, 1.0, 1.0), row(1e-3, 0.0, 1.0, 1.0), row(1e-9, 5.0, 1e-6, 1.0)];
        let integer = 5.0 / per_row(&rows)[2];
        assert!((1e3..=1e3 * IMBALANCE * 1.01).contains(&integer), "{integer}");
    }

    #[test]
    fn rows_follow_other_branches_by_one_power_of_two() {
        let rows = [row(1e-3, 0.0, 1.0, 1.0), row(1e-3, 0.0, 1.0, 1.0), row(1e-3, 0.0, 1.0, 1.0)];
        let others = [1.0, 1.3, 1e-9];
        let scales = beside(&rows, &[1e-3; 3], &others, &[false, false, true]);
        assert_eq!(scales, [1.0 / 1024.0, 1.3 / 1024.0, 1e-3]);
    }

    #[test]
    fn small_integers_grow_to_the_size_of_large_ones() {
        assert_eq!(balance(&[90.0, 9100.0, 5000.0, 0.0, f64::NAN]), [64, 1, 1, 1, 1]);
    }

    #[test]
    fn constant_layers_have_scales() {
        let constant = |mean| row(0.0, mean, 0.0, 0.0);
        assert_eq!(per_row(&[constant(0.0), constant(0.0)]), [1.0, 1.0]);
        assert_eq!(common(&[constant(0.0), constant(3.0)], 0.0), [3.0 / CONSTANT; 2]);
        assert!(
            per_row(&[constant(0.0), constant(2.0)]).iter().all(|scale| scale.is_finite() && *scale > 0.0)
        );
    }
}
