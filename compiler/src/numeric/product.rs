//! Matrix products in tiles that the compiler keeps in vector registers.

use std::ops::Range;

/// A matrix within a slice: element (i, j) is `values[i·row_step + j·column_step]`.
#[derive(Clone, Copy, Debug)]
pub struct View<'a, T> {
    /// The elements, perhaps among others.
    pub values: &'a [T],
    /// Number of rows and columns.
    pub size: [usize; 2],
    /// Distance of neighbouring rows and columns.
    pub step: [usize; 2],
}

impl<'a, T> View<'a, T> {
    /// The matrix of `size` whose rows follow each other.
    pub fn rows(values: &'a [T], size: [usize; 2]) -> Self {
        Self { values, size, step: [size[1], 1] }
    }

    /// Rows as columns.
    pub fn transposed(self) -> Self {
        let ([rows, columns], [row, column]) = (self.size, self.step);
        Self { size: [columns, rows], step: [column, row], ..self }
    }

    fn is_inside(&self) -> bool {
        let last =
            self.size[0].saturating_sub(1) * self.step[0] + self.size[1].saturating_sub(1) * self.step[1];
        self.size.contains(&0) || last < self.values.len()
    }
}

/// Rows and columns of the result that are summed in registers.
const TILE: [usize; 2] = [4, 8];
/// Terms of a sum that are packed together.
const DEPTH: usize = 1024;

/// What products are made of.
pub trait Number: Copy + Default + std::ops::AddAssign + std::ops::Mul<Output = Self> {}

impl Number for f32 {}
impl Number for f64 {}

/// `c` += a·b, `c` row-major. The order of every sum depends on the sizes alone.
///
/// # Panics
/// Where the sizes do not fit each other or the slices.
pub fn multiply_add<T: Number>(a: View<'_, T>, b: View<'_, T>, c: &mut [T]) {
    let ([m, depth], [inner, n]) = (a.size, b.size);
    assert!(depth == inner && a.is_inside() && b.is_inside() && c.len() == m * n, "sizes of a product");
    for first in (0..depth).step_by(DEPTH) {
        let terms = first..depth.min(first + DEPTH);
        let rows: Vec<Vec<[T; TILE[0]]>> =
            (0..m).step_by(TILE[0]).map(|row| pack(a.transposed(), terms.clone(), row)).collect();
        for column in (0..n).step_by(TILE[1]) {
            let panel: Vec<[T; TILE[1]]> = pack(b, terms.clone(), column);
            for (row, strip) in (0..m).step_by(TILE[0]).zip(&rows) {
                add_tile(&sum(strip, &panel), c, n, [row, column]);
            }
        }
    }
}

/// The rows `terms` of `matrix`, `N` columns from `first` on; zero where there are none.
fn pack<T: Number, const N: usize>(matrix: View<'_, T>, terms: Range<usize>, first: usize) -> Vec<[T; N]> {
    let width = N.min(matrix.size[1] - first);
    let row = |term: usize| {
        let mut packed = [T::default(); N];
        let start = term * matrix.step[0] + first * matrix.step[1];
        (0..width).for_each(|i| packed[i] = matrix.values[start + i * matrix.step[1]]);
        packed
    };
    terms.map(row).collect()
}

fn sum<T: Number>(strip: &[[T; TILE[0]]], panel: &[[T; TILE[1]]]) -> [[T; TILE[1]]; TILE[0]] {
    let mut sums = [[T::default(); TILE[1]]; TILE[0]];
    for (left, right) in strip.iter().zip(panel) {
        for (sums, &left) in sums.iter_mut().zip(left) {
            (0..TILE[1]).for_each(|j| sums[j] += left * right[j]);
        }
    }
    sums
}

/// Adds what lies inside the result of `n` columns.
fn add_tile<T: Number>(tile: &[[T; TILE[1]]; TILE[0]], c: &mut [T], n: usize, [row, column]: [usize; 2]) {
    let width = TILE[1].min(n - column);
    for (sums, out) in tile.iter().zip(c.chunks_exact_mut(n).skip(row)) {
        out[column..column + width].iter_mut().zip(sums).for_each(|(out, &sum)| *out += sum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_add_to_what_is_there() {
        let a = [1.0, 2.0, 3.0, 4.0];
        let square = View::rows(&a, [2, 2]);
        let mut c = [1.0; 4];
        multiply_add(square, square.transposed(), &mut c);
        assert_eq!(c, [6.0, 12.0, 12.0, 26.0]);
    }

    #[test]
    fn tiles_cover_every_size() {
        for (m, k, n) in [(1, 1, 1), (5, 3, 9), (4, 1030, 8), (7, 2, 17)] {
            let numbers =
                |count: usize, by: usize| (0..count).map(|i| (i * by % 13) as f64).collect::<Vec<_>>();
            let (a, b, mut c) = (numbers(m * k, 5), numbers(k * n, 7), vec![0.0; m * n]);
            multiply_add(View::rows(&a, [m, k]), View::rows(&b, [k, n]), &mut c);
            for (i, &got) in c.iter().enumerate() {
                let (row, column) = (i / n, i % n);
                assert_eq!(got, (0..k).map(|t| a[row * k + t] * b[t * n + column]).sum::<f64>());
            }
        }
    }

    #[test]
    #[should_panic(expected = "sizes of a product")]
    fn views_stay_inside_their_slices() {
        let view = View { values: &[1f32; 3], size: [2, 2], step: [2, 1] };
        multiply_add(view, view, &mut [0.0; 4]);
    }
}
