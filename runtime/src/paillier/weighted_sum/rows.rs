//! The matrix of a layer, as weighted sums want it: in bundles of rows over the same inputs.

use rug::Integer;

/// A sparse integer matrix with a bias per row, given bundle by bundle, straight from the description of
/// a layer: all channels of a convolution at one position, all rows of a dense layer.
pub trait Rows: Sync {
    /// The number of rows: of results.
    fn len(&self) -> usize;

    /// Whether there are no rows.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of bundles.
    fn bundles(&self) -> usize;

    /// The rows of a bundle. Every row is in one bundle.
    fn bundle(&self, bundle: usize) -> Bundle;

    /// Appends the indices of a bundle's inputs, its columns.
    fn inputs(&self, bundle: usize, out: &mut Vec<usize>);

    /// Appends the weights of the row at position `row` of a bundle, one for each column.
    fn weights(&self, bundle: usize, row: usize, out: &mut Vec<i64>);

    /// The first bundle that has the same weights, in the same order, and biases where this one has: it
    /// costs the same. By default the bundle itself.
    fn first_alike(&self, bundle: usize) -> usize {
        bundle
    }

    /// What is added to the row's weighted sum.
    fn bias(&self, row: usize) -> Integer;
}

/// Rows at equal distances from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// Number of the first row.
    pub first: usize,
    /// How far a row's number is from the one before.
    pub stride: usize,
    /// Number of rows.
    pub len: usize,
}

impl Bundle {
    /// The row at a position of the bundle.
    pub const fn row(&self, position: usize) -> usize {
        self.first + position * self.stride
    }
}
