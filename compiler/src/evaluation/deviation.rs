//! How far some numbers are from what they stand for.

use serde::Serialize;

/// Share of the sum of squares that rounding may leave of a variance of 0.
const ROUNDING: f64 = 1e-12;

/// Sums from which a [`Deviation`] is computed; those of several sequences can be added.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    count: f64,
    largest_error: f64,
    squared_error: f64,
    expected: f64,
    squared_expected: f64,
    got: f64,
    squared_got: f64,
    products: f64,
}

/// How far numbers are from the expected ones.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Deviation {
    /// Largest magnitude of an error.
    pub largest_error: f64,
    /// Root mean square of the errors.
    pub rms_error: f64,
    /// Root mean square of the expected numbers.
    pub rms_value: f64,
    /// `rms_error` ÷ `rms_value`; 0 without errors, else infinite where nothing but zeros is expected.
    pub relative_error: f64,
    /// The same as a ratio of signal to noise in decibels: 20 less for ten times the error.
    pub snr_db: f64,
    /// Pearson's; 1 where one of the two sequences is constant and there is no error.
    pub correlation: f64,
}

impl Sums {
    /// The sums over one pair of sequences of equal length.
    pub(super) fn new(expected: &[f32], got: &[f32]) -> Self {
        let mut sums = Self { count: expected.len() as f64, ..Self::default() };
        for (&expected, &got) in expected.iter().zip(got) {
            let (expected, got) = (f64::from(expected), f64::from(got));
            let error = got - expected;
            sums.largest_error = sums.largest_error.max(error.abs());
            sums.squared_error += error * error;
            sums.expected += expected;
            sums.squared_expected += expected * expected;
            sums.got += got;
            sums.squared_got += got * got;
            sums.products += expected * got;
        }
        sums
    }

    /// Makes these the sums over both sequences, one after the other.
    pub(super) fn join(&mut self, other: &Self) {
        self.largest_error = self.largest_error.max(other.largest_error);
        for (sum, more) in [
            (&mut self.count, other.count),
            (&mut self.squared_error, other.squared_error),
            (&mut self.expected, other.expected),
            (&mut self.squared_expected, other.squared_expected),
            (&mut self.got, other.got),
            (&mut self.squared_got, other.squared_got),
            (&mut self.products, other.products),
        ] {
            *sum += more;
        }
    }

    pub(super) fn deviation(&self) -> Deviation {
        let mean = |sum: f64| sum / self.count.max(1.0);
        let (rms_error, rms_value) = (mean(self.squared_error).sqrt(), mean(self.squared_expected).sqrt());
        let relative_error = if rms_error == 0.0 { 0.0 } else { rms_error / rms_value };
        Deviation {
            largest_error: self.largest_error,
            rms_error,
            rms_value,
            relative_error,
            snr_db: -20.0 * relative_error.log10(),
            correlation: self.correlation(),
        }
    }

    fn correlation(&self) -> f64 {
        let covariance = |products: f64, a: f64, b: f64| products - a * b / self.count.max(1.0);
        // What rounding leaves of a constant's variance is none.
        let variance = |squares: f64, sum: f64| {
            let variance = covariance(squares, sum, sum);
            if variance > ROUNDING * squares { variance } else { 0.0 }
        };
        let variances = variance(self.squared_expected, self.expected) * variance(self.squared_got, self.got);
        if variances > 0.0 && self.squared_error > 0.0 {
            (covariance(self.products, self.expected, self.got) / variances.sqrt()).clamp(-1.0, 1.0)
        } else {
            f64::from(u8::from(self.squared_error == 0.0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_measured_against_the_values() {
        let mut sums = Sums::new(&[3.0, -4.0], &[3.0, -4.5]);
        sums.join(&Sums::new(&[0.0, 5.0], &[0.5, 5.0]));
        let Deviation { largest_error, rms_error, rms_value, relative_error, snr_db, correlation } =
            sums.deviation();
        assert_eq!((largest_error, rms_error, rms_value), (0.5, 0.125f64.sqrt(), 12.5f64.sqrt()));
        assert!((relative_error - 0.1).abs() < 1e-12 && (snr_db - 20.0).abs() < 1e-9);
        assert!((0.99..1.0).contains(&correlation));
    }

    #[test]
    fn opposites_are_anticorrelated_and_constants_are_told_apart() {
        assert_eq!(Sums::new(&[1.0, -1.0], &[-2.0, 2.0]).deviation().correlation, -1.0);
        assert_eq!(Sums::new(&[0.0; 2], &[0.0; 2]).deviation().correlation, 1.0);
        let third = Sums::new(&[1.0 / 3.0; 1000], &[1.0 / 3.0; 1000]).deviation();
        assert_eq!(third.correlation, 1.0);
        assert_eq!(Sums::new(&[1.0 / 3.0; 1000], &[0.3; 1000]).deviation().correlation, 0.0);
        let constant = Sums::new(&[0.0; 2], &[1.0; 2]).deviation();
        assert_eq!((constant.correlation, constant.relative_error), (0.0, f64::INFINITY));
    }
}
