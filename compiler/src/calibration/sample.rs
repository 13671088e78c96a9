//! Samples of what a linear layer reads and gives, as rows; their means and covariances.

use super::patches::Place;
use super::{Batch, Reading};
use crate::graph::Shape;
use crate::numeric::{Matrix, View, multiply_add};
use rayon::prelude::*;
use std::ops::Range;

/// So many rows are enough: of images with many positions, only some are looked at.
const ENOUGH_ROWS: usize = 1 << 15;
/// Elements of the samples of a layer; bounds memory.
const ENOUGH_ELEMENTS: usize = 1 << 25;
/// Rows of a sample that one task takes.
const CHUNK: usize = 512;
/// Rows of a covariance that one task computes.
const TILE: usize = 96;

/// Which rows of a layer's input and output are looked at.
#[derive(Clone, Debug)]
pub struct Sampling {
    reading: Reading,
    places: Vec<Place>,
}

impl Sampling {
    /// Chooses rows of `images` images of shape `input`.
    pub fn new(reading: Reading, input: Shape, images: usize) -> Self {
        let row = (reading.columns(input) * reading.groups()).max(1);
        let enough = ENOUGH_ROWS.min(ENOUGH_ELEMENTS / row).max(1);
        let all = images * reading.rows();
        let every = all.div_ceil(enough).max(1) as u64;
        let chosen = (0..all).filter(|&row| scattered(row).is_multiple_of(every));
        let places = chosen.map(|row| reading.place(row)).collect();
        Self { reading, places }
    }

    /// The sampled rows of `input` that `group` of the layer reads.
    pub fn inputs(&self, input: &Batch, group: usize) -> Sample {
        let columns = self.reading.columns(input.shape());
        self.sample(columns, |places, out| self.reading.read(input, group, places, out))
    }

    /// The sampled rows that `group` of the layer gives, from all its `output`.
    pub fn outputs(&self, output: &Batch, group: usize) -> Sample {
        let columns = output.shape().elements() / self.reading.rows() / self.reading.groups();
        self.sample(columns, |places, out| self.reading.given(output, group, places, out))
    }

    /// The sampled rows of `input` that each group of the layer reads.
    pub fn all_inputs(&self, input: &Batch) -> Vec<Sample> {
        self.groups().map(|group| self.inputs(input, group)).collect()
    }

    /// The sampled rows that each group of the layer gives, from all its `output`.
    pub fn all_outputs(&self, output: &Batch) -> Vec<Sample> {
        self.groups().map(|group| self.outputs(output, group)).collect()
    }

    fn groups(&self) -> rayon::range::Iter<usize> {
        (0..self.reading.groups()).into_par_iter()
    }

    fn sample(&self, columns: usize, read: impl Fn(&[Place], &mut [f32]) + Sync) -> Sample {
        let mut values = vec![0.0; self.places.len() * columns];
        let rows = values.par_chunks_mut(CHUNK * columns).zip(self.places.par_chunks(CHUNK));
        rows.for_each(|(out, places)| read(places, out));
        Sample::centred(columns, values)
    }
}

/// A hash of a row's index, so that the rows chosen by it are not periodic in the image.
fn scattered(row: usize) -> u64 {
    (row as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32
}

/// Rows of numbers, the means of their columns taken away.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    columns: usize,
    mean: Vec<f64>,
    values: Vec<f32>,
}

impl Sample {
    fn centred(columns: usize, mut values: Vec<f32>) -> Self {
        let rows = values.len() / columns;
        let sums = values.par_chunks(CHUNK * columns).map(|rows| sum_of_rows(rows, columns));
        let sums: Vec<Vec<f64>> = sums.collect();
        let mut mean = vec![0.0; columns];
        for sums in sums {
            mean.iter_mut().zip(sums).for_each(|(mean, sum)| *mean += sum / rows as f64);
        }
        let centre: Vec<f32> = mean.iter().map(|&mean| mean as f32).collect();
        values.par_chunks_exact_mut(columns).with_min_len(CHUNK).for_each(|row| {
            row.iter_mut().zip(&centre).for_each(|(x, mean)| *x -= mean);
        });
        Self { columns, mean, values }
    }

    /// Length of a row.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Mean of each column before it was taken away.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// Variance of each column.
    pub fn variance(&self) -> Vec<f64> {
        let mut variance = vec![0.0; self.columns];
        for row in self.values.chunks_exact(self.columns) {
            variance
                .iter_mut()
                .zip(row)
                .for_each(|(sum, &x)| *sum += f64::from(x).powi(2) / self.rows() as f64);
        }
        variance
    }

    /// The covariance matrix of these columns.
    pub fn covariance(&self, columns: Range<usize>) -> Matrix {
        let (size, part) = (columns.len(), self.view().columns(columns));
        let mut values = vec![0.0; size * size];
        values.par_chunks_mut(TILE * size).enumerate().for_each(|(index, out)| {
            let first = index * TILE;
            let rows = part.columns(first..first + out.len() / size).transposed();
            multiply_add(rows, part.columns(first..size), &mut out[first..], size);
        });
        values.iter_mut().for_each(|x| *x /= self.rows() as f64);
        Matrix::from_upper(size, values)
    }

    /// Covariances of some columns with all of `other`; for each of these columns one row.
    pub fn covariance_with(&self, columns: Range<usize>, other: &Self) -> Vec<f64> {
        let part = self.view().columns(columns);
        let mut values = vec![0.0; part.size[1] * other.columns];
        values.par_chunks_mut(TILE * other.columns).enumerate().for_each(|(index, out)| {
            let first = index * TILE;
            let rows = part.columns(first..first + out.len() / other.columns).transposed();
            multiply_add(rows, other.view(), out, other.columns);
        });
        values.iter_mut().for_each(|x| *x /= self.rows() as f64);
        values
    }

    /// These rows minus the products of `weights` with the rows of `input`.
    pub fn without(&self, input: &Self, weights: &[f32]) -> Self {
        let mut values: Vec<f32> = self.values.iter().map(|x| -x).collect();
        let kernels = View::rows(weights, [self.columns, input.columns]).transposed();
        let rows = input.values.par_chunks(CHUNK * input.columns);
        values.par_chunks_mut(CHUNK * self.columns).zip(rows).for_each(|(out, rows)| {
            let rows = View::rows(rows, [rows.len() / input.columns, input.columns]);
            multiply_add(rows, kernels, out, self.columns);
            out.iter_mut().for_each(|x| *x = -*x);
        });
        Self { columns: self.columns, mean: self.mean.clone(), values }
    }

    fn rows(&self) -> usize {
        self.values.len() / self.columns
    }

    fn view(&self) -> View<'_> {
        View::rows(&self.values, [self.rows(), self.columns])
    }
}

fn sum_of_rows(rows: &[f32], columns: usize) -> Vec<f64> {
    let mut sums = vec![0.0; columns];
    for row in rows.chunks_exact(columns) {
        sums.iter_mut().zip(row).for_each(|(sum, &x)| *sum += f64::from(x));
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibration::apply;
    use crate::graph::testing::pattern;
    use crate::graph::{Conv, Op, Window};

    fn batch(shape: Shape, shift: usize) -> Batch {
        Batch::new(shape, pattern(3 * shape.elements() + shift)[shift..].to_vec())
    }

    fn mean(numbers: impl Iterator<Item = f64>) -> f64 {
        let numbers: Vec<f64> = numbers.collect();
        numbers.iter().sum::<f64>() / numbers.len() as f64
    }

    #[test]
    fn covariances_are_those_of_the_rows() {
        let shape = Shape::new(4, 5, 5);
        let window = Window { pad_before: [1, 1], stride: [2, 1], ..Window::dense([3, 2]) };
        let [height, width] = window.output([5, 5]).unwrap();
        let output = Shape::new(6, height, width);
        let (weights, bias) = (pattern(6 * 2 * 6), pattern(6));
        let op = Op::Conv(Conv { window, groups: 2, weights: weights.clone(), bias });
        let reading = Reading::from_op(&op, output).unwrap();
        let sampling = Sampling::new(reading, shape, 3);
        let (input, given) = (batch(shape, 5), apply(&op, &[&batch(shape, 0)], output));
        for group in 0..2 {
            let (read, given) = (sampling.inputs(&input, group), sampling.outputs(&given, group));
            assert_eq!((read.columns(), given.columns(), read.rows()), (12, 3, 3 * height * width));
            let own = read.covariance(5..12);
            let cross = read.covariance_with(5..12, &given);
            let value = |sample: &Sample, row: usize, column: usize| -> f64 {
                sample.values[row * sample.columns + column].into()
            };
            for i in 0..7 {
                assert!(mean((0..read.rows()).map(|row| value(&read, row, i))).abs() < 1e-6);
                for j in 0..7 {
                    let exact =
                        (0..read.rows()).map(|row| value(&read, row, 5 + i) * value(&read, row, 5 + j));
                    assert!((own.at(i, j) - mean(exact)).abs() < 1e-6);
                }
                for j in 0..3 {
                    let exact = (0..read.rows()).map(|row| value(&read, row, 5 + i) * value(&given, row, j));
                    assert!((cross[i * 3 + j] - mean(exact)).abs() < 1e-6);
                }
            }
        }
    }

    #[test]
    fn nothing_is_left_of_what_the_weights_explain() {
        let shape = Shape::new(3, 6, 7);
        let (window, output) = (Window { pad_before: [0, 1], ..Window::dense([2, 3]) }, Shape::new(4, 5, 6));
        let weights = pattern(4 * 18);
        let op = Op::Conv(Conv { window, groups: 1, weights: weights.clone(), bias: pattern(4) });
        let sampling = Sampling::new(Reading::from_op(&op, output).unwrap(), shape, 3);
        let input = batch(shape, 0);
        let given = sampling.outputs(&apply(&op, &[&input], output), 0);
        let left = given.without(&sampling.inputs(&input, 0), &weights);
        assert!(given.variance().iter().all(|&variance| variance > 0.1));
        assert!(left.variance().iter().all(|&variance| variance < 1e-9));
    }

    #[test]
    fn large_inputs_are_sampled_evenly() {
        let shape = Shape::new(1, 100, 100);
        let op =
            Op::Conv(Conv { window: Window::dense([1, 1]), groups: 1, weights: vec![1.0], bias: vec![0.0] });
        let sampling = Sampling::new(Reading::from_op(&op, shape).unwrap(), shape, 32);
        assert!((28_000..36_000).contains(&sampling.places.len()), "{}", sampling.places.len());
        for image in 0..32 {
            let of_image = sampling.places.iter().filter(|place| place.image == image).count();
            assert!((900..1100).contains(&of_image), "{of_image}");
        }
    }
}
