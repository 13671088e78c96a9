//! What each output of a linear layer sees of its input, as rows of a matrix.

use super::Batch;
use crate::graph::{Op, Real, Shape, Window};

/// How a linear layer reads its input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reading {
    /// Windows over groups of channels.
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

    /// The rows of image `index` for `group`, each in the order of a row of weights; padding is zero.
    pub fn patches(&self, batch: &Batch, index: usize, group: usize) -> Vec<f32> {
        match self {
            Self::Windows { window, groups, output } => windows(
                batch.image(index),
                batch.shape(),
                window,
                batch.shape().channels / groups,
                group,
                *output,
            ),
            Self::Whole => batch.image(index).to_vec(),
        }
    }
}

fn windows(
    image: &[f32],
    shape: Shape,
    window: &Window,
    channels: usize,
    group: usize,
    output: Shape,
) -> Vec<f32> {
    let taps = window.kernel[0] * window.kernel[1];
    let mut patches = vec![0.0; output.plane() * channels * taps];
    let positions = (0..output.height).flat_map(|y| (0..output.width).map(move |x| [y, x]));
    for (patch, at) in patches.chunks_exact_mut(channels * taps).zip(positions) {
        for ([ky, kx], [y, x]) in window.taps([shape.height, shape.width], at) {
            for c in 0..channels {
                patch[c * taps + ky * window.kernel[1] + kx] = image[shape.index(group * channels + c, y, x)];
            }
        }
    }
    patches
}
