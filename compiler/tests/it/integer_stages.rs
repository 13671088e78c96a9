//! Random networks through quantisation, ranges and lowering: what each stage promises.

use crate::random::{Recipe, activated, input, network, quantized, recipes, within_ranges};
use compiler::error::Error;
use compiler::graph::{Graph, Integer, NodeId, Op, Real, Scale, Shape, Sources};
use compiler::lower::lower;
use compiler::options::CompileOptions;
use compiler::passes::Narrowing;
use compiler::pipeline::to_integers;
use compiler::reference::{integer, real};
use proptest::prelude::*;
use runtime::plan::{BlindedParameters, InputSpec, Plan, Suite, ValidPlan, codec};
use runtime::roles::plain;

fn integers(graph: &Graph<Real>, spec: &InputSpec) -> Graph<Integer> {
    to_integers(graph, spec, &CompileOptions::blinded()).unwrap()
}

fn lowered(graph: &Graph<Integer>, spec: &InputSpec) -> Plan {
    runtime::cost::predict(
        lower(graph, "random", spec, &crate::random::outputs(graph), &CompileOptions::blinded()).unwrap(),
    )
}

/// Raw pixels from noise.
fn raw(shape: Shape, noise: &[u8]) -> Vec<f32> {
    (0..shape.elements()).map(|i| f32::from(noise[i % noise.len()])).collect()
}

fn noise() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(prop_oneof![Just(0u8), Just(255), any::<u8>()], 150)
}

/// Last node of this name: inserted multiplications have the name of the node that they serve.
fn named(graph: &Graph<Integer>, name: &str) -> NodeId {
    graph.ids_in_order().into_iter().rev().find(|&id| graph.node(id).name == name).unwrap()
}

proptest! {
    #[test]
    fn plans_give_what_the_reference_gives(recipe in activated(recipes(true)), noise in noise()) {
        let spec = input(recipe.input);
        let graph = integers(&network(&recipe), &spec);
        let plan = ValidPlan::new(lowered(&graph, &spec)).unwrap();
        let integers = spec.quantize(&raw(recipe.input, &noise)).unwrap();
        prop_assert_eq!(plain::run(&plan, &integers), integer::run(&graph, &integers));
    }

    #[test]
    fn no_value_leaves_its_range(recipe in activated(recipes(true)), noise in noise()) {
        let spec = input(recipe.input);
        let graph = integers(&network(&recipe), &spec);
        within_ranges(&graph, &spec.quantize(&raw(recipe.input, &noise)).unwrap())?;
    }

    #[test]
    fn weights_are_as_narrow_as_asked_and_logits_have_one_scale(recipe in recipes(true), weight_bits in 2u32..=8) {
        let options = CompileOptions { weight_bits, ..CompileOptions::blinded() };
        let graph = quantized(&network(&recipe), &input(recipe.input), &options, &Narrowing::free(&options));
        let float = network(&recipe);
        for id in float.ids_in_order() {
            let (Op::Conv(_) | Op::Dense(_)) = float.op(id) else { continue };
            let weights = match graph.op(named(&graph, &float.node(id).name)) {
                Op::Conv(conv) => &conv.weights,
                Op::Dense(dense) => &dense.weights,
                other => panic!("{} became {}", float.op(id).name(), other.name()),
            };
            let largest = weights.iter().map(|weight| weight.unsigned_abs()).max().unwrap_or(0);
            prop_assert!(largest < 1 << (weight_bits - 1));
        }
        let logits = &graph.node(graph.output()).fact.scale;
        prop_assert!(matches!(logits, Scale::PerTensor(_)));
    }

    #[test]
    fn integers_stay_within_the_rounding_error_of_the_float_graph(recipe in recipes(false), noise in noise()) {
        let spec = input(recipe.input);
        let float = network(&recipe);
        let graph = quantized(&float, &spec, &CompileOptions::blinded(), &Narrowing::free(&CompileOptions::blinded()));
        let integers = spec.quantize(&raw(recipe.input, &noise)).unwrap();
        let step = |i: usize| spec.step[i / recipe.input.plane()];
        let image: Vec<f64> = integers.iter().enumerate().map(|(i, &x)| x as f64 * step(i)).collect();
        let expected = real::evaluate(&float, &image);
        let fact = &graph.node(graph.output()).fact;
        let bound = error_bound(&float, &graph);
        for (i, &x) in integer::run(&graph, &integers).iter().enumerate() {
            let difference = (x as f64 * fact.scale.channel(i) - expected[i]).abs();
            prop_assert!(difference <= bound[i] * (1.0 + 1e-6) + 1e-6, "{difference} is more than {}", bound[i]);
        }
    }

    #[test]
    fn equal_networks_give_equal_bytes(recipe in recipes(true)) {
        let spec = input(recipe.input);
        let bytes = || codec::encode(&ValidPlan::new(lowered(&integers(&network(&recipe), &spec), &spec)).unwrap());
        prop_assert_eq!(bytes(), bytes());
    }
}

/// Per channel of the output, the most by which rounded weights, biases and multipliers can shift it:
/// half a scale per weight times the input, and what its inputs are off already.
fn error_bound(float: &Graph<Real>, graph: &Graph<Integer>) -> Vec<f64> {
    let mut bounds: Vec<Vec<f64>> = vec![Vec::new(); float.id_bound()];
    for id in float.ids_in_order() {
        bounds[id.index()] = bound(float, graph, id, &bounds);
    }
    bounds.swap_remove(float.output().index())
}

fn bound(float: &Graph<Real>, graph: &Graph<Integer>, id: NodeId, bounds: &[Vec<f64>]) -> Vec<f64> {
    let inputs = float.inputs(id);
    let channels = float.shape(id).channels;
    let Some(&first) = inputs.first() else { return vec![0.0; channels] };
    let (before, shape) = (&bounds[first.index()], float.shape(first));
    let scale = |channel: usize| graph.node(named(graph, &float.node(id).name)).fact.scale.channel(channel);
    let largest = |input: NodeId, channel: usize| {
        let range = graph.node(named(graph, &float.node(input).name)).fact.range[channel];
        range.low.unsigned_abs().max(range.high.unsigned_abs()) as f64
    };
    let row = |output: usize, weights: &[f32], channel: &dyn Fn(usize) -> usize| -> f64 {
        let terms = weights.iter().enumerate().map(|(k, &weight)| {
            let rounding = if weight == 0.0 { 0.0 } else { scale(output) / 2.0 * largest(first, channel(k)) };
            f64::from(weight.abs()) * before[channel(k)] + rounding
        });
        terms.sum::<f64>() + scale(output) / 2.0
    };
    match float.op(id) {
        Op::Conv(conv) => {
            let taps = conv.window.kernel[0] * conv.window.kernel[1];
            let (group, outputs) = (shape.channels / conv.groups, channels / conv.groups);
            let rows = conv.weights.chunks(taps * group).enumerate();
            rows.map(|(o, weights)| row(o, weights, &|k| o / outputs * group + k / taps)).collect()
        }
        Op::Dense(dense) => {
            let rows = dense.weights.chunks(shape.elements()).enumerate();
            rows.map(|(o, weights)| row(o, weights, &|k| k / shape.plane())).collect()
        }
        Op::Add(_) => (0..channels)
            .map(|channel| {
                let value = |input: NodeId| {
                    largest(input, channel)
                        * graph.node(named(graph, &float.node(input).name)).fact.scale.channel(channel)
                };
                inputs.iter().map(|&input| bounds[input.index()][channel] + value(input) / 512.0).sum()
            })
            .collect(),
        Op::Concat => inputs.iter().flat_map(|input| bounds[input.index()].clone()).collect(),
        Op::Flatten => before.iter().flat_map(|&bound| std::iter::repeat_n(bound, shape.plane())).collect(),
        Op::Gather(gather) => {
            let worst =
                |of: &Sources| of.channels.iter().map(|&(channel, _)| before[channel]).fold(0.0, f64::max);
            gather.sources(shape).iter().map(worst).collect()
        }
        // An average of errors is at most the largest; so is a maximum.
        _ => before.clone(),
    }
}

#[test]
fn numbers_that_are_too_wide_are_refused_with_node_and_bits() {
    let recipe = Recipe {
        input: Shape::new(3, 4, 4),
        pieces: vec![crate::random::Piece::Conv { kernel: 3, stride: 1, pad: 1, channels: 4 }; 100],
        classes: 2,
        seed: 1,
    };
    let error = to_integers(&network(&recipe), &input(recipe.input), &CompileOptions::blinded()).unwrap_err();
    let Error::Unsupported(diagnostics) = error else { panic!("{error}") };
    let text = diagnostics[0].to_string();
    assert!(text.contains("need more than 120 bits (its inputs have 1"), "{text}");
    assert!(text.contains("--weight-bits"), "{text}");
}

#[test]
fn values_that_do_not_fit_the_key_are_refused() {
    let recipe = Recipe {
        input: Shape::new(3, 4, 4),
        pieces: vec![crate::random::Piece::Residual { deep: true, subtract: false }; 3],
        classes: 2,
        seed: 1,
    };
    let options = |key_bits: u32| CompileOptions {
        key_bits: key_bits.try_into().unwrap(),
        ..CompileOptions::blinded()
    };
    let graph = network(&recipe);
    assert!(to_integers(&graph, &input(recipe.input), &options(2048)).is_ok());
    // Only blinding makes these values too wide for a short key.
    let parameters = BlindedParameters { scale_bits: 250, grain_bits: 8, mask_bits: 250 };
    let blinded = CompileOptions { suite: Suite::Blinded(parameters), ..options(512) };
    let error = to_integers(&graph, &input(recipe.input), &blinded).unwrap_err();
    assert!(error.to_string().contains("do not fit a key of 512 bits when blinded"), "{error}");
}
