//! Means and covariances of what a linear layer reads.

use super::activations::Pair;
use super::{Batch, Reading};
use crate::numeric::{Matrix, View, multiply_add};
use rayon::prelude::*;
use std::ops::Range;

/// Elements of patches that are held at one time.
const CHUNK: usize = 1 << 22;
/// About so many rows are enough: of images with many positions, only some are looked at.
const ENOUGH_ROWS: usize = 1 << 15;
/// Rows of a covariance that one task computes.
const TILE: usize = 64;

/// Of the columns that one group of a layer reads.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupMoments {
    /// Mean of each column, float graph.
    pub float_mean: Vec<f64>,
    /// Mean of each column, quantised copy.
    pub mean: Vec<f64>,
    /// Covariances, in blocks of columns.
    pub blocks: Vec<BlockMoments>,
}

/// Of some columns after each other.
#[derive(Clone, Debug, PartialEq)]
pub struct BlockMoments {
    /// Which columns of the group.
    pub columns: Range<usize>,
    /// Of the quantised copy's columns with each other.
    pub own: Matrix,
    /// Of the quantised copy's columns (rows) with the float graph's (columns).
    pub cross: Matrix,
}

/// The moments of each group of a layer that reads `input` as `reading` says; covariances between
/// columns of different blocks of at most `block` columns are left out, which bounds memory.
pub fn moments(input: &Pair, reading: &Reading, block: usize) -> Vec<GroupMoments> {
    (0..reading.groups()).map(|group| of_group(input, reading, group, block)).collect()
}

fn of_group(input: &Pair, reading: &Reading, group: usize, block: usize) -> GroupMoments {
    let columns = reading.columns(input.float.shape());
    let mut sums = Sums::new(columns, block);
    let images = input.float.len();
    let every = (images * reading.rows()).div_ceil(ENOUGH_ROWS).max(1);
    let per_chunk = (CHUNK * every / (reading.rows() * columns)).max(1);
    for first in (0..images).step_by(per_chunk) {
        let chunk = first..images.min(first + per_chunk);
        let rows = |batch| patches(batch, reading, group, chunk.clone(), every);
        sums.add(&rows(&input.float), &rows(&input.quantized), columns);
    }
    sums.finish()
}

/// One row in `every`, the same ones of every batch, of some images.
fn patches(batch: &Batch, reading: &Reading, group: usize, images: Range<usize>, every: usize) -> Vec<f64> {
    let columns = reading.columns(batch.shape());
    let of_image = |image: usize| {
        let patches = reading.patches(batch, image, group);
        let first = image * reading.rows();
        let picked =
            patches.chunks_exact(columns).enumerate().filter(|(row, _)| is_picked(first + row, every));
        picked.flat_map(|(_, row)| row.iter().map(|&x| f64::from(x))).collect::<Vec<f64>>()
    };
    images.into_par_iter().flat_map_iter(of_image).collect()
}

/// Whether `row` is one of the scattered rows that stand for all; in no step with the rows of images.
fn is_picked(row: usize, every: usize) -> bool {
    let scattered = (row as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    scattered.is_multiple_of(every as u64)
}

/// Sums over rows, from which [`GroupMoments`] follow.
struct Sums {
    group: GroupMoments,
    rows: usize,
}

impl Sums {
    fn new(columns: usize, block: usize) -> Self {
        let block_at = |first: usize| {
            let columns = first..columns.min(first + block);
            let size = columns.len();
            BlockMoments { columns, own: Matrix::zeros(size), cross: Matrix::zeros(size) }
        };
        let blocks = (0..columns).step_by(block).map(block_at).collect();
        let group = GroupMoments { float_mean: vec![0.0; columns], mean: vec![0.0; columns], blocks };
        Self { group, rows: 0 }
    }

    /// More rows of `columns` columns.
    fn add(&mut self, float: &[f64], ours: &[f64], columns: usize) {
        add_rows(&mut self.group.float_mean, float);
        add_rows(&mut self.group.mean, ours);
        let rows = ours.len() / columns;
        self.rows += rows;
        for block in &mut self.group.blocks {
            let all = block.columns.clone();
            let tile = |(index, out): (usize, &mut [f64]), other: &[f64]| {
                let first = all.start + index * TILE;
                let range = first..first + out.len() / all.len();
                let other = part(other, rows, columns, all.clone());
                multiply_add(part(ours, rows, columns, range).transposed(), other, out);
            };
            let length = TILE * all.len();
            block.own.values_mut().par_chunks_mut(length).enumerate().for_each(|at| tile(at, ours));
            block.cross.values_mut().par_chunks_mut(length).enumerate().for_each(|at| tile(at, float));
        }
    }

    fn finish(self) -> GroupMoments {
        let (mut group, count) = (self.group, self.rows.max(1) as f64);
        group.float_mean.iter_mut().chain(&mut group.mean).for_each(|x| *x /= count);
        for block in &mut group.blocks {
            let (mean, float) =
                (&group.mean[block.columns.clone()], &group.float_mean[block.columns.clone()]);
            center(&mut block.own, count, mean, mean);
            center(&mut block.cross, count, mean, float);
        }
        group
    }
}

fn add_rows(sum: &mut [f64], rows: &[f64]) {
    rows.chunks_exact(sum.len()).for_each(|row| sum.iter_mut().zip(row).for_each(|(sum, x)| *sum += x));
}

/// The columns `range` of `rows` rows.
fn part(values: &[f64], rows: usize, columns: usize, range: Range<usize>) -> View<'_, f64> {
    View { values: &values[range.start..], size: [rows, range.len()], step: [columns, 1] }
}

/// From sums of products to covariances.
fn center(sums: &mut Matrix, count: f64, left: &[f64], right: &[f64]) {
    for (i, &left) in left.iter().enumerate() {
        sums.row_mut(i).iter_mut().zip(right).for_each(|(sum, right)| *sum = *sum / count - left * right);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::testing::pattern;
    use crate::graph::{Shape, Window};
    use std::sync::Arc;

    #[test]
    fn moments_are_those_of_the_patches() {
        let shape = Shape::new(4, 5, 5);
        let window = Window { pad_before: [1, 1], stride: [2, 1], ..Window::dense([3, 2]) };
        let [height, width] = window.output([5, 5]).unwrap();
        let reading = Reading::Windows { window, groups: 2, output: Shape::new(2, height, width) };
        let batch = |shift: usize| {
            Arc::new(Batch::new(shape, pattern(3 * shape.elements() + shift)[shift..].to_vec()))
        };
        let input = Pair { float: batch(0), quantized: batch(5) };
        let columns = reading.columns(shape);
        for (index, group) in moments(&input, &reading, 7).iter().enumerate() {
            let ours = patches(&input.quantized, &reading, index, 0..3, 1);
            let float = patches(&input.float, &reading, index, 0..3, 1);
            let count = (ours.len() / columns) as f64;
            for block in &group.blocks {
                assert!(block.columns.len() <= 7);
                for (i, at) in block.columns.clone().enumerate() {
                    for (j, other) in block.columns.clone().enumerate() {
                        let mean = |left: &dyn Fn(&[f64]) -> f64| {
                            ours.chunks(columns)
                                .zip(float.chunks(columns))
                                .map(|(a, b)| left(&[a[at], a[other], b[other]]))
                                .sum::<f64>()
                                / count
                        };
                        let own = mean(&|x| x[0] * x[1]) - mean(&|x| x[0]) * mean(&|x| x[1]);
                        let cross = mean(&|x| x[0] * x[2]) - mean(&|x| x[0]) * mean(&|x| x[2]);
                        assert!((block.own.at(i, j) - own).abs() < 1e-9);
                        assert!((block.cross.at(i, j) - cross).abs() < 1e-9);
                    }
                }
            }
        }
    }
}
