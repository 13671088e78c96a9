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
    simd::run(Product { a, b, c, step });
}

struct Product<'a, 'c, C> {
    a: View<'a>,
    b: View<'a>,
    c: &'c mut [C],
    step: usize,
}

impl<C: Sum> Kernel for Product<'_, '_, C> {
    type Output = ();

    #[inline(always)]
    fn run<const WIDTH: usize>(self) {
        match WIDTH {
            16 => self.in_tiles::<8, 32>(),
            8 => self.in_tiles::<6, 16>(),
            _ => self.in_tiles::<4, 8>(),
        }
    }
}

impl<C: Sum> Product<'_, '_, C> {
    /// In tiles of `M` rows and `N` columns of the result.
    #[inline(always)]
    fn in_tiles<const M: usize, const N: usize>(self) {
        let ([m, depth], n) = (self.a.size, self.b.size[1]);
        let mut strips = vec![[0.0; M]; m.div_ceil(M) * DEPTH.min(depth)];
        let mut panel = vec![[0.0; N]; DEPTH.min(depth)];
        for first in (0..depth).step_by(DEPTH) {
            let terms = first..depth.min(first + DEPTH);
            let (strips, panel) = (&mut strips[..m.div_ceil(M) * terms.len()], &mut panel[..terms.len()]);
            for (row, strip) in (0..m).step_by(M).zip(strips.chunks_exact_mut(terms.len())) {
                pack(self.a.transposed(), terms.clone(), row, strip);
            }
            for column in (0..n).step_by(N) {
                pack(self.b, terms.clone(), column, panel);
                for (row, strip) in (0..m).step_by(M).zip(strips.chunks_exact(terms.len())) {
                    let tile = sum(strip, panel);
                    let width = N.min(n - column);
                    for (i, sums) in tile.iter().enumerate().take(M.min(m - row)) {
                        let out = &mut self.c[(row + i) * self.step + column..][..width];
                        out.iter_mut().zip(sums).for_each(|(out, &sum)| out.add(sum));
                    }
                }
            }
        }
    }
}

/// The rows `terms` of `matrix`, `N` columns from `first` on; zero where there are none.
#[inline(always)]
fn pack<const N: usize>(matrix: View<'_>, terms: Range<usize>, first: usize, packed: &mut [[f32; N]]) {
    let width = N.min(matrix.size[1] - first);
    for (term, packed) in terms.zip(packed) {
        let start = term * matrix.step[0] + first * matrix.step[1];
        if width == N && matrix.step[1] == 1 {
            packed.copy_from_slice(&matrix.values[start..][..N]);
        } else {
            *packed = [0.0; N];
            (0..width).for_each(|i| packed[i] = matrix.values[start + i * matrix.step[1]]);
        }
    }
}

#[inline(always)]
fn sum<const M: usize, const N: usize>(strip: &[[f32; M]], panel: &[[f32; N]]) -> [[f32; N]; M] {
    let mut sums = [[0.0; N]; M];
    for (left, right) in strip.iter().zip(panel) {
        for i in 0..M {
            for j in 0..N {
                sums[i][j] += left[i] * right[j];
            }
        }
    }
    sums
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
    fn tiles_of_every_width_cover_every_size() {
        for (m, k, n) in [(1, 1, 1), (5, 3, 9), (4, 1030, 8), (7, 2, 17), (9, 5, 33)] {
            let numbers =
                |count: usize, by: usize| (0..count).map(|i| (i * by % 13) as f32).collect::<Vec<_>>();
            let (a, b) = (numbers(m * k, 5), numbers(k * n, 7));
            let (a, b) = (View::rows(&a, [m, k]), View::rows(&b, [k, n]));
            let mut results = vec![vec![0f32; m * n]; 4];
            let [widest, first, second, third] = &mut results[..] else { unreachable!() };
            multiply_add(a, b, widest, n);
            Product { a, b, c: first, step: n }.run::<16>();
            Product { a, b, c: second, step: n }.run::<8>();
            Product { a, b, c: third, step: n }.run::<4>();
            let exact =
                |i: usize| (0..k).map(|t| a.values[i / n * k + t] * b.values[t * n + i % n]).sum::<f32>();
            let exact: Vec<f32> = (0..m * n).map(exact).collect();
            assert!(results.iter().all(|result| *result == exact));
        }
    }

    #[test]
    #[should_panic(expected = "sizes of a product")]
    fn views_stay_inside_their_slices() {
        let view = View { values: &[1f32; 3], size: [2, 2], step: [2, 1] };
        multiply_add(view, view, &mut [0f32; 4], 2);
    }
}
