//! Random small graphs for property tests, and what a pass must keep of them.

use super::{
    Add, Affine, Conv, Dense, Gather, Graph, NodeId, Op, Pool, PoolDivisor, Real, RealFact, Shape, Window,
    verify,
};
use crate::reference::real::evaluate;
use proptest::prelude::*;

/// Numbers between −1 and 1 in a fixed pattern.
pub(crate) fn pattern(len: usize) -> Vec<f32> {
    (0..len).map(|i| ((i * 37 + 11) % 23) as f32 / 11.5 - 1.0).collect()
}

/// A convolution without groups and with a bias.
pub(crate) fn conv(inputs: usize, outputs: usize, window: Window) -> Op<Real> {
    grouped(inputs, outputs, 1, window)
}

fn grouped(inputs: usize, outputs: usize, groups: usize, window: Window) -> Op<Real> {
    let weights = pattern(outputs * inputs / groups * window.kernel[0] * window.kernel[1]);
    Op::Conv(Conv { window, groups, weights, bias: pattern(outputs) })
}

/// Channels at other places, and rows and columns: turned round, twice, or with zeros between them.
pub(crate) fn gather(from: Shape, step: &[usize]) -> Op<Real> {
    let line = |of: usize, kind: usize| -> Vec<Option<usize>> {
        match kind % 4 {
            0 => (0..of).map(Some).collect(),
            1 => (0..of).rev().map(Some).collect(),
            2 => (0..of).flat_map(|at| [Some(at), Some(at)]).take(7).collect(),
            _ => (0..of).flat_map(|at| [None, Some(at)]).take(7).collect(),
        }
    };
    let channels: Vec<Option<usize>> = match step[3] % 3 {
        0 => (0..from.channels).map(Some).collect(),
        1 => (0..from.channels).rev().chain([0]).map(Some).collect(),
        _ => (0..from.channels).step_by(2).map(Some).chain([None]).collect(),
    };
    let (rows, columns) = (line(from.height, step[4]), line(from.width, step[5]));
    let shape = Shape::new(channels.len(), rows.len(), columns.len());
    let at = |element: usize| {
        let channel = channels[element / shape.plane()]?;
        Some(from.index(
            channel,
            rows[element / shape.width % shape.height]?,
            columns[element % shape.width]?,
        ))
    };
    // Elements of several channels meet where the last ones come first.
    let turned =
        |element: usize| if step[6].is_multiple_of(4) { shape.elements() - 1 - element } else { element };
    let mixes =
        |element: usize| if step[7].is_multiple_of(4) { from.elements() - 1 - element } else { element };
    let positions = (0..shape.elements()).map(|element| at(turned(element)).map(mixes));
    Op::Gather(Gather::new(shape, positions.collect::<Vec<_>>()))
}

/// A dense layer with a bias.
pub(crate) fn dense(inputs: usize, outputs: usize) -> Op<Real> {
    Op::Dense(Dense { weights: pattern(inputs * outputs), bias: pattern(outputs) })
}

/// An affine map, some of whose scales are negative.
pub(crate) fn affine(channels: usize) -> Op<Real> {
    Op::Affine(Affine {
        scale: pattern(channels).iter().map(|x| 1.5 * x + 0.1).collect(),
        shift: pattern(channels),
    })
}

/// Small graphs with branches, odd shapes, padding, groups, strides and dilation; all are sound.
pub(crate) fn graphs() -> impl Strategy<Value = Graph<Real>> {
    let steps = prop::collection::vec(prop::collection::vec(0..13_usize, 12), 1..9);
    ((1..4_usize, 1..8_usize, 1..8_usize), steps).prop_map(|((channels, height, width), steps)| {
        let mut graph = Graph::new("image", RealFact { shape: Shape::new(channels, height, width) });
        let mut made = vec![graph.input()];
        for step in &steps {
            let choice = |i: usize| made[made.len() - 1 - step[i] % made.len().min(3)];
            let (first, second) = (choice(0), choice(1));
            let (op, inputs) = operation(&graph, step, first, second);
            let before = graph.output();
            match graph.append(format!("step {}", made.len()), op, &inputs) {
                Ok(id) => made.push(id),
                Err(_) => graph.set_output(before), // the step does not fit these shapes
            }
        }
        let last = graph.output();
        graph.append("logits", dense(graph.shape(last).elements(), 3), &[last]).expect("fits any shape");
        graph.remove_dead();
        assert_eq!(verify::verify(&graph), []);
        graph
    })
}

fn operation(graph: &Graph<Real>, step: &[usize], first: NodeId, second: NodeId) -> (Op<Real>, Vec<NodeId>) {
    let shape = graph.shape(first);
    let kernel = [1 + step[3] % 3, 1 + step[4] % 3];
    let window = Window {
        kernel,
        stride: [1 + step[5] % 2, 1 + step[6] % 2],
        dilation: [1 + step[7] / 9 % 2, 1 + step[8] / 9 % 2],
        pad_before: [step[9] % kernel[0], step[9] / 2 % kernel[1]],
        pad_after: [step[10] % kernel[0], step[10] / 2 % kernel[1]],
    };
    let divisor = if step[11].is_multiple_of(2) { PoolDivisor::Kernel } else { PoolDivisor::Inside };
    let op = match step[2] {
        0 | 1 => conv(shape.channels, 1 + step[11] % 4, window),
        2 => grouped(shape.channels, shape.channels * (1 + step[11] % 2), shape.channels, window),
        3 => affine(shape.channels),
        // One at most: integers of products of products are wide.
        4 if graph.ids().all(|id| !matches!(graph.op(id), Op::Mul)) => return (Op::Mul, vec![first, second]),
        4..=6 => Op::Relu,
        7 => Op::MaxPool(window),
        8 => Op::AveragePool(Pool { window, divisor }),
        9 => {
            return (Op::Add(Add { multipliers: vec![1.0, [1.0, -1.0][step[11] % 2]] }), vec![first, second]);
        }
        10 => return (Op::Concat, vec![first, second]),
        12 => gather(shape, step),
        _ => Op::Flatten,
    };
    (op, vec![first])
}

/// Both graphs are sound and give the same values, up to rounding of weights to f32.
pub(crate) fn assert_same_value(before: &Graph<Real>, after: &Graph<Real>) {
    assert_eq!(verify::verify(after), [], "\n{after}");
    let image: Vec<f64> =
        pattern(before.shape(before.input()).elements()).into_iter().map(f64::from).collect();
    let (expected, got) = (evaluate(before, &image), evaluate(after, &image));
    assert_eq!(expected.len(), got.len());
    let largest = expected.iter().fold(1.0_f64, |largest, x| largest.max(x.abs()));
    for (expected, got) in expected.iter().zip(&got) {
        assert!((expected - got).abs() <= 1e-4 * largest, "{got} is not {expected}\n{before}\n{after}");
    }
}
