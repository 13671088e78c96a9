//! Square matrices, their Cholesky roots, and what is computed from those.

/// Numbers that are summed side by side; fixed, so that sums do not depend on the machine.
const LANES: usize = 8;
/// A pivot is at least this share of the diagonal element that it comes from.
const LEAST_PIVOT: f64 = 1e-12;

/// A square matrix, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    size: usize,
    values: Vec<f64>,
}

impl Matrix {
    /// All zeros.
    pub fn zeros(size: usize) -> Self {
        Self { size, values: vec![0.0; size * size] }
    }

    /// From its elements, row-major.
    ///
    /// # Panics
    /// Unless there are size² of them.
    pub fn new(size: usize, values: Vec<f64>) -> Self {
        assert_eq!(values.len(), size * size, "a square matrix");
        Self { size, values }
    }

    /// Number of rows.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Row `i`.
    pub fn row(&self, i: usize) -> &[f64] {
        &self.values[i * self.size..][..self.size]
    }

    /// Row `i`, to be changed.
    pub fn row_mut(&mut self, i: usize) -> &mut [f64] {
        &mut self.values[i * self.size..][..self.size]
    }

    /// All elements, row-major.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// All elements, to be changed.
    pub fn values_mut(&mut self) -> &mut [f64] {
        &mut self.values
    }

    /// The element at row `i`, column `j`.
    pub fn at(&self, i: usize, j: usize) -> f64 {
        self.values[i * self.size + j]
    }

    /// Adds `x` to every element of the diagonal.
    pub fn add_to_diagonal(&mut self, x: f64) {
        (0..self.size).for_each(|i| self.values[i * self.size + i] += x);
    }

    /// The rows and columns `picked`, in that order.
    pub fn select(&self, picked: &[usize]) -> Self {
        let values = picked.iter().flat_map(|&i| picked.iter().map(move |&j| self.at(i, j))).collect();
        Self { size: picked.len(), values }
    }

    /// This matrix times `x`.
    pub fn times(&self, x: &[f64]) -> Vec<f64> {
        (0..self.size).map(|i| dot(self.row(i), x)).collect()
    }

    /// R, upper triangular, with this matrix = Rᵀ·R; only its upper triangle is read.
    /// Pivots that rounding has made too small are raised, so that there always is a root.
    pub fn root(mut self) -> Root {
        let size = self.size;
        for k in 0..size {
            let (done, rest) = self.values.split_at_mut((k + 1) * size);
            let pivot_row = &mut done[k * size..];
            let root = pivot_row[k].max(f64::MIN_POSITIVE).sqrt();
            pivot_row[k + 1..].iter_mut().for_each(|x| *x /= root);
            pivot_row[k] = root;
            for (below, row) in rest.chunks_exact_mut(size).enumerate() {
                let i = k + 1 + below;
                let least = row[i] * LEAST_PIVOT;
                axpy(-pivot_row[i], &pivot_row[i..], &mut row[i..]);
                row[i] = row[i].max(least);
            }
        }
        Root(self)
    }
}

/// The upper triangular Cholesky root R of a matrix RᵀR; what lies below the diagonal means nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Root(Matrix);

impl Root {
    /// Number of rows.
    pub fn size(&self) -> usize {
        self.0.size
    }

    /// Row `i` from the diagonal on.
    pub fn row(&self, i: usize) -> &[f64] {
        &self.0.row(i)[i..]
    }

    /// x with RᵀR·x = b.
    pub fn solve(&self, b: &[f64]) -> Vec<f64> {
        let mut x = b.to_vec();
        for k in 0..x.len() {
            let row = self.row(k);
            x[k] /= row[0];
            let (head, tail) = x.split_at_mut(k + 1);
            axpy(-head[k], &row[1..], tail);
        }
        for k in (0..x.len()).rev() {
            let row = self.row(k);
            x[k] = (x[k] - dot(&row[1..], &x[k + 1..])) / row[0];
        }
        x
    }

    /// The inverse of RᵀR.
    pub fn inverse(&self) -> Matrix {
        let size = self.size();
        let unit = |i: usize| (0..size).map(|j| f64::from(u8::from(i == j))).collect::<Vec<f64>>();
        Matrix { size, values: (0..size).flat_map(|i| self.solve(&unit(i))).collect() }
    }
}

/// y += a·x.
pub fn axpy(a: f64, x: &[f64], y: &mut [f64]) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y += a * x);
}

/// Σ x·y.
pub fn dot(x: &[f64], y: &[f64]) -> f64 {
    let (xs, ys) = (x.chunks_exact(LANES), y.chunks_exact(LANES));
    let rest: f64 = xs.remainder().iter().zip(ys.remainder()).map(|(x, y)| x * y).sum();
    let mut lanes = [0.0; LANES];
    for (x, y) in xs.zip(ys) {
        (0..LANES).for_each(|lane| lanes[lane] += x[lane] * y[lane]);
    }
    lanes.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A positive definite matrix from noise.
    fn positive(noise: &[f64], size: usize) -> Matrix {
        let mut matrix = Matrix::zeros(size);
        for sample in noise.chunks_exact(size) {
            (0..size).for_each(|i| axpy(sample[i], sample, matrix.row_mut(i)));
        }
        matrix.add_to_diagonal(0.1);
        matrix
    }

    proptest! {
        #[test]
        fn roots_solve_and_invert(size in 1usize..20, noise in proptest::collection::vec(-1f64..1.0, 400)) {
            let matrix = positive(&noise, size);
            let root = matrix.clone().root();
            let x = &noise[..size];
            for (solved, x) in root.solve(&matrix.times(x)).iter().zip(x) {
                prop_assert!((solved - x).abs() < 1e-6);
            }
            for (solved, x) in root.inverse().times(&matrix.times(x)).iter().zip(x) {
                prop_assert!((solved - x).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn a_singular_matrix_has_a_root() {
        let root = Matrix::new(2, vec![1.0; 4]).root();
        assert!(root.solve(&[1.0, 1.0]).iter().all(|x| x.is_finite()));
        assert!(Matrix::zeros(1).root().row(0)[0] > 0.0);
    }
}
