//! # What it does
//! Removes affine maps (batch normalisation, biases, input normalisation):
//! 1. after a convolution, a dense layer or another affine map that nothing else reads, into its
//!    weights and bias, also through average poolings, which keep it as long as no window mixes zeros
//!    from the padding with shifted pixels, and before gathers that it can precede;
//! 2. else, where only dense layers and convolutions read it, forward into theirs. Padding is zero
//!    before the map and must stay so, hence a padded convolution only takes maps without a shift;
//! 3. what remains becomes a depthwise 1×1 convolution.
//!
//! # Requires
//! [`super::canonicalize`], which lets dense layers read past a flatten.
//!
//! # Guarantees
//! No [`Op::Affine`] is left. Every output value stays the same up to rounding of the weights to f32.
//!
//! # Example
//! Of conv, affine, relu, affine, dense, affine there remain (snapshot test `example`):
//! ```text
//! n1 = conv n0 3x3 weights 2x1x3x3 (18 of 18, #1909c219) bias 2 (2 of 2, #91bc6661) : 2x3x3
//! n3 = relu n1 : 2x3x3
//! n5 = dense n3 weights 3x18 (54 of 54, #1324c6b4) bias 3 (3 of 3, #3ffd908a) : 3
//! ```

use crate::error::{Diagnostic, Error, Result};
use crate::graph::{Affine, Conv, Dense, Graph, NodeId, Op, PoolDivisor, Real, Window};

/// Runs the pass.
///
/// # Errors
/// [`Error::Unsupported`] where a product of a weight and a scale is too large for f32.
pub fn fold_affine(mut graph: Graph<Real>) -> Result<Graph<Real>> {
    let mut overflows = Vec::new();
    for id in graph.ids_in_order() {
        if let Op::Affine(affine) = graph.op(id) {
            let affine = affine.clone();
            let changed = fold(&mut graph, id, &affine);
            overflows.extend(changed.into_iter().filter(|&changed| !is_finite(graph.op(changed))));
        }
    }
    if overflows.is_empty() {
        return Ok(graph);
    }
    Err(Error::Unsupported(overflows.into_iter().map(|id| overflow(&graph, id)).collect()))
}

/// Folds one map; the nodes whose weights have changed.
fn fold(graph: &mut Graph<Real>, id: NodeId, affine: &Affine) -> Vec<NodeId> {
    if let Some((gather, before)) = before_gather(graph, id, affine) {
        let shape = graph.shape(graph.sole_input(gather));
        let moved = std::mem::replace(&mut graph.node_mut(gather).op, Op::Affine(before.clone()));
        graph.node_mut(gather).fact.shape = shape;
        graph.node_mut(id).op = moved;
        return fold(graph, gather, &before);
    }
    let shift = affine.shift.iter().any(|&shift| shift != 0.0);
    if let Some(producer) = producer(graph, id, shift)
        && follow(&mut graph.node_mut(producer).op, affine)
    {
        graph.bypass(id);
        return vec![producer];
    }
    let consumers: Vec<NodeId> = graph.consumers(id).into_iter().map(|(consumer, _)| consumer).collect();
    let takes = |&consumer: &NodeId| match graph.op(consumer) {
        Op::Dense(_) => true,
        Op::Conv(conv) => !shift || !is_padded(&conv.window),
        _ => false,
    };
    if !consumers.is_empty() && id != graph.output() && consumers.iter().all(takes) {
        let plane = graph.shape(id).plane();
        for &consumer in &consumers {
            precede(&mut graph.node_mut(consumer).op, affine, plane);
        }
        graph.bypass(id);
        return consumers;
    }
    graph.node_mut(id).op = Op::Conv(depthwise(affine));
    vec![id]
}

/// The gather that `id` alone reads, and the map of its input that does there what `affine` does after it: where that is one
/// for each channel, and keeps zeros.
fn before_gather(graph: &Graph<Real>, id: NodeId, affine: &Affine) -> Option<(NodeId, Affine)> {
    let node = graph.sole_input(id);
    let Op::Gather(gather) = graph.op(node) else { return None };
    graph.sole_consumer(node)?;
    let from = graph.shape(graph.sole_input(node));
    let mut maps: Vec<Option<(f32, f32)>> = vec![None; from.channels];
    let after = affine.scale.iter().copied().zip(affine.shift.iter().copied());
    for (of, after) in gather.sources(from).iter().zip(after) {
        let agrees = |&(channel, _): &(usize, f64)| *maps[channel].get_or_insert(after) == after;
        if of.zeros && after.1 != 0.0 || !of.channels.iter().all(agrees) {
            return None;
        }
    }
    let (scale, shift) = maps.into_iter().map(|map| map.unwrap_or((1.0, 0.0))).unzip();
    Some((node, Affine { scale, shift }))
}

/// What computes the value that `id` alone reads, before poolings that commute with an affine map.
fn producer(graph: &Graph<Real>, id: NodeId, shift: bool) -> Option<NodeId> {
    let mut reader = id;
    loop {
        let producer = graph.sole_input(reader);
        graph.sole_consumer(producer).filter(|&consumer| consumer == reader)?;
        match graph.op(producer) {
            Op::AveragePool(pool)
                if !shift || pool.divisor == PoolDivisor::Inside || !is_padded(&pool.window) =>
            {
                reader = producer;
            }
            _ => return Some(producer),
        }
    }
}

/// Makes `op` compute its result and then `affine`; false where it has no weights.
fn follow(op: &mut Op<Real>, affine: &Affine) -> bool {
    let (weights, bias) = match op {
        Op::Conv(Conv { weights, bias, .. }) | Op::Dense(Dense { weights, bias }) => (weights, bias),
        Op::Affine(Affine { scale, shift }) => (scale, shift),
        _ => return false,
    };
    let row = weights.len() / bias.len();
    for (channel, (bias, (&scale, &shift))) in
        bias.iter_mut().zip(affine.scale.iter().zip(&affine.shift)).enumerate()
    {
        weights[channel * row..][..row].iter_mut().for_each(|weight| *weight = product(*weight, scale));
        *bias = (f64::from(*bias) * f64::from(scale) + f64::from(shift)) as f32;
    }
    true
}

/// Makes a dense layer or convolution compute `affine` (over channels of `plane` elements) and then itself.
fn precede(op: &mut Op<Real>, affine: &Affine, plane: usize) {
    match op {
        Op::Dense(Dense { weights, bias }) => {
            let row = affine.scale.len() * plane;
            precede_rows(weights, bias, row, |_, column| column / plane, affine);
        }
        Op::Conv(Conv { window, groups, weights, bias }) => {
            let (taps, outputs) = (window.kernel[0] * window.kernel[1], bias.len());
            let (group_in, group_out) = (affine.scale.len() / *groups, outputs / *groups);
            precede_rows(
                weights,
                bias,
                group_in * taps,
                |output, column| output / group_out * group_in + column / taps,
                affine,
            );
        }
        _ => {}
    }
}

/// Rows of `row` weights, each with the input channel that `channel(row's index, column)` says.
fn precede_rows(
    weights: &mut [f32],
    bias: &mut [f32],
    row: usize,
    channel: impl Fn(usize, usize) -> usize,
    affine: &Affine,
) {
    for (output, bias) in bias.iter_mut().enumerate() {
        let mut sum = f64::from(*bias);
        for (column, weight) in weights[output * row..][..row].iter_mut().enumerate() {
            let channel = channel(output, column);
            sum += f64::from(*weight) * f64::from(affine.shift[channel]);
            *weight = product(*weight, affine.scale[channel]);
        }
        *bias = sum as f32;
    }
}

fn depthwise(affine: &Affine) -> Conv<Real> {
    let (weights, bias) = (affine.scale.clone(), affine.shift.clone());
    Conv { window: Window::dense([1, 1]), groups: bias.len(), weights, bias }
}

fn is_padded(window: &Window) -> bool {
    window.pad_before != [0; 2] || window.pad_after != [0; 2]
}

fn product(a: f32, b: f32) -> f32 {
    (f64::from(a) * f64::from(b)) as f32
}

fn is_finite(op: &Op<Real>) -> bool {
    match op {
        Op::Conv(Conv { weights, bias, .. }) | Op::Dense(Dense { weights, bias }) => {
            weights.iter().chain(bias).all(|value| value.is_finite())
        }
        Op::Affine(Affine { scale, shift }) => scale.iter().chain(shift).all(|value| value.is_finite()),
        _ => true,
    }
}

fn overflow(graph: &Graph<Real>, id: NodeId) -> Diagnostic {
    let node = graph.node(id);
    let what = "its weights times the normalisation after or before it exceed f32".into();
    Diagnostic {
        node: node.name.clone(),
        op: node.op.name().into(),
        what,
        hint: "the training diverged; check the statistics".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::testing::{affine, assert_same_value, conv, dense, graphs};
    use crate::graph::{Gather, Pool, RealFact, Shape};
    use proptest::prelude::*;

    fn image(channels: usize) -> Graph<Real> {
        Graph::new("image", RealFact { shape: Shape::new(channels, 5, 5) })
    }

    #[test]
    fn example() {
        let mut graph = image(1);
        let mut last = graph.input();
        for op in [conv(1, 2, Window::dense([3, 3])), affine(2), Op::Relu, affine(2), dense(18, 3), affine(3)]
        {
            last = graph.append(op.name(), op, &[last]).unwrap();
        }
        insta::assert_snapshot!(graph, @"
        real graph, output n6
        n0 = input : 1x5x5
        n1 = conv n0 3x3 weights 2x1x3x3 (18 of 18, #f4fa4193) bias 2 (2 of 2, #af2b1449) : 2x3x3
        n2 = affine n1 scale 2 (2 of 2, #d03732bd) shift 2 (2 of 2, #af2b1449) : 2x3x3
        n3 = relu n2 : 2x3x3
        n4 = affine n3 scale 2 (2 of 2, #d03732bd) shift 2 (2 of 2, #af2b1449) : 2x3x3
        n5 = dense n4 weights 3x18 (54 of 54, #06511a70) bias 3 (3 of 3, #3c328d90) : 3
        n6 = affine n5 scale 3 (3 of 3, #dc1743e8) shift 3 (3 of 3, #3c328d90) : 3
        ");
        insta::assert_snapshot!(fold_affine(graph).unwrap(), @"
        real graph, output n5
        n0 = input : 1x5x5
        n1 = conv n0 3x3 weights 2x1x3x3 (18 of 18, #1909c219) bias 2 (2 of 2, #91bc6661) : 2x3x3
        n3 = relu n1 : 2x3x3
        n5 = dense n3 weights 3x18 (54 of 54, #1324c6b4) bias 3 (3 of 3, #3ffd908a) : 3
        ");
    }

    #[test]
    fn a_shift_before_padding_becomes_a_convolution() {
        let mut graph = image(2);
        let map = graph.append("map", affine(2), &[graph.input()]).unwrap();
        let window = Window { pad_before: [1, 1], ..Window::dense([3, 3]) };
        graph.append("conv", conv(2, 1, window), &[map]).unwrap();
        let after = fold_affine(graph.clone()).unwrap();
        assert_same_value(&graph, &after);
        insta::assert_snapshot!(after, @"
        real graph, output n2
        n0 = input : 2x5x5
        n1 = conv n0 1x1 groups 2 weights 2x1x1x1 (2 of 2, #d03732bd) bias 2 (2 of 2, #af2b1449) : 2x5x5
        n2 = conv n1 3x3 pad 1,1,0,0 weights 1x2x3x3 (18 of 18, #f4fa4193) bias 1 (1 of 1, #7c7f3c32) : 1x4x4
        ");
    }

    #[test]
    fn affine_maps_pass_average_poolings() {
        let window = Window { pad_before: [1, 1], pad_after: [1, 1], ..Window::dense([3, 3]) };
        for (divisor, nodes) in [(PoolDivisor::Inside, 3), (PoolDivisor::Kernel, 4)] {
            let mut graph = image(1);
            let conv = graph.append("conv", conv(1, 2, Window::dense([2, 2])), &[graph.input()]).unwrap();
            let pool = graph.append("pool", Op::AveragePool(Pool { window, divisor }), &[conv]).unwrap();
            graph.append("map", affine(2), &[pool]).unwrap();
            let after = fold_affine(graph.clone()).unwrap();
            assert_same_value(&graph, &after);
            assert_eq!(after.len(), nodes);
        }
    }

    #[test]
    fn affine_maps_precede_gathers() {
        let side_by_side = |at: usize| Some(at / 10 * 25 + at / 2 % 5 + at % 2 * 50);
        for (zeros, nodes) in [(false, 3), (true, 4)] {
            let mut graph = image(1);
            let conv = graph.append("conv", conv(1, 4, Window::dense([1, 1])), &[graph.input()]).unwrap();
            let shape = Shape::new(2, 1, 10);
            let positions = (0..20).map(|at| side_by_side(at).filter(|_| at > 0 || !zeros));
            let gather = graph.append("gather", Op::Gather(Gather::new(shape, positions)), &[conv]).unwrap();
            graph.append("map", affine(2), &[gather]).unwrap();
            let after = fold_affine(graph.clone()).unwrap();
            assert_same_value(&graph, &after);
            assert_eq!(after.len(), nodes, "a shift does not keep zeros");
        }
    }

    #[test]
    fn overflow_is_reported() {
        let mut graph = image(1);
        let huge = || Op::Affine(Affine { scale: vec![1e30], shift: vec![0.0] });
        let first = graph.append("first", huge(), &[graph.input()]).unwrap();
        graph.append("second", huge(), &[first]).unwrap();
        let error = fold_affine(graph).unwrap_err().to_string();
        assert!(error.contains("node 'first'") && error.contains("exceed f32"), "{error}");
    }

    proptest! {
        #[test]
        fn keeps_the_value(graph in graphs()) {
            let after = fold_affine(graph.clone()).unwrap();
            prop_assert!(after.ids().all(|id| !matches!(after.op(id), Op::Affine(_))));
            assert_same_value(&graph, &after);
        }
    }
}
