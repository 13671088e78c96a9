//! Networks some of whose channels training has switched off: weights of 10⁻⁹, large biases or none. What
//! is left must come through.

use crate::images::images;
use crate::random::{Recipe, network, recipes};
use compiler::from_onnx::Model;
use compiler::graph::{Conv, Dense, Graph, Op, Real};
use compiler::options::CompileOptions;
use compiler::reference::real;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use runtime::roles::plain;

const NETWORKS: usize = 120;
const IMAGES: usize = 12;

/// `graph` with every second row's weights or bias gone, nearly gone, or far too large.
fn switched_off(mut graph: Graph<Real>, dice: &[u8]) -> Graph<Real> {
    let mut dice = dice.iter().cycle().copied();
    let mut roll = move || dice.next().unwrap();
    for id in graph.ids_in_order().into_iter().filter(|&id| id != graph.output()).collect::<Vec<_>>() {
        if let Op::Conv(Conv { weights, bias, .. }) | Op::Dense(Dense { weights, bias }) =
            &mut graph.node_mut(id).op
        {
            let columns = weights.len() / bias.len();
            for (row, bias) in weights.chunks_mut(columns).zip(bias) {
                let scale = [0.0, 1e-9, 1e-4, 1.0, 1.0, 1.0][usize::from(roll() % 6)];
                row.iter_mut().for_each(|weight| *weight *= scale);
                *bias *= [100.0, 0.0, 1.0][usize::from(roll() % 3)];
            }
        }
    }
    graph
}

/// The error of a plan's logits as a share of theirs; `None` for networks that are refused.
fn error(recipe: Recipe, dice: &[u8], calibrated: bool) -> Option<f64> {
    let graph = switched_off(network(&recipe), dice);
    let data = images(recipe.input, IMAGES);
    let calibration = calibrated.then(|| data.clone().into());
    let options = CompileOptions { calibration, ..CompileOptions::blinded() };
    let plan = Model::of_graph("random", graph.clone()).compile(&options).ok()?.plan;
    let (mut wrong, mut all) = (0.0, 1e-12);
    for index in 0..IMAGES {
        let raw = data.image(index);
        let expected = real::evaluate(&graph, &raw.iter().map(|&x| x.into()).collect::<Vec<f64>>());
        let integers = plain::run(&plan, &plan.plan().input.quantize(&raw).unwrap());
        let got = plan.plan().output.logits(&integers);
        for (expected, got) in expected.iter().zip(got) {
            wrong += (expected - got).powi(2);
            all += expected.powi(2);
        }
    }
    Some((wrong / all).sqrt())
}

#[test]
fn what_is_left_of_a_network_comes_through() {
    let mut runner = TestRunner::deterministic();
    let cases = (recipes(false), prop::collection::vec(any::<u8>(), 31), any::<bool>());
    let mut errors = Vec::new();
    for _ in 0..NETWORKS {
        let (recipe, dice, calibrated) = cases.new_tree(&mut runner).unwrap().current();
        errors.extend(error(recipe, &dice, calibrated));
    }
    errors.sort_by(f64::total_cmp);
    assert!(errors.len() >= NETWORKS * 9 / 10, "{} networks are refused", NETWORKS - errors.len());
    // Some networks have nothing left but a constant and what 8 bits cannot tell from it.
    let [middle, most] = [errors.len() / 2, errors.len() * 19 / 20].map(|index| errors[index]);
    assert!(middle < 0.01 && most < 0.1, "errors: {middle} in the middle, {most} for 19 of 20");
}
