//! Convolutions and dense layers in one form: rows of weights, one row per output channel.

use crate::graph::{Conv, Dense, Real, Scale, Shape};

/// A linear layer of the float graph.
pub(super) struct Layer<'a> {
    weights: &'a [f32],
    bias: &'a [f32],
    /// So many weights after each other read the same input channel.
    taps: usize,
    group_inputs: usize,
    group_outputs: usize,
}

/// A linear layer of the integer graph.
pub(super) struct IntegerLayer {
    pub weights: Vec<i32>,
    pub bias: Vec<i128>,
}

impl<'a> Layer<'a> {
    pub(super) fn conv(conv: &'a Conv<Real>, input: Shape) -> Self {
        Self {
            weights: &conv.weights,
            bias: &conv.bias,
            taps: conv.window.kernel[0] * conv.window.kernel[1],
            group_inputs: input.channels / conv.groups,
            group_outputs: conv.bias.len() / conv.groups,
        }
    }

    pub(super) fn dense(dense: &'a Dense<Real>, input: Shape) -> Self {
        Self {
            weights: &dense.weights,
            bias: &dense.bias,
            taps: input.plane(),
            group_inputs: input.channels,
            group_outputs: dense.bias.len(),
        }
    }

    pub(super) fn outputs(&self) -> usize {
        self.bias.len()
    }

    pub(super) fn bias(&self, output: usize) -> f64 {
        self.bias[output].into()
    }

    /// (input channel, weight · scale of that channel) for every weight of a row: the weights that
    /// give real outputs from integer inputs.
    pub(super) fn row(&self, output: usize, input: &Scale) -> impl Iterator<Item = (usize, f64)> {
        let length = self.group_inputs * self.taps;
        let first = output / self.group_outputs * self.group_inputs;
        self.weights[output * length..(output + 1) * length].iter().enumerate().map(move |(k, &weight)| {
            let channel = first + k / self.taps;
            (channel, f64::from(weight) * input.channel(channel))
        })
    }

    /// Weights and biases as the nearest multiples of the output scales, weights at most ±`largest`.
    pub(super) fn quantize(&self, input: &Scale, output: &[f64], largest: i32) -> IntegerLayer {
        let round = |x: f64| x.round().clamp(-f64::from(largest), f64::from(largest)) as i32;
        let row = |o: usize| self.row(o, input).map(move |(_, weight)| round(weight / output[o]));
        IntegerLayer {
            weights: (0..self.outputs()).flat_map(row).collect(),
            bias: (0..self.outputs()).map(|o| (self.bias(o) / output[o]).round() as i128).collect(),
        }
    }
}
