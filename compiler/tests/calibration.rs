//! Compression after example images: what it promises, and what it refuses.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod random;

use compiler::calibration::Calibration;
use compiler::data::Dataset;
use compiler::graph::{Graph, Integer, Op, Real, Shape};
use compiler::options::CompileOptions;
use compiler::pipeline::to_integers;
use ndarray::Array4;
use ndarray_npy::NpzWriter;
use proptest::prelude::*;
use random::{Piece, Recipe, input, network, recipes};
use std::fs::File;

/// So many images of noise.
fn images(shape: Shape, count: usize) -> Dataset {
    let pixels = Array4::from_shape_fn((count, shape.channels, shape.height, shape.width), |(n, c, y, x)| {
        ((n * 89 + c * 71 + y * 37 + x * 53) * (n + 3) % 251) as u8
    });
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("images.npz");
    let mut writer = NpzWriter::new(File::create(&path).unwrap());
    writer.add_array("images", &pixels).unwrap();
    writer.finish().unwrap();
    Dataset::read(&path, shape).unwrap()
}

fn options(recipe: &Recipe, bits: u32, sparsity: f64, calibrated: bool) -> CompileOptions {
    CompileOptions {
        weight_bits: bits,
        sparsity,
        calibration: calibrated.then(|| images(recipe.input, 9).into()),
        ..CompileOptions::default()
    }
}

/// Weights of the linear layers that stand for those of `float`, by name.
fn weights<'a>(float: &Graph<Real>, graph: &'a Graph<Integer>) -> Vec<&'a [i32]> {
    let linear =
        float.ids_in_order().into_iter().filter(|&id| matches!(float.op(id), Op::Conv(_) | Op::Dense(_)));
    let of = |name: &str| {
        let id = graph.ids_in_order().into_iter().find(|&id| graph.node(id).name == name).unwrap();
        match graph.op(id) {
            Op::Conv(conv) => conv.weights.as_slice(),
            Op::Dense(dense) => dense.weights.as_slice(),
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
        let graph = to_integers(&float, &input(recipe.input), &options(&recipe, bits, sparsity, calibrated)).unwrap();
        for weights in weights(&float, &graph) {
            let zeros = weights.iter().filter(|&&weight| weight == 0).count();
            prop_assert!(zeros >= (sparsity * weights.len() as f64).round() as usize);
            let largest = if bits == 1 { 1 } else { (1 << (bits - 1)) - 1 };
            prop_assert!(weights.iter().all(|weight| weight.unsigned_abs() <= largest));
        }
    }

    #[test]
    fn equal_input_gives_equal_integers_on_any_number_of_threads(recipe in recipes(true), sparsity in 0f64..0.9) {
        let compile = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let options = options(&recipe, 4, sparsity, true);
            pool.install(|| format!("{:#}", to_integers(&network(&recipe), &input(recipe.input), &options).unwrap()))
        };
        prop_assert_eq!(compile(1), compile(3));
    }
}

#[test]
fn the_zeros_of_a_pruned_model_stay() {
    let recipe = Recipe {
        input: Shape::new(2, 6, 6),
        pieces: vec![Piece::Conv { kernel: 3, stride: 1, pad: 1, channels: 4 }, Piece::Relu],
        classes: 3,
        softmax: false,
        seed: 7,
    };
    let mut float = network(&recipe);
    for id in float.ids_in_order() {
        if let Op::Conv(conv) = &mut float.node_mut(id).op {
            conv.weights.iter_mut().step_by(3).for_each(|weight| *weight = 0.0);
        }
    }
    let graph = to_integers(&float, &input(recipe.input), &options(&recipe, 4, 0.0, true)).unwrap();
    let first = weights(&float, &graph)[0];
    assert!(first.iter().step_by(3).all(|&weight| weight == 0), "{first:?}");
    assert!(first.iter().any(|&weight| weight != 0));
}

#[test]
fn wrong_images_are_refused() {
    let recipe =
        Recipe { input: Shape::new(1, 4, 4), pieces: Vec::new(), classes: 2, softmax: false, seed: 1 };
    let (graph, spec) = (network(&recipe), input(recipe.input));
    let refused =
        |data: &Dataset, limit: usize| Calibration::new(data, limit, &graph, &spec).unwrap_err().to_string();
    assert_eq!(refused(&images(recipe.input, 3), 0), "calibration needs at least one image");
    assert_eq!(
        refused(&images(Shape::new(2, 4, 4), 3), 5),
        "calibration images of 2x4x4, but the model takes 1x4x4"
    );
    let options = CompileOptions { sparsity: 1.0, ..CompileOptions::default() };
    assert!(options.check().unwrap_err().to_string().contains("the sparsity is a share"));
}
