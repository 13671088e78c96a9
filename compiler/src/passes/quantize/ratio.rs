//! Integer ratios between scales, for the branches of a sum.

/// Branches are multiplied by at most this.
const MAX_MULTIPLIER: f64 = (1u64 << 52) as f64;
/// Where no small multipliers are exact, the smallest is at most this.
const MAX_ROUNDED: i64 = 256;
/// Ratios closer than this to a quotient of small integers are taken as equal to it.
const EXACT: f64 = 1e-9;
/// Relative error of multipliers that are not exact: half of 1 ÷ [`MAX_ROUNDED`].
pub(super) const ROUNDING: f64 = 1.0 / 512.0;
/// A scale may be coarser than needed by this factor for the sake of a small ratio.
const WASTE: f64 = 17.0 / 16.0;
/// Denominators tried.
const TRIES: u64 = 64;

/// Multipliers k and a unit with scale = k · unit for each of `scales`, all positive: exact where there
/// are such with a smallest k of at most 256, otherwise within [`ROUNDING`]. `None` where the scales
/// differ by a factor of more than 2^52.
pub(super) fn multipliers(scales: &[f64]) -> Option<(Vec<i64>, f64)> {
    let least = scales.iter().copied().fold(f64::INFINITY, f64::min);
    let largest = scales.iter().copied().fold(0.0, f64::max);
    let fits = |smallest: &i64| largest / least * *smallest as f64 <= MAX_MULTIPLIER;
    let find =
        |tolerance| (1..=MAX_ROUNDED).filter(fits).find(|&k| worst(scales, least / k as f64) <= tolerance);
    let smallest = find(EXACT).or_else(|| find(ROUNDING))?;
    let unit = least / smallest as f64;
    Some((scales.iter().map(|scale| (scale / unit).round() as i64).collect(), unit))
}

/// Largest relative error of taking `scales` for multiples of `unit`.
fn worst(scales: &[f64], unit: f64) -> f64 {
    let error = |scale: &f64| ((scale / unit).round() * unit / scale - 1.0).abs();
    scales.iter().map(error).fold(0.0, f64::max)
}

/// A scale of at least `least` that is a ratio of small integers to `other`, and at most a sixteenth
/// coarser than needed where there is such with a small denominator.
pub(super) fn align(least: f64, other: f64) -> f64 {
    let ratio = (least / other).max(1.0 / MAX_MULTIPLIER);
    // Denominators below 1/ratio waste more than this one.
    let first = if ratio < 1.0 { (1.0 / ratio).floor() as u64 } else { 1 };
    let quotient = |q: u64| (ratio * q as f64 * (1.0 - EXACT)).ceil() / q as f64;
    let wanted = (first..first + TRIES).find(|&q| quotient(q) <= ratio * WASTE);
    other * quotient(wanted.unwrap_or(first))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn small_ratios_are_exact() {
        assert_eq!(multipliers(&[0.3, 0.2]), Some((vec![3, 2], 0.1)));
        assert_eq!(multipliers(&[0.5, 0.5]), Some((vec![1, 1], 0.5)));
        assert_eq!(multipliers(&[1.0, 9413.0]), Some((vec![1, 9413], 1.0)));
        assert_eq!(multipliers(&[1.0, 4706.5]), Some((vec![2, 9413], 0.5)));
        assert_eq!(multipliers(&[1.0, 1e16]), None);
    }

    proptest! {
        #[test]
        fn multipliers_are_close(scales in proptest::collection::vec(0.001f64..10.0, 1..5)) {
            let (multipliers, unit) = multipliers(&scales).unwrap();
            for (k, scale) in multipliers.iter().zip(&scales) {
                prop_assert!((*k as f64 * unit / scale - 1.0).abs() <= ROUNDING + 1e-9);
            }
        }

        #[test]
        fn aligned_scales_are_exact_ratios_and_not_finer(exponent in -25f64..5.0, other in 0.1f64..10.0) {
            let least = other * exponent.exp2();
            let aligned = align(least, other);
            prop_assert!(aligned >= least * (1.0 - 1e-8));
            prop_assert!(aligned <= least * 1.25);
            let (multipliers, unit) = multipliers(&[aligned, other]).unwrap();
            prop_assert!((multipliers[0] as f64 * unit / aligned - 1.0).abs() < 1e-8);
            prop_assert!((multipliers[1] as f64 * unit / other - 1.0).abs() < 1e-8);
        }
    }
}
