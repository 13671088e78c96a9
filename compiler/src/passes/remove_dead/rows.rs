//! Convolutions and dense layers as rows of weights, one row per output channel.

use crate::graph::{Conv, Dense, Domain, Element, Op, Shape};
use std::ops::Range;

/// Layout of the weights of a linear layer: one row per output channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RowLayout {
    /// Number of neighbouring weights that read the same input channel.
    pub taps: usize,
    /// Number of weights in a row.
    pub columns: usize,
    /// Number of neighbouring rows that read the same channels.
    pub group: usize,
}

impl RowLayout {
    /// The layout of the weights of `op`, which reads a value of shape `input`; `None` where it has no weights.
    pub(super) fn from_op<D: Domain>(op: &Op<D>, input: Shape) -> Option<Self> {
        match op {
            Op::Conv(conv) => {
                let taps = conv.window.kernel[0] * conv.window.kernel[1];
                let columns = input.channels / conv.groups * taps;
                Some(Self { taps, columns, group: conv.bias.len() / conv.groups })
            }
            Op::Dense(dense) => {
                Some(Self { taps: input.plane(), columns: input.elements(), group: dense.bias.len() })
            }
            _ => None,
        }
    }

    /// The input channels that `row` can read.
    pub(super) fn channels(self, row: usize) -> Range<usize> {
        let count = self.columns / self.taps;
        let first = row / self.group * count;
        first..first + count
    }

    /// The input channels that `row` of `weights` does read.
    pub(super) fn read<E: Element>(self, weights: &[E], row: usize) -> impl Iterator<Item = usize> {
        let taps = weights[row * self.columns..][..self.columns].chunks_exact(self.taps);
        let read = |taps: &[E]| taps.iter().any(|&weight| weight != E::default());
        self.channels(row).zip(taps).filter(move |(_, taps)| read(taps)).map(|(channel, _)| channel)
    }
}

/// The weights of a linear layer.
pub(super) fn weights<D: Domain>(op: &Op<D>) -> Option<&[D::Weight]> {
    match op {
        Op::Conv(Conv { weights, .. }) | Op::Dense(Dense { weights, .. }) => Some(weights),
        _ => None,
    }
}
