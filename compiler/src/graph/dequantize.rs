//! The dequantised graph: a float graph whose values are the integers of an integer graph times their scales. It is
//! fast on many images, and exact up to the rounding of f32 and of multipliers, and to that of [`Op::Rescale`], which
//! it leaves out.

use super::{Add, Conv, Dense, Graph, Integer, Node, NodeId, Op, Real, RealFact, Scale, zero_channels};
use std::convert::Infallible;

/// The dequantised form of `graph`, node by node: each value is the integer times its scale.
pub fn dequantized(graph: &Graph<Integer>) -> Graph<Real> {
    let zeros = zero_channels(graph);
    let converted = graph.convert(|id, node, _: &[&Node<Real>]| {
        let fact = RealFact { shape: node.fact.shape };
        Ok::<_, Infallible>(Node { name: node.name.clone(), op: real(graph, id, &zeros), fact })
    });
    match converted {
        Ok(real) => real,
        Err(never) => match never {},
    }
}

fn real(graph: &Graph<Integer>, id: NodeId, zeros: &[Vec<bool>]) -> Op<Real> {
    let (inputs, output) = (graph.inputs(id), &graph.node(id).fact.scale);
    let scale = |input: usize| &graph.node(inputs[input]).fact.scale;
    match graph.op(id) {
        Op::Conv(conv) => {
            let rows = WeightLayout {
                taps: conv.window.kernel[0] * conv.window.kernel[1],
                inputs: graph.shape(inputs[0]).channels / conv.groups,
                outputs: conv.bias.len() / conv.groups,
            };
            let weights = rows.weights(&conv.weights, scale(0), output);
            Op::Conv(Conv {
                window: conv.window,
                groups: conv.groups,
                weights,
                bias: bias(&conv.bias, output),
            })
        }
        Op::Dense(dense) => {
            let input = graph.shape(inputs[0]);
            let rows =
                WeightLayout { taps: input.plane(), inputs: input.channels, outputs: dense.bias.len() };
            let weights = rows.weights(&dense.weights, scale(0), output);
            Op::Dense(Dense { weights, bias: bias(&dense.bias, output) })
        }
        Op::Add(add) => {
            let real = |(input, &by): (usize, &i64)| {
                let of_input = &zeros[inputs[input].index()];
                let channel = of_input.iter().position(|zero| !zero).unwrap_or(0);
                (by as f64 * output.channel(channel) / scale(input).channel(channel)) as f32
            };
            // Signs, up to the rounding of multipliers.
            Op::Add(Add { multipliers: add.multipliers.iter().enumerate().map(real).collect() })
        }
        Op::Input => Op::Input,
        Op::Affine(affine) => Op::Affine(affine.clone()),
        Op::Clip(clip) => Op::Clip(clip.clone()),
        Op::AveragePool(pool) => Op::AveragePool(pool.clone()),
        Op::MaxPool(window) => Op::MaxPool(*window),
        Op::Relu => Op::Relu,
        Op::Activation(curve) => Op::Activation(curve.clone()),
        Op::Sign => Op::Sign,
        Op::Mul => Op::Mul,
        Op::Concat => Op::Concat,
        Op::Flatten => Op::Flatten,
        Op::Gather(gather) => Op::Gather(gather.clone()),
        Op::Rescale(_) => Op::Add(Add { multipliers: vec![1.0] }),
    }
}

/// Layout of the weights of a linear layer: one row per output channel.
struct WeightLayout {
    /// Number of neighbouring weights that read the same input channel.
    taps: usize,
    /// Channels that a row reads.
    inputs: usize,
    /// Rows per group.
    outputs: usize,
}

impl WeightLayout {
    fn weights(&self, weights: &[i32], input: &Scale, output: &Scale) -> Vec<f32> {
        let columns = self.taps * self.inputs;
        let real = |(i, &weight): (usize, &i32)| {
            let (row, column) = (i / columns, i % columns);
            let channel = row / self.outputs * self.inputs + column / self.taps;
            (f64::from(weight) * output.channel(row) / input.channel(channel)) as f32
        };
        weights.iter().enumerate().map(real).collect()
    }
}

fn bias(bias: &[i128], output: &Scale) -> Vec<f32> {
    bias.iter().enumerate().map(|(row, &bias)| (bias as f64 * output.channel(row)) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activation::Fineness;
    use crate::graph::testing::graphs;
    use crate::options::{CompileOptions, InputOptions};
    use crate::pipeline::{simplify, to_integers};
    use crate::reference::{integer, real};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_dequantized_graph_gives_the_integers_times_their_scale(graph in graphs()) {
            let shape = graph.shape(graph.input());
            let input = InputOptions::default().spec(shape).unwrap();
            let graph = simplify(graph, Fineness::default()).unwrap();
            let integers = to_integers(&graph, &input, &CompileOptions::blinded()).unwrap();
            let image: Vec<i64> = (0..shape.elements()).map(|i| (i as i64 * 37) % 256).collect();
            let scaled: Vec<f64> = image.iter().map(|&x| x as f64 * input.step[0]).collect();
            let logits = dequantized(&integers);
            let scale = integers.node(integers.output()).fact.scale.channel(0);
            let expected = integer::run(&integers, &image);
            let largest = expected.iter().fold(1f64, |largest, &x| largest.max((x as f64 * scale).abs()));
            for (got, &x) in real::evaluate(&logits, &scaled).iter().zip(&expected) {
                // Multipliers that are not exact differ a little from channel to channel.
                prop_assert!((got - x as f64 * scale).abs() <= 5e-3 * largest);
            }
        }
    }
}
