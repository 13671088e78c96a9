//! Convolutions and dense layers in one form: rows of weights, one row per output channel.

use crate::graph::{Conv, Dense, Graph, Integer, NodeId, Op, Real, Scale, Shape, zero_rows};

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
#[derive(Clone, Debug, PartialEq)]
pub(super) struct IntegerLayer {
    pub weights: Vec<i32>,
    pub bias: Vec<i128>,
}

impl<'a> Layer<'a> {
    /// The node `id` of `graph`, where it is linear with weights.
    pub(super) fn from_node(graph: &'a Graph<Real>, id: NodeId) -> Option<Self> {
        let input = graph.inputs(id).first().map(|&input| graph.shape(input))?;
        Self::of_op(graph.op(id), input)
    }

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

    /// `op` without its weights on channels of its `input` that are always zero (`zero`): they have no effect, but
    /// would influence the scales of their rows.
    pub(super) fn without(op: &Op<Real>, input: Shape, zero: &[bool]) -> Op<Real> {
        let mut op = op.clone();
        let Some(layer) = Layer::of_op(&op, input) else { return op };
        let reads_zero = |row: usize| layer.channels(row).map(|channel| zero[channel]).collect::<Vec<bool>>();
        let dead: Vec<bool> = (0..layer.outputs()).flat_map(reads_zero).collect();
        if let Op::Conv(Conv { weights, .. }) | Op::Dense(Dense { weights, .. }) = &mut op {
            weights.iter_mut().zip(dead).filter(|(_, dead)| *dead).for_each(|(weight, _)| *weight = 0.0);
        }
        op
    }

    /// `op` as a layer that reads `input`, where it is linear with weights.
    pub(super) fn of_op(op: &'a Op<Real>, input: Shape) -> Option<Self> {
        match op {
            Op::Conv(conv) => Some(Self::conv(conv, input)),
            Op::Dense(dense) => Some(Self::dense(dense, input)),
            _ => None,
        }
    }

    pub(super) fn outputs(&self) -> usize {
        self.bias.len()
    }

    /// Number of weights in a row, that is, of the inputs that one output depends on.
    pub(super) fn columns(&self) -> usize {
        self.group_inputs * self.taps
    }

    pub(super) fn groups(&self) -> usize {
        self.outputs() / self.group_outputs
    }

    /// The group that `output` belongs to.
    pub(super) fn group(&self, output: usize) -> usize {
        output / self.group_outputs
    }

    /// Which of the outputs of its group `output` is.
    pub(super) fn place_in_group(&self, output: usize) -> usize {
        output % self.group_outputs
    }

    /// For each row the sum of its squared weights.
    pub(super) fn squares(&self) -> Vec<f64> {
        let square = |row: &[f32]| row.iter().map(|&weight| f64::from(weight).powi(2)).sum();
        self.weights.chunks_exact(self.columns()).map(square).collect()
    }

    /// The weights of the outputs of `group`, row after row.
    pub(super) fn group_weights(&self, group: usize) -> &'a [f32] {
        let length = self.group_outputs * self.columns();
        &self.weights[group * length..][..length]
    }

    /// The input channel that the weights of column `column` read in `group`.
    pub(super) fn channel(&self, group: usize, column: usize) -> usize {
        group * self.group_inputs + column / self.taps
    }

    /// The input channels that the weights of `output` read, weight by weight.
    pub(super) fn channels(&self, output: usize) -> impl Iterator<Item = usize> {
        let group = self.group(output);
        (0..self.columns()).map(move |column| self.channel(group, column))
    }

    pub(super) fn bias(&self, output: usize) -> f64 {
        self.bias[output].into()
    }

    /// All weights, row after row.
    pub(super) fn weights(&self) -> &'a [f32] {
        self.weights
    }

    /// The row of weights that gives `output`, in the order of the columns.
    pub(super) fn row(&self, output: usize) -> &'a [f32] {
        &self.weights[output * self.columns()..][..self.columns()]
    }

    /// (input channel, weight · scale of that channel) for every weight of a row: the weights that
    /// give real outputs from integer inputs.
    pub(super) fn scaled_row(&self, output: usize, input: &Scale) -> impl Iterator<Item = (usize, f64)> {
        let group = self.group(output);
        self.row(output).iter().enumerate().map(move |(column, &weight)| {
            let channel = self.channel(group, column);
            (channel, f64::from(weight) * input.channel(channel))
        })
    }

    /// The weights of `quantized` in real units, and its biases.
    fn real(&self, quantized: &IntegerLayer, input: &Scale, output: &[f64]) -> (Vec<f32>, Vec<f32>) {
        let columns = self.columns();
        let weight = |(i, &weight): (usize, &i32)| {
            let (row, column) = (i / columns, i % columns);
            (f64::from(weight) * output[row] / input.channel(self.channel(self.group(row), column))) as f32
        };
        let weights = quantized.weights.iter().enumerate().map(weight).collect();
        let bias =
            quantized.bias.iter().zip(output).map(|(&bias, scale)| (bias as f64 * scale) as f32).collect();
        (weights, bias)
    }

    /// What `quantized` computes, in real units, in place of the operation `op` that this layer is of.
    pub(super) fn real_op(
        &self,
        quantized: &IntegerLayer,
        input: &Scale,
        output: &[f64],
        op: &Op<Real>,
    ) -> Op<Real> {
        let (weights, bias) = self.real(quantized, input, output);
        match op {
            Op::Conv(conv) => Op::Conv(Conv { window: conv.window, groups: conv.groups, weights, bias }),
            _ => Op::Dense(Dense { weights, bias }),
        }
    }
}

impl IntegerLayer {
    /// Which rows give zero whatever they read.
    pub(super) fn zero_rows(&self) -> Vec<bool> {
        zero_rows(&self.weights, &self.bias)
    }

    /// As an operation of the integer graph, in place of `op` of the float graph.
    pub(super) fn op(self, op: &Op<Real>) -> Op<Integer> {
        let Self { weights, bias } = self;
        match op {
            Op::Conv(conv) => Op::Conv(Conv { window: conv.window, groups: conv.groups, weights, bias }),
            _ => Op::Dense(Dense { weights, bias }),
        }
    }
}
