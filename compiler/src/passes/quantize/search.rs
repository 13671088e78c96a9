//! Searches the scale with the least loss.

/// Scales that are tried at one time.
pub(super) const LANES: usize = 8;

/// The smallest scale tried, as a share of the largest.
const LEAST: f64 = 0.05;
/// Steps from the largest to the smallest scale where there are many weights, whose errors even out.
const COARSE: usize = 16;
/// The same where there are few.
const FINE: usize = 64;
/// So many weights are many.
const MANY: usize = 256;

/// The scale up to `largest` with the least of these errors, the largest of equals, where the errors
/// are those of so many `weights`: first some over the whole range, then some near the best of them.
pub(super) fn least(largest: f64, weights: usize, errors: impl Fn([f64; LANES]) -> [f64; LANES]) -> f64 {
    let steps = if weights < MANY { FINE } else { COARSE };
    let ratio = LEAST.powf(1.0 / (steps - 1) as f64);
    let mut best = Best { scale: largest, error: f64::INFINITY };
    for first in (0..steps).step_by(LANES) {
        let scales = std::array::from_fn(|i| largest * ratio.powi((first + i) as i32));
        best.improve(scales, errors(scales));
    }
    let (centre, fine) = (best.scale, ratio.powf(1.0 / (LANES / 2 + 1) as f64));
    let scales = std::array::from_fn(|i| {
        let power = i as i32 - (LANES / 2) as i32;
        (centre * fine.powi(if power < 0 { power } else { power + 1 })).min(largest)
    });
    best.improve(scales, errors(scales));
    best.scale
}

struct Best {
    scale: f64,
    error: f64,
}

impl Best {
    fn improve(&mut self, scales: [f64; LANES], errors: [f64; LANES]) {
        for (scale, error) in scales.into_iter().zip(errors) {
            if error < self.error || (error == self.error && scale > self.scale) {
                *self = Self { scale, error };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_of_a_smooth_error_is_found() {
        for wanted in [0.06, 0.1, 0.35, 0.77, 1.0] {
            let error = |scale: f64| (scale / wanted).ln().powi(2);
            let found = least(1.0, 1000, |scales| scales.map(error));
            assert!((found / wanted).ln().abs() < 0.03, "{found} is not {wanted}");
        }
        assert_eq!(least(2.0, 3, |_| [0.0; LANES]), 2.0);
    }
}
