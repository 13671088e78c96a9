//! The chance that a value exceeds its range on the calibration images.
//!
//! A Gumbel distribution is fitted to the largest magnitudes of the images: maxima over many elements follow it where
//! the elements' tails fall off exponentially (Fisher and Tippett 1928; Gumbel, "Statistics of Extremes", 1958). Its
//! location and scale come from mean and standard deviation, the latter raised by two of its standard errors for
//! safety.

use std::f64::consts::PI;

/// The Euler–Mascheroni constant.
const EULER: f64 = 0.577_215_664_901_532_9;

/// Fewer images say nothing of tails.
const ENOUGH: usize = 16;

/// Largest magnitudes of a value, image by image.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Tail {
    maxima: Vec<f64>,
}

impl Tail {
    /// Adds the largest magnitude of one more image.
    pub(super) fn push(&mut self, largest: f64) {
        self.maxima.push(largest);
    }

    /// The largest magnitude of all.
    pub(super) fn largest(&self) -> f64 {
        self.maxima.iter().copied().fold(0.0, f64::max)
    }

    /// The magnitude that an image exceeds with this chance; `None` where there are too few images to say.
    pub(super) fn bound(&self, chance: f64) -> Option<f64> {
        let (location, scale) = self.gumbel()?;
        Some(location - scale * (-(-chance).ln_1p()).ln())
    }

    /// The chance that an image exceeds `bound`; `None` where there are too few images to say.
    pub(super) fn chance(&self, bound: f64) -> Option<f64> {
        let (location, scale) = self.gumbel()?;
        if scale == 0.0 {
            return Some(if bound >= location { 0.0 } else { 1.0 });
        }
        Some(-(-(-(bound - location) / scale).exp()).exp_m1())
    }

    fn gumbel(&self) -> Option<(f64, f64)> {
        let count = self.maxima.len() as f64;
        if self.maxima.len() < ENOUGH {
            return None;
        }
        let mean = self.maxima.iter().sum::<f64>() / count;
        let variance = self.maxima.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (count - 1.0);
        let scale = variance.sqrt() * (1.0 + 2.0 / (2.0 * count).sqrt()) * 6f64.sqrt() / PI;
        Some((mean - EULER * scale, scale))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Quantiles of a Gumbel distribution with location 10 and scale 2.
    fn tail(count: usize) -> Tail {
        let mut tail = Tail::default();
        (0..count).for_each(|i| {
            let share = (i as f64 + 0.5) / count as f64;
            tail.push(10.0 - 2.0 * (-share.ln()).ln());
        });
        tail
    }

    #[test]
    fn rare_values_are_predicted_from_common_ones() {
        let exact = |chance: f64| 10.0 - 2.0 * (-(1.0 - chance).ln()).ln();
        for chance in [1e-2, 1e-4, 1e-6] {
            let bound = tail(1000).bound(chance).unwrap();
            assert!((bound / exact(chance) - 1.0).abs() < 0.05, "{bound} {}", exact(chance));
            assert!((tail(1000).chance(bound).unwrap() / chance - 1.0).abs() < 1e-6);
        }
        assert!(tail(20).bound(1e-4) > tail(1000).bound(1e-4), "fewer images say less");
        assert_eq!(tail(3).bound(1e-4), None);
    }

    #[test]
    fn what_is_always_the_same_stays_so() {
        let mut tail = Tail::default();
        (0..20).for_each(|_| tail.push(5.0));
        assert_eq!((tail.bound(1e-6), tail.chance(5.0), tail.chance(4.0)), (Some(5.0), Some(0.0), Some(1.0)));
    }
}
