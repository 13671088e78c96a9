//! One value of a graph for many images.

use crate::graph::Shape;
use rayon::prelude::*;

/// A tensor of `shape` for each of some images, one image after the other, each row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    shape: Shape,
    values: Vec<f32>,
}

impl Batch {
    /// # Panics
    /// Unless `values` is a whole number of images.
    pub fn new(shape: Shape, values: Vec<f32>) -> Self {
        assert!(shape.elements() > 0 && values.len().is_multiple_of(shape.elements()), "whole images");
        Self { shape, values }
    }

    /// `count` images of `shape`, each filled from zeros, on all cores.
    pub(super) fn by_image(shape: Shape, count: usize, fill: impl Fn(usize, &mut [f32]) + Sync) -> Self {
        let mut values = vec![0.0; count * shape.elements()];
        values.par_chunks_exact_mut(shape.elements()).enumerate().for_each(|(image, out)| fill(image, out));
        Self::new(shape, values)
    }

    /// Standard deviation of all elements.
    pub fn deviation(&self) -> f64 {
        let count = self.values.len() as f64;
        let mean = self.values.iter().map(|&x| f64::from(x)).sum::<f64>() / count;
        (self.values.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / count).sqrt()
    }

    /// Shape of one image's tensor.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Number of images in the batch.
    pub fn len(&self) -> usize {
        self.values.len() / self.shape.elements()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The first `count` images, or all where there are fewer.
    pub fn first(&self, count: usize) -> Self {
        let values = &self.values[..self.len().min(count) * self.shape.elements()];
        Self { shape: self.shape, values: values.to_vec() }
    }

    /// All images, `count` at a time.
    pub fn chunks(&self, count: usize) -> impl Iterator<Item = Self> {
        let chunks = self.values.chunks(count * self.shape.elements());
        chunks.map(|values| Self { shape: self.shape, values: values.to_vec() })
    }

    /// Rounds every element to a whole number of its channel's `steps`.
    pub(super) fn round(&mut self, steps: &[f64]) {
        self.each_plane(|channel, plane| {
            let step = steps[channel];
            plane.iter_mut().for_each(|x| *x = ((f64::from(*x) / step).round() * step) as f32);
        });
    }

    /// Changes every channel of every image, on all cores.
    pub(super) fn each_plane(&mut self, change: impl Fn(usize, &mut [f32]) + Sync) {
        let (plane, channels) = (self.shape.plane(), self.shape.channels);
        let planes = self.values.par_chunks_exact_mut(plane).enumerate();
        planes.for_each(|(index, plane)| change(index % channels, plane));
    }

    /// The sum with a batch of the same shape and length.
    pub(super) fn plus(mut self, other: &Self) -> Self {
        self.values.par_iter_mut().zip(&other.values).for_each(|(x, y)| *x += y);
        self
    }

    /// The elements of image `index`.
    pub fn image(&self, index: usize) -> &[f32] {
        &self.values[index * self.shape.elements()..][..self.shape.elements()]
    }

    /// The elements of all images.
    pub fn values(&self) -> &[f32] {
        &self.values
    }
}
