//! The optimal brain surgeon on groups of columns.

use crate::numeric::{Matrix, Root, axpy, dot};
use rayon::prelude::*;

/// The weights of rows on some channels, and the inverse Hessian of their columns. Entries of channels that have been
/// removed are meaningless.
pub(super) struct Surgeon {
    /// Inverse Hessian of the columns that are left.
    inverse: Matrix,
    /// The weights, row after row.
    weights: Vec<f64>,
    /// Number of columns of one channel.
    taps: usize,
}

impl Surgeon {
    /// Rows of `weights` before inputs with `hessian`, `taps` columns after each other of one channel.
    pub(super) fn new(hessian: &Matrix, weights: Vec<f64>, taps: usize) -> Self {
        let all: Vec<usize> = (0..hessian.size()).collect();
        Self { inverse: hessian.root(&all).inverse(), weights, taps }
    }

    /// By how much the squared output error grows where `channel` is removed and the others are adjusted to compensate.
    pub(super) fn loss(&self, channel: usize) -> f64 {
        let root = self.root(channel);
        let rows = self.weights.chunks_exact(self.inverse.size());
        rows.map(|row| &row[self.columns(channel)]).map(|weights| dot(weights, &root.solve(weights))).sum()
    }

    /// Removes `channel` and adjusts the weights of the others to compensate.
    pub(super) fn remove(&mut self, channel: usize) {
        let (size, columns) = (self.inverse.size(), self.columns(channel));
        let root = self.root(channel);
        // ((H⁻¹)_SS)⁻¹·(H⁻¹)_S,: by rows; H⁻¹ is symmetric.
        let across: Vec<Vec<f64>> =
            (0..size).map(|column| root.solve(&self.inverse.row(column)[columns.clone()])).collect();
        let by_row: Vec<Vec<f64>> =
            (0..self.taps).map(|tap| across.iter().map(|solved| solved[tap]).collect()).collect();
        let eliminate = |row: &mut [f64]| {
            let factors = row[columns.clone()].to_vec();
            factors.iter().zip(&by_row).for_each(|(factor, across)| axpy(-factor, across, row));
        };
        self.weights.par_chunks_exact_mut(size).for_each(eliminate);
        self.inverse.values_mut().par_chunks_exact_mut(size).for_each(eliminate);
    }

    fn columns(&self, channel: usize) -> std::ops::Range<usize> {
        channel * self.taps..(channel + 1) * self.taps
    }

    fn root(&self, channel: usize) -> Root {
        self.inverse.root(&self.columns(channel).collect::<Vec<usize>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::testing::positive;
    use proptest::prelude::*;

    /// Least (w − v)ᵀ·H·(w − v) over all v that are zero outside `kept`.
    fn least_error(hessian: &Matrix, row: &[f64], kept: &[usize]) -> f64 {
        let target = hessian.times(row);
        let wanted: Vec<f64> = kept.iter().map(|&i| target[i]).collect();
        let fitted = hessian.root(kept).solve(&wanted);
        dot(row, &target) - dot(&wanted, &fitted)
    }

    proptest! {
        #[test]
        fn losses_are_those_of_fitting_the_rest_again(
            channels in 2..5_usize, taps in 1..4_usize, rows in 1..4_usize,
            noise in proptest::collection::vec(-1f64..1.0, 300),
        ) {
            let size = channels * taps;
            let hessian = positive(&noise[..240 / size * size], size);
            let weights = noise[300 - rows * size..].to_vec();
            let mut surgeon = Surgeon::new(&hessian, weights.clone(), taps);
            let mut lost = 0.0;
            for removed in 0..channels {
                lost += surgeon.loss(removed);
                surgeon.remove(removed);
                let kept: Vec<usize> = ((removed + 1) * taps..size).collect();
                let expected: f64 = weights.chunks(size).map(|row| least_error(&hessian, row, &kept)).sum();
                prop_assert!((lost - expected).abs() <= 1e-6 * (1.0 + expected), "{lost} is not {expected}");
            }
        }
    }
}
