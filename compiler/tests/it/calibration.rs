//! Compression after calibration images: what it promises, and what it refuses.

use crate::images::images;
use crate::random::{Piece, Recipe, input, network, quantized, recipes};
use compiler::calibration::Calibration;
use compiler::evaluation::Dataset;
use compiler::graph::{Conv, Dense, Graph, Integer, NodeId, Op, Real, RealFact, Shape, Window, verify};
use compiler::options::CompileOptions;
use compiler::options::LayerChoice;
use compiler::passes::prune_channels::{ChannelChoice, ChannelOrders, channel_orders, remove_channels};
use compiler::passes::{Choices, Narrowing, Preparation, prune_channels, remove_dead};
use compiler::pipeline::to_integers;
use compiler::reference::real;
use proptest::prelude::*;

fn options(recipe: &Recipe, bits: u32, sparsity: f64, calibrated: bool) -> CompileOptions {
    CompileOptions {
        weight_bits: bits,
        sparsity,
        calibration: calibrated.then(|| images(recipe.input, 9).into()),
        ..CompileOptions::blinded()
    }
}

/// Weights of the linear layers that stand for those of `float`, by name, and how many a row has.
fn weights<'a>(float: &Graph<Real>, graph: &'a Graph<Integer>) -> Vec<(&'a [i32], usize)> {
    let linear =
        float.ids_in_order().into_iter().filter(|&id| matches!(float.op(id), Op::Conv(_) | Op::Dense(_)));
    let of = |name: &str| {
        let id = graph.ids_in_order().into_iter().find(|&id| graph.node(id).name == name).unwrap();
        match graph.op(id) {
            Op::Conv(conv) => (conv.weights.as_slice(), conv.weights.len() / conv.bias.len()),
            Op::Dense(dense) => (dense.weights.as_slice(), dense.weights.len() / dense.bias.len()),
            other => panic!("{name} became {}", other.name()),
        }
    };
    linear.map(|id| of(&float.node(id).name)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn weights_are_as_narrow_and_as_sparse_as_asked(
        recipe in recipes(true), bits in 1u32..=8, sparsity in 0f64..0.95, calibrated in any::<bool>(),
    ) {
        let float = network(&recipe);
        let graph = quantized(&float, &input(recipe.input), &options(&recipe, bits, sparsity, calibrated), &Narrowing::free(&CompileOptions::blinded()));
        for (weights, columns) in weights(&float, &graph) {
            let zeros = weights.iter().filter(|&&weight| weight == 0).count();
            // A row of one weight is a channel, which stays.
            prop_assert!(columns == 1 || zeros >= (sparsity * weights.len() as f64).round() as usize);
            let largest = if bits == 1 { 1 } else { (1 << (bits - 1)) - 1 };
            prop_assert!(weights.iter().all(|weight| weight.unsigned_abs() <= largest));
        }
    }

    #[test]
    fn removed_channels_are_read_no_more(recipe in recipes(true), share in 0f64..1.0) {
        let graph = network(&recipe);
        let calibration = calibration(&graph);
        let orders = channel_orders(&graph, &calibration);
        let choice = ChannelChoice::share(&orders, share);
        let pruned = remove_channels(&graph, &orders, &choice, &calibration);
        prop_assert_eq!(verify::verify(&pruned), []);
        prop_assert_eq!(shapes(&pruned), shapes(&graph));
        for order in orders.iter() {
            let channels = graph.shape(order.layer).channels;
            let mut seen: Vec<usize> = order.removals.iter().map(|removal| removal.channel).collect();
            prop_assert!(order.removals.windows(2).all(|pair| pair[0].loss <= pair[1].loss));
            let gone = seen[..choice.get(order.layer).min(channels - 1)].to_vec();
            for &reader in &order.readers {
                let by_channel = weights_by_channel(&pruned, reader, channels);
                prop_assert!(gone.iter().all(|&channel| by_channel[channel].iter().all(|&weight| weight == 0.0)));
            }
            seen.sort_unstable();
            seen.dedup();
            prop_assert_eq!(seen.len(), channels - 1);
            let smaller = remove_dead(pruned.clone()).unwrap();
            prop_assert!(!smaller.contains(order.layer) || smaller.shape(order.layer).channels <= channels - gone.len());
        }
    }

    #[test]
    fn equal_input_gives_equal_integers_on_any_number_of_threads(
        recipe in recipes(true), sparsity in 0f64..0.9, channel_sparsity in 0f64..0.9,
    ) {
        let compile = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let options = CompileOptions { channel_sparsity, ..options(&recipe, 4, sparsity, true) };
            pool.install(|| format!("{:#}", to_integers(&network(&recipe), &input(recipe.input), &options).unwrap()))
        };
        prop_assert_eq!(compile(1), compile(3));
    }
}

fn calibration(graph: &Graph<Real>) -> Calibration {
    let shape = graph.shape(graph.input());
    Calibration::new(&images(shape, 9), 9, graph, &input(shape)).unwrap()
}

fn shapes(graph: &Graph<Real>) -> Vec<Shape> {
    graph.ids_in_order().into_iter().map(|id| graph.shape(id)).collect()
}

/// The weights of `reader` on each of the `channels` of the layer that it reads.
fn weights_by_channel(graph: &Graph<Real>, reader: NodeId, channels: usize) -> Vec<Vec<f32>> {
    let (Op::Conv(Conv { weights, bias, .. }) | Op::Dense(Dense { weights, bias })) = graph.op(reader) else {
        panic!("{reader} is not linear");
    };
    let columns = weights.len() / bias.len();
    let taps = columns / channels;
    let of_channel = |channel: usize| {
        weights.chunks(columns).flat_map(move |row| row[channel * taps..][..taps].iter().copied()).collect()
    };
    (0..channels).map(of_channel).collect()
}

/// Three channels, the last of which is twice the first, before a ReLU and two readers.
fn redundant() -> (Graph<Real>, NodeId) {
    let shape = Shape::new(1, 6, 6);
    let mut graph = Graph::new("image", RealFact { shape });
    let conv = |inputs: usize, weights: Vec<f32>| {
        let bias = vec![0.0; weights.len() / inputs / 4];
        Op::Conv(Conv { window: Window::dense([2, 2]), groups: 1, weights, bias })
    };
    let first = vec![1.0, -0.5, 0.5, -0.7, 0.3, 0.4, -0.9, 0.2, 2.0, -1.0, 1.0, -1.4];
    let layer = graph.append("layer", conv(1, first), &[graph.input()]).unwrap();
    let relu = graph.append("relu", Op::Relu, &[layer]).unwrap();
    let noise = |i: usize| ((i * 37 + 11) % 23) as f32 / 11.5 - 1.0;
    let one = graph.append("one", conv(3, (0..24).map(noise).collect()), &[relu]).unwrap();
    let other = graph.append("other", conv(3, (5..29).map(noise).collect()), &[relu]).unwrap();
    graph.append("both", Op::Concat, &[one, other]).unwrap();
    (graph, layer)
}

#[test]
fn channels_that_others_can_stand_for_go_without_loss() {
    let (graph, layer) = redundant();
    let calibration = calibration(&graph);
    let orders = channel_orders(&graph, &calibration);
    let order = orders.get(layer).unwrap();
    assert!([0, 2].contains(&order.removals[0].channel), "{order:?}");
    assert!(order.removals[0].loss < 0.01 && order.removals[1].loss > 0.1, "{order:?}");
    let mut choice = ChannelChoice::default();
    choice.set(layer, 1);
    let pruned = remove_channels(&graph, &orders, &choice, &calibration);
    let pruned = remove_dead(pruned).unwrap();
    assert_eq!(pruned.shape(layer).channels, 2);
    let images = calibration.images();
    let (mut error, mut energy) = (0.0, 0.0);
    for index in 0..images.len() {
        let image: Vec<f64> = images.image(index).iter().map(|&x| x.into()).collect();
        for (got, expected) in real::evaluate(&pruned, &image).iter().zip(real::evaluate(&graph, &image)) {
            error += (got - expected).powi(2);
            energy += expected.powi(2);
        }
    }
    assert!(error < 1e-3 * energy, "{error} of {energy}");
}

#[test]
fn what_nothing_is_taken_from_stays() {
    let (graph, _) = redundant();
    let calibration = calibration(&graph);
    let same = remove_channels(&graph, &ChannelOrders::default(), &ChannelChoice::default(), &calibration);
    assert_eq!(same.to_string(), graph.to_string());
    assert_eq!(prune_channels(&graph, 0.0, None).unwrap().to_string(), graph.to_string());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn one_preparation_serves_many_choices(recipe in recipes(true), calibrated in any::<bool>()) {
        let (graph, spec) = (network(&recipe), input(recipe.input));
        let images = images(recipe.input, 9);
        let calibration = calibrated.then(|| Calibration::new(&images, 9, &graph, &spec).unwrap());
        let preparation = Preparation::new(&graph, &spec, calibration.as_ref()).unwrap();
        for (bits, sparsity) in [(4, 0.5), (1, 0.0), (8, 0.9), (4, 0.5)] {
            let choices = Choices::uniform(LayerChoice { bits, sparsity });
            let once = Preparation::for_choices(&graph, &spec, calibration.as_ref(), &choices).unwrap();
            let [many, once] = [&preparation, &once]
                .map(|preparation| preparation.quantize(&choices, &Narrowing::free(&CompileOptions::blinded())).unwrap().graph);
            prop_assert_eq!(format!("{many:#}"), format!("{once:#}"));
        }
    }

    #[test]
    fn more_zeros_are_never_expected_to_cost_less(
        recipe in recipes(true), calibrated in any::<bool>(), bits in 1u32..=8,
    ) {
        let (graph, spec) = (network(&recipe), input(recipe.input));
        let images = images(recipe.input, 9);
        let calibration = calibrated.then(|| Calibration::new(&images, 9, &graph, &spec).unwrap());
        let preparation = Preparation::new(&graph, &spec, calibration.as_ref()).unwrap();
        for id in graph.ids_in_order() {
            let errors = [0.0, 0.3, 0.6, 0.9]
                .map(|sparsity| preparation.error(id, LayerChoice { bits, sparsity }));
            prop_assert!(errors.iter().all(|error| error.is_finite()) && errors.is_sorted(), "{errors:?}");
            let is_linear = matches!(graph.op(id), Op::Conv(_) | Op::Dense(_));
            prop_assert!(is_linear || errors == [0.0; 4]);
        }
    }
}

/// A convolution with a ReLU before the classes.
fn one_convolution() -> Recipe {
    Recipe {
        input: Shape::new(2, 6, 6),
        pieces: vec![Piece::Conv { kernel: 3, stride: 1, pad: 1, channels: 4 }, Piece::Relu],
        classes: 3,
        seed: 7,
    }
}

#[test]
fn weights_of_one_bit_are_signs_but_for_those_that_are_pruned() {
    let recipe = one_convolution();
    let mut float = network(&recipe);
    for id in float.ids_in_order() {
        if let Op::Conv(conv) = &mut float.node_mut(id).op {
            conv.weights.iter_mut().for_each(|weight| *weight += 0.001);
            conv.weights[5] = 0.0;
        }
    }
    for calibrated in [false, true] {
        let zeros = |sparsity: f64| -> Vec<usize> {
            let options = options(&recipe, 1, sparsity, calibrated);
            let graph = quantized(&float, &input(recipe.input), &options, &Narrowing::free(&options));
            let (first, _) = weights(&float, &graph)[0];
            assert!(first.iter().all(|&weight| [-1, 0, 1].contains(&weight)), "{first:?}");
            (0..first.len()).filter(|&i| first[i] == 0).collect()
        };
        assert_eq!(zeros(0.0), [5]);
        assert_eq!(zeros(0.25).len(), 18);
    }
}

#[test]
fn the_zeros_of_a_pruned_model_stay() {
    let recipe = one_convolution();
    let mut float = network(&recipe);
    for id in float.ids_in_order() {
        if let Op::Conv(conv) = &mut float.node_mut(id).op {
            conv.weights.iter_mut().step_by(3).for_each(|weight| *weight = 0.0);
        }
    }
    let graph = quantized(
        &float,
        &input(recipe.input),
        &options(&recipe, 4, 0.0, true),
        &Narrowing::free(&CompileOptions::blinded()),
    );
    let first = weights(&float, &graph)[0].0;
    assert!(first.iter().step_by(3).all(|&weight| weight == 0), "{first:?}");
    assert!(first.iter().any(|&weight| weight != 0));
}

#[test]
fn wrong_images_are_refused() {
    let recipe = Recipe { input: Shape::new(1, 4, 4), pieces: Vec::new(), classes: 2, seed: 1 };
    let (graph, spec) = (network(&recipe), input(recipe.input));
    let refused =
        |data: &Dataset, limit: usize| Calibration::new(data, limit, &graph, &spec).unwrap_err().to_string();
    assert_eq!(refused(&images(recipe.input, 3), 0), "calibration needs at least one image");
    assert_eq!(
        refused(&images(Shape::new(2, 4, 4), 3), 5),
        "calibration images of 2x4x4, but the model takes 1x4x4"
    );
    let options = CompileOptions { sparsity: 1.0, ..CompileOptions::blinded() };
    assert!(options.check().unwrap_err().to_string().contains("the sparsity is a share"));
    let options = CompileOptions { channel_sparsity: 0.5, ..CompileOptions::blinded() };
    let error = to_integers(&graph, &spec, &options).unwrap_err().to_string();
    assert!(error.contains("(--calibration)"), "{error}");
}
