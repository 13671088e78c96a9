//! Symmetric matrices.

/// A symmetric matrix, all of it held, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    size: usize,
    values: Vec<f64>,
}

impl Matrix {
    /// The zero matrix with `size` rows and columns.
    pub fn zeros(size: usize) -> Self {
        Self { size, values: vec![0.0; size * size] }
    }

    /// From its elements, row-major; what lies below the diagonal is taken from above it.
    ///
    /// # Panics
    /// Unless there are size² of them.
    pub fn from_upper(size: usize, values: Vec<f64>) -> Self {
        assert_eq!(values.len(), size * size, "a square matrix");
        let mut matrix = Self { size, values };
        for i in 0..size {
            for j in 0..i {
                matrix.values[i * size + j] = matrix.values[j * size + i];
            }
        }
        matrix
    }

    /// Number of rows, and of columns.
    pub fn size(&self) -> usize {
        self.size
    }

    /// The `size` elements of row `i`.
    pub fn row(&self, i: usize) -> &[f64] {
        &self.values[i * self.size..][..self.size]
    }

    /// All entries, row after row, to be changed; what reads the matrix takes it for symmetric.
    pub fn values_mut(&mut self) -> &mut [f64] {
        &mut self.values
    }

    /// The element at row `i`, column `j`.
    pub fn at(&self, i: usize, j: usize) -> f64 {
        self.values[i * self.size + j]
    }

    /// The elements that have the same row and column.
    pub fn diagonal(&self) -> impl Iterator<Item = f64> {
        (0..self.size).map(|i| self.at(i, i))
    }

    /// Adds `x` to every element of the diagonal.
    pub fn add_to_diagonal(&mut self, x: f64) {
        self.add_to_each(std::iter::repeat_n(x, self.size));
    }

    /// Adds its own number to each element of the diagonal.
    pub fn add_to_each(&mut self, numbers: impl Iterator<Item = f64>) {
        numbers.enumerate().for_each(|(i, x)| self.values[i * self.size + i] += x);
    }

    /// The product of this matrix and the vector `x`.
    pub fn times(&self, x: &[f64]) -> Vec<f64> {
        (0..self.size).map(|i| super::dot(self.row(i), x)).collect()
    }
}
