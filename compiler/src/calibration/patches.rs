//! The inputs that each output of a linear layer depends on (for convolutions: im2col).

use super::{Batch, taps};
use crate::graph::{Op, Real, Shape, Window};
use std::borrow::Cow;

/// How a linear layer reads its input: for each position of its output one row, in the order of a row
/// of weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reading {
    /// Windows over groups of channels; padding is zero.
    Windows {
        /// The kernel.
        window: Window,
        /// Groups of input channels.
        groups: usize,
        /// Shape of the output.
        output: Shape,
    },
    /// All elements at once.
    Whole,
}

/// A position of the output of a layer in one of many images.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place {
    /// Index of the image in the batch.
    pub image: usize,
    /// Row and column; both 0 where there is one position only.
    pub position: [usize; 2],
}

impl Reading {
    /// How `op` reads, where it is linear with weights.
    pub fn from_op(op: &Op<Real>, output: Shape) -> Option<Self> {
        match op {
            Op::Conv(conv) => Some(Self::Windows { window: conv.window, groups: conv.groups, output }),
            Op::Dense(_) => Some(Self::Whole),
            _ => None,
        }
    }

    /// Number of groups of a grouped convolution; 1 for a dense layer.
    pub fn groups(&self) -> usize {
        match self {
            Self::Windows { groups, .. } => *groups,
            Self::Whole => 1,
        }
    }

    /// Number of weights in a row, that is, of the inputs that one output depends on, for an input of this shape.
    pub fn columns(&self, input: Shape) -> usize {
        match self {
            Self::Windows { window, groups, .. } => {
                input.channels / groups * window.kernel[0] * window.kernel[1]
            }
            Self::Whole => input.elements(),
        }
    }

    /// Row `row` of those of many images.
    pub(super) fn place(&self, row: usize) -> Place {
        let (image, row) = (row / self.rows(), row % self.rows());
        Place { image, position: [row / self.width(), row % self.width()] }
    }

    /// Rows of one image that lie beside each other.
    fn width(&self) -> usize {
        match self {
            Self::Windows { output, .. } => output.width,
            Self::Whole => 1,
        }
    }

    /// Number of rows that one image gives: the positions of the output, or 1 for a dense layer.
    pub fn rows(&self) -> usize {
        match self {
            Self::Windows { output, .. } => output.plane(),
            Self::Whole => 1,
        }
    }

    /// The inputs that `group` reads of `input` at each of some places, one row of `out` after the other.
    pub(super) fn read(&self, input: &Batch, group: usize, places: &[Place], out: &mut [f32]) {
        let Self::Windows { window, groups, .. } = self else {
            let rows = out.chunks_exact_mut(input.shape().elements()).zip(places);
            return rows.for_each(|(row, place)| row.copy_from_slice(input.image(place.image)));
        };
        let (shape, taps) = (input.shape(), window.kernel[0] * window.kernel[1]);
        let columns = self.columns(shape);
        let (channels, elements) = (shape.channels / groups, shape.elements());
        let all = &input.values()[group * channels * shape.plane()..];
        for (tap, at) in taps::all(window).enumerate() {
            let pixel = |place: &Place| {
                Some(place.image * elements + taps::pixel(window, at, shape, place.position)?)
            };
            let pixels: Vec<Option<usize>> = places.iter().map(pixel).collect();
            for channel in 0..channels {
                let column = channel * taps + tap;
                let places = out[column..].iter_mut().step_by(columns).zip(&pixels);
                let from = channel * shape.plane();
                places.for_each(|(out, pixel)| *out = pixel.map_or(0.0, |pixel| all[from + pixel]));
            }
        }
    }

    /// The outputs that `group` has in `output` at each of some places, one row of `out` after the other.
    pub(super) fn given(&self, output: &Batch, group: usize, places: &[Place], out: &mut [f32]) {
        let (rows, columns, elements) =
            (self.rows(), out.len() / places.len().max(1), output.shape().elements());
        let pixel = |&Place { image, position: [y, x] }: &Place| image * elements + y * self.width() + x;
        let pixels: Vec<usize> = places.iter().map(pixel).collect();
        for column in 0..columns {
            let all = &output.values()[(group * columns + column) * rows..];
            out[column..]
                .iter_mut()
                .step_by(columns)
                .zip(&pixels)
                .for_each(|(out, &pixel)| *out = all[pixel]);
        }
    }

    /// The rows of `group` for image `index`, transposed: for each weight of a row the inputs that it multiplies,
    /// position by position.
    pub fn unfold<'a>(&self, input: &'a Batch, index: usize, group: usize) -> Cow<'a, [f32]> {
        let image = input.image(index);
        let Self::Windows { window, groups, output } = self else { return image.into() };
        let (shape, channels) = (input.shape(), input.shape().channels / groups);
        if *window == Window::dense([1, 1]) {
            return image[group * channels * shape.plane()..][..channels * shape.plane()].into();
        }
        let taps = window.kernel[0] * window.kernel[1];
        let mut unfolded = vec![0.0; channels * taps * output.plane()];
        for (column, out) in unfolded.chunks_exact_mut(output.plane()).enumerate() {
            let (channel, tap) = (group * channels + column / taps, column % taps);
            let plane = &image[channel * shape.plane()..][..shape.plane()];
            let tap = [tap / window.kernel[1], tap % window.kernel[1]];
            for run in taps::runs(window, tap, shape, *output) {
                run.zip(out, plane).for_each(|(out, &x)| *out = x);
            }
        }
        unfolded.into()
    }
}
