//! What tests of several modules need.

use super::{Matrix, axpy};

/// A positive definite matrix from noise.
pub(crate) fn positive(noise: &[f64], size: usize) -> Matrix {
    let mut values = vec![0.0; size * size];
    for sample in noise.chunks_exact(size) {
        values.chunks_exact_mut(size).zip(sample).for_each(|(row, &x)| axpy(x, sample, row));
    }
    let mut matrix = Matrix::from_upper(size, values);
    matrix.add_to_diagonal(0.1);
    matrix
}
