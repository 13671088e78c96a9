//! Matrix products in tiles that the compiler keeps in vector registers.

use super::simd::{self, Kernel};
use std::ops::Range;

/// A matrix within a slice: element (i, j) is `values[i·step[0] + j·step[1]]`.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The elements, perhaps among others.
    pub values: &'a [f32],
    /// Number of rows and columns.
    pub size: [usize; 2],
    /// Distance of neighbouring rows and columns.
    pub step: [usize; 2],
}

impl<'a> View<'a> {
    /// The matrix of `size` whose rows follow each other.
    pub fn rows(values: &'a [f32], size: [usize; 2]) -> Self {
        Self { values, size, step: [size[1], 1] }
    }

    /// Some of the columns.
    ///
    /// # Panics
    /// Where there are no such columns.
    pub fn columns(self, columns: Range<usize>) -> Self {
        assert!(columns.end <= self.size[1], "columns of a matrix");
        let values = &self.values[(columns.start * self.step[1]).min(self.values.len())..];
        Self { values, size: [self.size[0], columns.len()], ..self }
    }

    /// The transpose, over the same elements.
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

/// What products are added to; the products themselves are of 32 bits.
pub trait Sum: Copy {
    /// Adds `x`.
    fn add(&mut self, x: f32);
}

impl Sum for f32 {
    #[inline(always)]
    fn add(&mut self, x: f32) {
        *self += x;
    }
}

impl Sum for f64 {
    #[inline(always)]
    fn add(&mut self, x: f32) {
        *self += Self::from(x);
    }
}

/// Rows and columns of the result that are summed in registers.
const TILE: [usize; 2] = [4, 16];
/// Terms that are summed in 32 bits before they are added to the result.
const DEPTH: usize = 512;

/// `c` += a·b; the rows of `c` begin `step` apart. The order of every sum depends on the sizes alone.
///
/// # Panics
/// Where the sizes do not fit each other or the slices.
pub fn multiply_add<C: Sum>(a: View<'_>, b: View<'_>, c: &mut [C], step: usize) {
    let ([m, depth], [inner, n]) = (a.size, b.size);
    let room = m == 0 || (m - 1) * step + n <= c.len();
    assert!(depth == inner && n <= step && a.is_inside() && b.is_inside() && room, "sizes of a product");
    if n == 1 {
        return add_column(a, b, c, step);
    }
    let mut strips = vec![[0.0; TILE[0]]; m.div_ceil(TILE[0]) * DEPTH.min(depth)];
    let mut panel = vec![[0.0; TILE[1]]; DEPTH.min(depth)];
    for first in (0..depth).step_by(DEPTH) {
        let terms = first..depth.min(first + DEPTH);
        let (strips, panel) = (&mut strips[..m.div_ceil(TILE[0]) * terms.len()], &mut panel[..terms.len()]);
        for (row, strip) in (0..m).step_by(TILE[0]).zip(strips.chunks_exact_mut(terms.len())) {
            pack(a.transposed(), terms.clone(), row, strip);
        }
        for column in (0..n).step_by(TILE[1]) {
            pack(b, terms.clone(), column, panel);
            let width = TILE[1].min(n - column);
            for (row, strip) in (0..m).step_by(TILE[0]).zip(strips.chunks_exact(terms.len())) {
                let tile = simd::run(Tile { strip, panel });
                for (i, sums) in tile.iter().enumerate().take(m - row) {
                    let out = &mut c[(row + i) * step + column..][..width];
                    out.iter_mut().zip(sums).for_each(|(out, &sum)| out.add(sum));
                }
            }
        }
    }
}

/// [`multiply_add`] where `b` is one column, which is not worth packing; every sum has the same order.
fn add_column<C: Sum>(a: View<'_>, b: View<'_>, c: &mut [C], step: usize) {
    let [rows, depth] = a.size;
    for first in (0..depth).step_by(DEPTH) {
        let column = b.values[first * b.step[0]..].iter().step_by(b.step[0]).take(DEPTH.min(depth - first));
        for row in 0..rows {
            let left = a.values[row * a.step[0] + first * a.step[1]..].iter().step_by(a.step[1]);
            c[row * step].add(left.zip(column.clone()).fold(0.0, |sum, (x, y)| sum + x * y));
        }
    }
}

/// The rows `terms` of `matrix`, `N` columns from `first` on; zero where there are none.
fn pack<const N: usize>(matrix: View<'_>, terms: Range<usize>, first: usize, packed: &mut [[f32; N]]) {
    let (width, [row, column]) = (N.min(matrix.size[1] - first), matrix.step);
    if width < N {
        packed.fill([0.0; N]);
    }
    let values = &matrix.values[terms.start * row + first * column..];
    if column == 1 {
        for (term, packed) in packed.iter_mut().enumerate() {
            packed[..width].copy_from_slice(&values[term * row..][..width]);
        }
    } else {
        for i in 0..width {
            let values = values[i * column..].iter().step_by(row);
            packed.iter_mut().zip(values).for_each(|(packed, &x)| packed[i] = x);
        }
    }
}

/// The sums over all terms for some rows and columns of the result.
struct Tile<'a> {
    strip: &'a [[f32; TILE[0]]],
    panel: &'a [[f32; TILE[1]]],
}

impl Kernel for Tile<'_> {
    type Output = [[f32; TILE[1]]; TILE[0]];

    #[inline(always)]
    fn run(self) -> Self::Output {
        let mut sums = [[0.0; TILE[1]]; TILE[0]];
        for (left, right) in self.strip.iter().zip(self.panel) {
            for (sums, &left) in sums.iter_mut().zip(left) {
                sums.iter_mut().zip(right).for_each(|(sum, &right)| *sum += left * right);
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_add_to_what_is_there() {
        let a = [1.0, 2.0, 3.0, 4.0];
        let square = View::rows(&a, [2, 2]);
        let mut c = [1f64; 4];
        multiply_add(square, square.transposed(), &mut c, 2);
        assert_eq!(c, [6.0, 12.0, 12.0, 26.0]);
        let mut right = [0f32; 4];
        multiply_add(square, square.columns(1..2), &mut right[1..], 2);
        assert_eq!(right, [0.0, 10.0, 0.0, 22.0]);
    }

    #[test]
    fn tiles_cover_every_size() {
        for (m, k, n) in [(1, 1, 1), (5, 3, 9), (4, 1030, 8), (3, 1, 2), (7, 2, 17), (9, 5, 33)] {
            let numbers =
                |count: usize, by: usize| (0..count).map(|i| (i * by % 13) as f32).collect::<Vec<_>>();
            let (a, b) = (numbers(m * k, 5), numbers(k * n, 7));
            let (a, b) = (View::rows(&a, [m, k]), View::rows(&b, [k, n]));
            let columns: Vec<f32> = (0..m * k).map(|i| a.values[i % m * k + i / m]).collect();
            let mut c = vec![0f32; m * n];
            multiply_add(a, b, &mut c, n);
            let mut again = vec![0f64; m * n];
            multiply_add(View::rows(&columns, [k, m]).transposed(), b, &mut again, n);
            let exact =
                |i: usize| (0..k).map(|t| a.values[i / n * k + t] * b.values[t * n + i % n]).sum::<f32>();
            let exact: Vec<f32> = (0..m * n).map(exact).collect();
            assert!(c == exact && again.iter().zip(&exact).all(|(&again, &exact)| again == f64::from(exact)));
        }
    }

    #[test]
    #[should_panic(expected = "sizes of a product")]
    fn views_stay_inside_their_slices() {
        let view = View { values: &[1f32; 3], size: [2, 2], step: [2, 1] };
        multiply_add(view, view, &mut [0f32; 4], 2);
    }
}
