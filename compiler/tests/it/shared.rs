//! Random networks in suite `shared`: every stage agrees, whether values wrap around or not.

use crate::images::{grey, images};
use crate::random::{Piece, Recipe, activated, input, leaky, multiplied, network, recipes, within_ranges};
use compiler::evaluation::Dataset;
use compiler::graph::{Graph, Integer, Shape};
use compiler::lower::lower;
use compiler::options::CompileOptions;
use compiler::pipeline::to_integers;
use compiler::reference::{integer, real};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use runtime::observe::Silent;
use runtime::paillier::test_keys;
use runtime::plan::{KeyBits, Revealed, Ring, ValidPlan, codec};
use runtime::roles::server::Server;
use runtime::roles::{local, plain};

/// Length of keys that are quick to use and easy to break.
const KEY_BITS: u32 = 1024;

/// Random networks of a test that counts.
const NETWORKS: usize = 100;

fn options(calibration: Option<Dataset>) -> CompileOptions {
    CompileOptions { calibration: calibration.map(Into::into), ..CompileOptions::default() }
}

fn compiled(recipe: &Recipe, options: &CompileOptions) -> (Graph<Integer>, ValidPlan) {
    compiled_unless_wide(recipe, options).expect("its numbers fit")
}

/// `None` where products of products have wider numbers than rings have bits, and the compiler says so.
fn compiled_unless_wide(recipe: &Recipe, options: &CompileOptions) -> Option<(Graph<Integer>, ValidPlan)> {
    let spec = input(recipe.input);
    let graph = match to_integers(&network(recipe), &spec, options) {
        Err(error) if error.to_string().contains("its integers need a ring of") => return None,
        graph => graph.unwrap(),
    };
    let plan = runtime::cost::predict(
        lower(&graph, "random", &spec, &crate::random::outputs(&graph), options).unwrap(),
    );
    Some((graph, ValidPlan::new(plan).unwrap()))
}

fn without_rings(mut graph: Graph<Integer>) -> Graph<Integer> {
    for id in graph.ids_in_order() {
        graph.node_mut(id).fact.ring = None;
    }
    graph
}

proptest! {
    #[test]
    fn plans_give_what_the_reference_gives(
        recipe in multiplied(activated(recipes(true))), noise in proptest::collection::vec(any::<u8>(), 150),
        activation_bits in 4u32..=16, calibrated: bool,
    ) {
        let calibration = calibrated.then(|| images(recipe.input, 4));
        let options = CompileOptions { activation_bits, ..options(calibration) };
        let Some((graph, plan)) = compiled_unless_wide(&recipe, &options) else { return Ok(()) };
        let raw: Vec<f32> = (0..recipe.input.elements()).map(|i| noise[i % noise.len()].into()).collect();
        let integers = plan.plan().input.quantize(&raw).unwrap();
        prop_assert_eq!(plain::run(&plan, &integers), integer::run(&graph, &integers));
        let plan = codec::decode(&codec::encode(&plan)).unwrap();
        prop_assert!(plan.plan().steps.iter().all(|step| step.layout.is_some() == step.op.weights().is_some()));
        within_ranges(&graph, &integers)?;
    }

    #[test]
    fn the_label_is_the_class_of_the_largest_logit(
        recipe in prop_oneof![recipes(true), multiplied(activated(recipes(false)))],
    ) {
        let data = images(recipe.input, 2);
        let compile = |reveal| {
            let options = CompileOptions { reveal, ..options(Some(data.clone())) };
            compiled_unless_wide(&recipe, &options).map(|(_, plan)| plan)
        };
        let [Some(logits), Some(label)] = [Revealed::Logits, Revealed::Label].map(compile) else {
            return Ok(());
        };
        let both = [logits, label];
        for index in 0..data.len() {
            let [logits, label] = both.each_ref().map(|plan| {
                plain::run(plan, &plan.plan().input.quantize(&data.image(index)).unwrap())
            });
            let largest = (0..logits.len()).reduce(|best, i| if logits[i] > logits[best] { i } else { best });
            prop_assert_eq!(label, [largest.unwrap() as i128]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn encrypted_runs_give_what_the_reference_gives(recipe in multiplied(activated(recipes(true))), label: bool) {
        let data = images(recipe.input, 2);
        let reveal = if label { Revealed::Label } else { Revealed::Logits };
        let key_bits = KeyBits::try_from(KEY_BITS).unwrap();
        let options = CompileOptions { reveal, key_bits, ..options(Some(data.clone())) };
        let Some((_, plan)) = compiled_unless_wide(&recipe, &options) else { return Ok(()) };
        let spec = plan.plan().input.clone();
        let pixels: Vec<Vec<f32>> = (0..data.len()).map(|index| data.image(index)).collect();
        let expected = pixels.iter().map(|raw| plain::run(&plan, &spec.quantize(raw).unwrap()));
        let expected: Vec<Vec<i128>> = expected.collect();
        let (server, images) = (Server::new(plan), pixels.iter().map(Vec::as_slice));
        let run = local::run(&server, &test_keys::holder(KEY_BITS).into(), images, &mut Silent, &mut Silent);
        let revealed = run.unwrap().0.into_iter().map(|prediction| prediction.integers);
        prop_assert_eq!(revealed.collect::<Vec<_>>(), expected);
    }
}

/// Random networks, the same at every call.
fn networks() -> impl Iterator<Item = Recipe> {
    let mut runner = TestRunner::deterministic();
    let recipes = recipes(false);
    std::iter::repeat_with(move || recipes.new_tree(&mut runner).unwrap().current()).take(NETWORKS)
}

#[test]
fn plans_agree_with_the_reference_when_values_wrap_around() {
    let mut wrapped = 0;
    for recipe in networks() {
        let narrow = CompileOptions { margin_bits: Some(1), ..options(Some(grey(recipe.input, 128))) };
        let (graph, plan) = compiled(&recipe, &narrow);
        let raw = images(recipe.input, 1).image(0);
        let integers = plan.plan().input.quantize(&raw).unwrap();
        let result = integer::run(&graph, &integers);
        assert_eq!(plain::run(&plan, &integers), result, "{recipe:?}");
        wrapped += usize::from(result != integer::run(&without_rings(graph), &integers));
    }
    assert!(wrapped > NETWORKS / 4, "only {wrapped} results have wrapped around");
}

#[test]
fn nothing_wraps_around_on_calibration_images_and_logits_are_near_the_models() {
    let mut errors = Vec::new();
    for recipe in networks() {
        let data = images(recipe.input, 4);
        let options = CompileOptions { activation_bits: 12, ..options(Some(data.clone())) };
        let (graph, plan) = compiled(&recipe, &options);
        let (spec, float, mut wrong, mut all) = (&plan.plan().input, network(&recipe), 0.0, 1e-12);
        for index in 0..data.len() {
            let integers = spec.quantize(&data.image(index)).unwrap();
            let result = plain::run(&plan, &integers);
            assert_eq!(result, integer::run(&without_rings(graph.clone()), &integers), "{recipe:?}");
            let seen =
                integers.iter().enumerate().map(|(i, &x)| x as f64 * spec.step[i / recipe.input.plane()]);
            let expected = real::evaluate(&float, &seen.collect::<Vec<f64>>());
            for (expected, got) in expected.iter().zip(plan.plan().output.logits(&result)) {
                wrong += (expected - got).powi(2);
                all += expected.powi(2);
            }
        }
        errors.push((wrong / all).sqrt());
    }
    errors.sort_by(f64::total_cmp);
    let [middle, most] = [errors.len() / 2, errors.len() * 19 / 20].map(|index| errors[index]);
    assert!(middle < 0.01 && most < 0.05, "errors: {middle} in the middle, {most} for 19 of 20");
}

/// The widest ring of the network of these pieces.
fn widest_ring(pieces: Vec<Piece>) -> u32 {
    let recipe = Recipe { input: Shape::new(1, 6, 3), pieces, classes: 3, seed: 1 };
    let (graph, _) = compiled(&recipe, &options(Some(images(recipe.input, 2))));
    graph.ids().filter_map(|id| graph.node(id).fact.ring).map(Ring::bits).max().unwrap()
}

/// Their scales do not follow from those of the layers before.
#[test]
fn layers_that_are_all_bias_do_not_make_rings_too_wide() {
    let mut pieces = vec![Piece::DeadChannel, Piece::DeadChannel];
    pieces.extend([Piece::TwoBranches, Piece::TwoBranches, Piece::Activation(leaky(0.4))]);
    let widest = widest_ring(pieces);
    assert!(widest < 56, "{widest}");
}

/// In a sum all branches may be multiplied for the sake of their ratios.
#[test]
fn deep_networks_with_leaky_relus_have_rings_as_wide_as_shallow_ones() {
    let layers =
        |count| (0..count).flat_map(|_| [Piece::TwoBranches, Piece::Activation(leaky(0.4))]).collect();
    let [shallow, deep] = [8, 12].map(|count| widest_ring(layers(count)));
    assert!(deep <= shallow + 4, "{shallow} and {deep}");
}
