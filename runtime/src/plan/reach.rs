//! How large sums of a row's weights with uniform masks get.
//!
//! For masks r_i, independent and uniform among the signed numbers of a ring with −M ≤ r < M, the sum Σ w_i·r_i is at
//! most M·Σ|w_i|, and hardly ever near that. By Chernoff's bound, for every λ > 0,
//!
//! ```text
//! P(Σ w_i·u_i > t) ≤ exp(−λ·t)·Π sinh(λ·w_i) ÷ (λ·w_i)          u_i uniform in [−1, 1]
//! ```
//!
//! and the masks are u_i·M but for half a unit each, whose lattice has a smaller generating function (Jensen). So a sum
//! leaves ±(M·t + Σ|w_i|) with probability 2^−64 at most, for the least such t. A row of hundreds of weights needs a
//! bit less in a slot than by its magnitudes alone. (Hoeffding, "Probability Inequalities for Sums of Bounded Random
//! Variables", J. Amer. Stat. Assoc. 1963; the numbers here are those of the moment generating functions themselves.)
//!
//! Exponentials and logarithms are `libm`'s, which rounds alike everywhere: a plan is checked by these bounds when it is
//! read, perhaps on another machine than it was compiled on.

use rayon::prelude::*;
use std::f64::consts::LN_2;

/// −log2 of the probability that a sum is larger, of both signs together.
const RARE: f64 = 64.0;
/// Halvings of the range in which λ is sought.
const HALVINGS: usize = 40;
/// Rows that are looked at together.
const TOGETHER: usize = 16;
/// Bits of a mask below which half units count.
const FINE: u32 = 8;

/// How large the sums of a linear layer's weights with uniform masks get: of all rows the largest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// max Σ|w|.
    norm: u64,
    /// max ⌈t⌉.
    likely: u64,
}

impl Reach {
    /// The reach of a layer with these `weights`, each row of which has `row`.
    pub fn from_weights(weights: &[i32], row: usize) -> Self {
        let mut rows: Vec<(u64, &[i32])> = weights.chunks(row.max(1)).map(|row| (normal(row), row)).collect();
        rows.sort_by_key(|&(normal, _)| std::cmp::Reverse(normal));
        let norm = rows.iter().map(|(_, row)| norm(row)).max().unwrap_or(0);
        let mut likely = 0;
        for rows in rows.chunks(TOGETHER) {
            if rows[0].0 <= likely {
                break;
            }
            likely = rows.par_iter().map(|(_, row)| reach(row)).max().unwrap_or(0).max(likely);
        }
        Self { norm, likely: likely.min(norm) }
    }

    /// The largest magnitude of a sum with masks of `bits` bits and a sign, but with probability 2^−64.
    pub const fn largest(self, bits: u32) -> u128 {
        let certain = (self.norm as u128) << bits;
        let likely = ((self.likely as u128) << bits) + self.norm as u128;
        if bits >= FINE && likely < certain { likely } else { certain }
    }
}

fn norm(row: &[i32]) -> u64 {
    row.iter().map(|weight| u64::from(weight.unsigned_abs())).sum()
}

/// What ⌈t⌉ of one row does not exceed: log(sinh(x) ÷ x) ≤ x² ÷ 6, and the bound is least for a normal sum.
fn normal(row: &[i32]) -> u64 {
    let squares: f64 = row.iter().map(|&weight| f64::from(weight) * f64::from(weight)).sum();
    (2.0 * (RARE + 1.0) * LN_2 * squares / 3.0).sqrt().ceil() as u64 + 1
}

/// ⌈t⌉ of one row.
fn reach(row: &[i32]) -> u64 {
    let weights = counted(row);
    let Some(&(largest, _)) = weights.last() else { return 0 };
    let bound = |log_lambda: f64| {
        let lambda = libm::exp(log_lambda);
        let moments: f64 = weights.iter().map(|&(weight, count)| count * log_moment(lambda * weight)).sum();
        (moments + (RARE + 1.0) * LN_2) / lambda
    };
    // The bound falls and then rises; λ·w is between a hundredth and the number of weights' worth of rarity.
    let (mut low, mut high) = (libm::log(1e-4 / largest), libm::log(100.0));
    for _ in 0..HALVINGS {
        let (a, b) = (low + (high - low) / 3.0, high - (high - low) / 3.0);
        if bound(a) < bound(b) { high = b } else { low = a }
    }
    bound((low + high) / 2.0).ceil() as u64
}

/// Magnitudes other than 0 in rising order, with how often they come.
fn counted(row: &[i32]) -> Vec<(f64, f64)> {
    let mut magnitudes: Vec<u32> =
        row.iter().map(|weight| weight.unsigned_abs()).filter(|&w| w > 0).collect();
    magnitudes.sort_unstable();
    let runs = magnitudes.chunk_by(|a, b| a == b);
    runs.map(|run| (f64::from(run[0]), run.len() as f64)).collect()
}

/// log(sinh(x) ÷ x).
fn log_moment(x: f64) -> f64 {
    match x {
        x if x < 1e-2 => x * x / 6.0,
        x if x > 20.0 => x - libm::log(2.0 * x),
        x => libm::log(libm::sinh(x) / x),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::test_runner::{RngAlgorithm, TestRng};
    use rand_core::Rng;

    /// The same numbers in every run.
    fn dice() -> TestRng {
        TestRng::deterministic_rng(RngAlgorithm::ChaCha)
    }

    #[test]
    fn few_weights_reach_their_norm_and_many_do_not() {
        assert_eq!(Reach::from_weights(&[], 1), Reach { norm: 0, likely: 0 });
        assert_eq!(Reach::from_weights(&[0, 0], 2), Reach { norm: 0, likely: 0 });
        assert_eq!(Reach::from_weights(&[-5], 1), Reach { norm: 5, likely: 5 });
        assert_eq!(Reach::from_weights(&[7, -7, 127, 1], 2).norm, 128);
        let many = Reach::from_weights(&[40; 576], 576);
        // A sum of many is normal, with a third of the sum of squares for its variance.
        let expected = (2.0 * 65.0 * LN_2 * 576.0 / 3.0).sqrt() * 40.0;
        assert!((many.likely as f64 / expected - 1.0).abs() < 0.05, "{many:?}, {expected}");
        assert_eq!(many.largest(4), (576 * 40) << 4);
        assert_eq!(many.largest(20), (u128::from(many.likely) << 20) + 576 * 40);
    }

    /// Rows that cannot be the largest are passed over; no other is.
    #[test]
    fn the_largest_row_counts_wherever_it_stands() {
        let mut dice = dice();
        let mut weight = || {
            let size = 1 << (dice.next_u32() >> 29);
            (dice.next_u32() >> 8) as i32 % (size + 1) - size / 2
        };
        for row in (1..140).step_by(7) {
            let weights: Vec<i32> = (0..row * 100).map(|_| weight()).collect();
            let found = Reach::from_weights(&weights, row);
            let largest = weights.chunks(row).map(reach).max().unwrap();
            assert_eq!(found.likely, largest.min(found.norm), "rows of {row}");
            assert_eq!(Some(found.norm), weights.chunks(row).map(norm).max());
        }
    }

    /// Sums of many draws stay far below, and the bound is not too generous: 2^−10 in place of 2^−64 is left often.
    #[test]
    fn draws_stay_within() {
        let row: Vec<i32> = (0..40).map(|i| (i * 37) % 255 - 127).collect();
        let reach = Reach::from_weights(&row, 40).largest(16);
        let mut dice = dice();
        let mut mask = || i64::from(dice.next_u32() >> 15) - (1 << 16);
        let mut largest = 0;
        for _ in 0..20_000 {
            let sum: i64 = row.iter().map(|&w| i64::from(w) * mask()).sum();
            largest = largest.max(sum.unsigned_abs());
        }
        assert!(u128::from(largest) < reach, "{largest} {reach}");
        assert!(u128::from(largest) * 3 > reach, "{largest} {reach}");
    }
}
