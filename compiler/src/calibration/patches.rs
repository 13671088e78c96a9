//! What each output of a linear layer sees of its input.

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

impl Reading {
    /// How `op` reads, where it is linear with weights.
    pub fn of(op: &Op<Real>, output: Shape) -> Option<Self> {
        match op {
            Op::Conv(conv) => Some(Self::Windows { window: conv.window, groups: conv.groups, output }),
            Op::Dense(_) => Some(Self::Whole),
            _ => None,
        }
    }

    /// Number of groups.
    pub fn groups(&self) -> usize {
        match self {
            Self::Windows { groups, .. } => *groups,
            Self::Whole => 1,
        }
    }

    /// Weights in one row.
    pub fn columns(&self, input: Shape) -> usize {
        match self {
            Self::Windows { window, groups, .. } => {
                input.channels / groups * window.kernel[0] * window.kernel[1]
            }
            Self::Whole => input.elements(),
        }
    }

    /// Rows of one image.
    pub fn rows(&self) -> usize {
        match self {
            Self::Windows { output, .. } => output.plane(),
            Self::Whole => 1,
        }
    }

    /// What `group` reads of image `index` for row `row`.
    pub fn read(&self, input: &Batch, index: usize, group: usize, row: usize, out: &mut [f32]) {
        let image = input.image(index);
        let Self::Windows { window, groups, output } = self else { return out.copy_from_slice(image) };
        let (shape, taps) = (input.shape(), window.kernel[0] * window.kernel[1]);
        let image = &image[group * (shape.channels / groups) * shape.plane()..];
        let at = [row / output.width, row % output.width];
        out.fill(0.0);
        for ([ky, kx], [y, x]) in window.taps([shape.height, shape.width], at) {
            let pixels = image[y * shape.width + x..].iter().step_by(shape.plane());
            let places = out[ky * window.kernel[1] + kx..].iter_mut().step_by(taps);
            places.zip(pixels).for_each(|(out, &pixel)| *out = pixel);
        }
    }

    /// What the layer gives to `group` in row `row` of image `index` of its output.
    pub fn given(&self, output: &Batch, index: usize, group: usize, row: usize, out: &mut [f32]) {
        let channels = &output.image(index)[group * out.len() * self.rows()..];
        out.iter_mut().zip(channels.iter().skip(row).step_by(self.rows())).for_each(|(out, &x)| *out = x);
    }

    /// All rows of `group` of image `index`, as columns: for each weight of a row what it meets at each
    /// position.
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
