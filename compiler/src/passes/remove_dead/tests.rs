use super::remove_dead;
use super::rows::RowLayout;
use crate::graph::testing::{assert_same_value, conv, dense, graphs, pattern};
use crate::graph::{
    Add, Conv, Dense, Domain, Graph, Integer, NodeId, Op, Pool, PoolDivisor, Real, RealFact, Shape, Window,
    verify,
};
use crate::options::LayerChoice;
use crate::options::{CompileOptions, InputOptions};
use crate::passes::{Choices, Narrowing, Preparation, canonicalize, fold_affine, range};
use crate::reference::integer;
use proptest::prelude::*;

const PADDED: Window = Window { pad_before: [1, 1], pad_after: [1, 1], ..Window::dense([3, 3]) };

/// An image of 4×4 pixels, and the node that it is.
fn image(channels: usize) -> (Graph<Real>, NodeId) {
    let graph = Graph::new("image", RealFact { shape: Shape::new(channels, 4, 4) });
    let input = graph.input();
    (graph, input)
}

/// A 1×1 convolution with the weights `rows`, whose biases are 0.5.
fn pointwise<const N: usize>(rows: &[[f32; N]]) -> Op<Real> {
    let weights = rows.concat();
    Op::Conv(Conv { window: Window::dense([1, 1]), groups: 1, weights, bias: vec![0.5; rows.len()] })
}

fn append(graph: &mut Graph<Real>, op: Op<Real>, inputs: &[NodeId]) -> NodeId {
    graph.append(format!("step {}", graph.len()), op, inputs).unwrap()
}

/// After the pass, which must keep the value.
fn after(graph: &Graph<Real>) -> Graph<Real> {
    let after = remove_dead(graph.clone()).unwrap();
    assert_same_value(graph, &after);
    after
}

/// The shapes of all values, in order.
fn shapes<D: Domain>(graph: &Graph<D>) -> Vec<String> {
    graph.ids_in_order().into_iter().map(|id| graph.shape(id).to_string()).collect()
}

#[test]
fn example() {
    let mut graph = Graph::new("image", RealFact { shape: Shape::new(1, 2, 2) });
    let input = graph.input();
    let conv = append(&mut graph, pointwise(&[[0.0], [2.0], [3.0]]), &[input]);
    let relu = append(&mut graph, Op::Relu, &[conv]);
    let mut weights = vec![1.0; 24];
    weights[4..8].fill(0.0);
    weights[16..20].fill(0.0);
    append(&mut graph, Op::Dense(Dense { weights, bias: vec![1.0, -3.0] }), &[relu]);
    let after = after(&graph);
    insta::assert_snapshot!(after, @"
    real graph, output n3
    n0 = input : 1x2x2
    n1 = conv n0 1x1 weights 1x1x1x1 (1 of 1, #876a4a05) bias 1 (1 of 1, #4ca03f98) : 1x2x2
    n2 = relu n1 : 1x2x2
    n3 = dense n2 weights 2x4 (8 of 8, #1564a2c5) bias 2 (2 of 2, #41f1f6d8) : 2
    ");
    let Op::Dense(dense) = after.op(after.output()) else { panic!("{after}") };
    assert_eq!(dense.bias, [3.0, -1.0]);
}

#[test]
fn channels_that_are_added_up_go_together() {
    let (mut graph, input) = image(2);
    let first = append(&mut graph, pointwise(&[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), &[input]);
    let relu = append(&mut graph, Op::Relu, &[first]);
    let branch = append(&mut graph, pointwise(&[[1.0, 0.0, 2.0], [1.0, 1.0, 1.0], [2.0, 0.0, 1.0]]), &[relu]);
    let sum = append(&mut graph, Op::Add(Add { multipliers: vec![1.0, 1.0] }), &[relu, branch]);
    append(&mut graph, pointwise(&[[1.0, 0.0, 1.0]]), &[sum]);
    assert_eq!(shapes(&after(&graph)), ["2x4x4", "2x4x4", "2x4x4", "2x4x4", "2x4x4", "1x4x4"]);
    // Where the branch reads the channel, both stay.
    graph.node_mut(branch).op = pointwise(&[[1.0, 0.1, 2.0], [1.0, 1.0, 1.0], [2.0, 0.0, 1.0]]);
    assert_eq!(shapes(&after(&graph)), shapes(&graph));
}

#[test]
fn a_branch_of_zeros_goes() {
    let (mut graph, input) = image(2);
    let zero = Op::Conv(Conv { window: PADDED, groups: 1, weights: vec![0.0; 36], bias: vec![0.0, -1.0] });
    let branch = append(&mut graph, zero, &[input]);
    let relu = append(&mut graph, Op::Relu, &[branch]);
    append(&mut graph, Op::Add(Add { multipliers: vec![-1.0, 3.0] }), &[input, relu]);
    assert_eq!(shapes(&after(&graph)), ["2x4x4", "2x4x4"]);
}

#[test]
fn joined_values_lose_channels_and_go() {
    let (mut graph, input) = image(1);
    let one = append(&mut graph, pointwise(&[[1.0], [2.0]]), &[input]);
    let other = append(&mut graph, pointwise(&[[3.0], [4.0]]), &[input]);
    let both = append(&mut graph, Op::Concat, &[one, other]);
    let last = append(&mut graph, pointwise(&[[0.0, 1.0, 0.0, 1.0]]), &[both]);
    assert_eq!(shapes(&after(&graph)), ["1x4x4", "1x4x4", "1x4x4", "2x4x4", "1x4x4"]);
    graph.node_mut(last).op = pointwise(&[[0.0, 0.0, 0.0, 1.0]]);
    assert_eq!(shapes(&after(&graph)), ["1x4x4", "1x4x4", "1x4x4", "1x4x4"]);
}

#[test]
fn groups_go_whole() {
    for (groups, kept) in [(4, ["3x4x4", "3x3x3"]), (2, ["4x4x4", "4x3x3"])] {
        let (mut graph, input) = image(2);
        let first = append(&mut graph, conv(2, 4, Window::dense([1, 1])), &[input]);
        let (window, weights) = (Window::dense([2, 2]), pattern(64 / groups));
        let grouped = Op::Conv(Conv { window, groups, weights, bias: vec![1.0; 4] });
        let grouped = append(&mut graph, grouped, &[first]);
        append(&mut graph, pointwise(&[[1.0, 0.0, 2.0, 3.0]]), &[grouped]);
        assert_eq!(shapes(&after(&graph))[1..3], kept, "{groups} groups");
    }
}

#[test]
fn flattened_channels_go_whole() {
    let (mut graph, input) = image(1);
    let first = append(&mut graph, conv(1, 3, Window::dense([3, 3])), &[input]);
    let flat = append(&mut graph, Op::Flatten, &[first]);
    let relu = append(&mut graph, Op::Relu, &[flat]);
    let mut weights = vec![1.0; 12];
    weights[3..8].fill(0.0);
    append(&mut graph, Op::Dense(Dense { weights, bias: vec![0.0] }), &[relu]);
    assert_eq!(shapes(&after(&graph)), ["1x4x4", "2x2x2", "8", "8", "1"]);
}

#[test]
fn padding_only_takes_zeros() {
    for (bias, kept) in [(0.5, "2x4x4"), (-0.5, "1x4x4")] {
        let (mut graph, input) = image(1);
        let Op::Conv(mut first) = pointwise(&[[0.0], [1.0]]) else { unreachable!() };
        first.bias[0] = bias;
        let first = append(&mut graph, Op::Conv(first), &[input]);
        let relu = append(&mut graph, Op::Relu, &[first]);
        append(&mut graph, conv(2, 2, PADDED), &[relu]);
        assert_eq!(shapes(&after(&graph))[2], kept);
    }
}

#[test]
fn padded_averages_of_constants_are_constant_where_padding_is_not_counted() {
    for (divisor, kept) in [(PoolDivisor::Kernel, "2x4x4"), (PoolDivisor::Inside, "1x4x4")] {
        let (mut graph, input) = image(1);
        let first = append(&mut graph, pointwise(&[[0.0], [1.0]]), &[input]);
        let pool = append(&mut graph, Op::AveragePool(Pool { window: PADDED, divisor }), &[first]);
        append(&mut graph, conv(2, 2, Window::dense([2, 2])), &[pool]);
        assert_eq!(shapes(&after(&graph))[2], kept);
    }
}

#[test]
fn a_constant_output_and_the_last_channel_stay() {
    let (mut graph, input) = image(2);
    let first = append(&mut graph, pointwise(&[[1.0, 1.0], [2.0, 2.0]]), &[input]);
    append(&mut graph, Op::Dense(Dense { weights: vec![0.0; 96], bias: vec![1.0, 2.0, 3.0] }), &[first]);
    assert_eq!(shapes(&after(&graph)), ["2x4x4", "1x4x4", "3"]);
}

/// `graph` with rows and columns of weights made zero, and some biases, as `noise` says.
fn emptied<D: Domain>(mut graph: Graph<D>, noise: &[u8]) -> Graph<D> {
    let mut dice = noise.iter().cycle().copied();
    let mut die = move |sides: u8| dice.next().is_some_and(|x| x % sides == 0);
    for id in graph.ids_in_order() {
        let Some(&input) = graph.inputs(id).first() else { continue };
        let input = graph.shape(input);
        let Some(rows) = RowLayout::from_op(graph.op(id), input) else { continue };
        let (Op::Conv(Conv { weights, bias, .. }) | Op::Dense(Dense { weights, bias })) =
            &mut graph.node_mut(id).op
        else {
            continue;
        };
        let unread: Vec<bool> = (0..input.channels).map(|_| die(3)).collect();
        for (row, (weights, bias)) in weights.chunks_exact_mut(rows.columns).zip(bias).enumerate() {
            let empty = die(3);
            for (taps, channel) in weights.chunks_exact_mut(rows.taps).zip(rows.channels(row)) {
                if empty || unread[channel] {
                    taps.fill(D::Weight::default());
                }
            }
            if die(4) {
                *bias = D::Bias::default();
            }
        }
    }
    graph
}

fn noise() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 61)
}

/// The integer graph of `graph`, where its numbers are not too wide.
fn integers(graph: &Graph<Real>) -> Option<Graph<Integer>> {
    let graph = fold_affine(canonicalize(graph.clone()).unwrap()).unwrap();
    let input = InputOptions::default().spec(graph.shape(graph.input())).unwrap();
    let choices = Choices::uniform(LayerChoice { bits: 4, sparsity: 0.0 });
    let quantized = Preparation::new(&graph, &input, None)
        .ok()?
        .quantize(&choices, &Narrowing::free(&CompileOptions::blinded()))
        .ok()?;
    range(quantized.graph, &input, &CompileOptions::blinded()).ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn floats_stay_the_same(graph in graphs(), noise in noise()) {
        let graph = emptied(graph, &noise);
        let once = after(&graph);
        prop_assert_eq!(format!("{:#}", after(&once)), format!("{once:#}"));
        prop_assert!(once.ids().all(|id| once.shape(id).channels <= graph.shape(id).channels));
    }

    #[test]
    fn integers_stay_the_same(graph in graphs(), noise in noise()) {
        let Some(graph) = integers(&graph) else { return Ok(()) };
        let graph = emptied(graph, &noise);
        let once = remove_dead(graph.clone()).unwrap();
        prop_assert_eq!(verify::verify(&once), []);
        let pixels = noise.iter().cycle().map(|&x| i64::from(x));
        let image: Vec<i64> = pixels.take(graph.shape(graph.input()).elements()).collect();
        prop_assert_eq!(integer::run(&once, &image), integer::run(&graph, &image));
        prop_assert_eq!(format!("{:#}", remove_dead(once.clone()).unwrap()), format!("{once:#}"));
    }
}

/// A perceptron's unread neurons go, layer by layer.
#[test]
fn what_dead_rows_alone_have_read_goes() {
    let (mut graph, input) = image(1);
    let mut last = input;
    for (inputs, outputs) in [(16, 6), (6, 5), (5, 4)] {
        last = append(&mut graph, dense(inputs, outputs), &[last]);
        last = append(&mut graph, Op::Relu, &[last]);
    }
    append(&mut graph, dense(4, 2), &[last]);
    let layers: Vec<NodeId> =
        graph.ids_in_order().into_iter().filter(|&id| matches!(graph.op(id), Op::Dense(_))).collect();
    let zero_columns = |graph: &mut Graph<Real>, id: NodeId, columns: usize, from: usize, rows: usize| {
        if let Op::Dense(dense) = &mut graph.node_mut(id).op {
            dense.weights.chunks_mut(columns).take(rows).for_each(|row| row[from..].fill(0.0));
        }
    };
    zero_columns(&mut graph, layers[3], 4, 2, 2); // reads neurons 0 and 1
    zero_columns(&mut graph, layers[2], 5, 3, 2); // of which these read 0 to 2
    assert_eq!(shapes(&after(&graph)), ["1x4x4", "6", "6", "3", "3", "2", "2", "2"]);
}
