//! Cholesky roots, and what is computed from those.

use super::Matrix;
use super::simd::{self, Kernel};
use super::vector::{axpy, dot, subtract};
use rayon::prelude::*;

/// A pivot is at least this share of the diagonal element that it comes from.
const LEAST_PIVOT: f64 = 1e-12;
/// Rows that are subtracted from the others at one time.
const PIVOTS: usize = 4;

/// The upper triangular Cholesky root R of a matrix RᵀR; its rows from the diagonal on, one after the
/// other.
#[derive(Clone, Debug, PartialEq)]
pub struct Root {
    size: usize,
    values: Vec<f64>,
}

impl Root {
    /// Factors the matrix of `size` whose rows, from the diagonal on, are `values`. Pivots that rounding has made too
    /// small are raised, so that there always is a root.
    pub(super) fn factor(size: usize, mut values: Vec<f64>) -> Self {
        simd::run(Factor { size, values: &mut values });
        Self { size, values }
    }

    /// Number of rows, and of columns, of R.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Row `i` from the diagonal on.
    #[inline(always)]
    pub fn row(&self, i: usize) -> &[f64] {
        &self.values[start(self.size, i)..][..self.size - i]
    }

    /// x with RᵀR·x = b.
    pub fn solve(&self, b: &[f64]) -> Vec<f64> {
        simd::run(Solve { root: self, x: b.to_vec(), first: 0 })
    }

    /// The inverse of RᵀR.
    pub fn inverse(&self) -> Matrix {
        let row = |i: usize| {
            let mut unit = vec![0.0; self.size];
            unit[i] = 1.0;
            simd::run(Solve { root: self, x: unit, first: i })
        };
        let rows: Vec<Vec<f64>> = (0..self.size).into_par_iter().map(row).collect();
        Matrix::from_upper(self.size, rows.concat())
    }
}

impl Matrix {
    /// The root of the rows and columns `picked`, in that order; these have to be positive
    /// definite, but for what rounding makes of them.
    pub fn root(&self, picked: &[usize]) -> Root {
        let row = |(i, &at): (usize, &usize)| picked[i..].iter().map(move |&other| self.at(at, other));
        Root::factor(picked.len(), picked.iter().enumerate().flat_map(row).collect())
    }
}

/// Where row `i` of a root begins.
#[inline(always)]
fn start(size: usize, i: usize) -> usize {
    i * size - i * i.saturating_sub(1) / 2
}

struct Factor<'a> {
    size: usize,
    values: &'a mut [f64],
}

impl Kernel for Factor<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let size = self.size;
        let least: Vec<f64> = (0..size).map(|i| self.values[start(size, i)] * LEAST_PIVOT).collect();
        for first in (0..size).step_by(PIVOTS) {
            let end = size.min(first + PIVOTS);
            let (done, mut rest) = self.values.split_at_mut(start(size, end));
            let pivots = &mut done[start(size, first)..];
            factor_among(pivots, size - first, &least[first..end]);
            // Where there is a rest, the pivots are complete.
            for i in end..size {
                let (row, below) = rest.split_at_mut(size - i);
                let above: [&[f64]; PIVOTS] =
                    std::array::from_fn(|k| &pivots[start(size - first, k)..][i - first - k..][..size - i]);
                subtract(above.map(|above| above[0]), above, row);
                rest = below;
            }
        }
    }
}

/// The first rows of a matrix of `size`, of which there are as many as least pivots.
#[inline(always)]
fn factor_among(rows: &mut [f64], size: usize, least: &[f64]) {
    for (k, &least) in least.iter().enumerate() {
        let (done, mut below) = rows.split_at_mut(start(size, k + 1));
        let row = &mut done[start(size, k)..];
        let root = row[0].max(least).max(f64::MIN_POSITIVE).sqrt();
        row[1..].iter_mut().for_each(|x| *x /= root);
        row[0] = root;
        for i in 1..size - k {
            let Some((other, rest)) = below.split_at_mut_checked(size - k - i) else { break };
            axpy(-row[i], &row[i..], other);
            below = rest;
        }
    }
}

struct Solve<'a> {
    root: &'a Root,
    x: Vec<f64>,
    /// Zero before this place.
    first: usize,
}

impl Kernel for Solve<'_> {
    type Output = Vec<f64>;

    #[inline(always)]
    fn run(self) -> Vec<f64> {
        let mut x = self.x;
        for k in self.first..x.len() {
            let row = self.root.row(k);
            x[k] /= row[0];
            let (head, tail) = x.split_at_mut(k + 1);
            axpy(-head[k], &row[1..], tail);
        }
        for k in (0..x.len()).rev() {
            let row = self.root.row(k);
            x[k] = (x[k] - dot(&row[1..], &x[k + 1..])) / row[0];
        }
        x
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::testing::positive;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn roots_solve_and_invert(size in 1usize..20, noise in proptest::collection::vec(-1f64..1.0, 400)) {
            let matrix = positive(&noise, size);
            let root = matrix.root(&(0..size).collect::<Vec<_>>());
            let x = &noise[..size];
            for (solved, x) in root.solve(&matrix.times(x)).iter().zip(x) {
                prop_assert!((solved - x).abs() < 1e-6);
            }
            for (solved, x) in root.inverse().times(&matrix.times(x)).iter().zip(x) {
                prop_assert!((solved - x).abs() < 1e-6);
            }
        }

        #[test]
        fn roots_of_parts_are_those_of_reordered_rows(
            picked in Just((0..12usize).collect::<Vec<_>>()).prop_shuffle(), kept in 1usize..12,
            noise in proptest::collection::vec(-1f64..1.0, 144),
        ) {
            let (matrix, picked) = (positive(&noise, 12), &picked[..kept]);
            let root = matrix.root(picked);
            for (i, &at) in picked.iter().enumerate() {
                for (j, &other) in picked.iter().enumerate().skip(i) {
                    let product: f64 = (0..=i).map(|k| root.row(k)[i - k] * root.row(k)[j - k]).sum();
                    prop_assert!((product - matrix.at(at, other)).abs() < 1e-9);
                }
            }
        }
    }

    #[test]
    fn a_singular_matrix_has_a_root() {
        let root = Matrix::from_upper(2, vec![1.0; 4]).root(&[0, 1]);
        assert!(root.solve(&[1.0, 1.0]).iter().all(|x| x.is_finite()));
        assert!(Matrix::zeros(1).root(&[0]).row(0)[0] > 0.0);
    }
}
