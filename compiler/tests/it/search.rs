//! The search for the cheapest plan within an accuracy budget: what it promises, and what it refuses.

use crate::images::{images, labelled};
use crate::random::{Piece, Recipe, network, recipes};
use compiler::error::Error;
use compiler::evaluation::{Dataset, evaluate};
use compiler::from_onnx::Model;
use compiler::graph::{Dense, Graph, Op, Real, RealFact, Shape};
use compiler::options::CompileOptions;
use compiler::reference::real;
use compiler::search::{Budget, Event, Found, search};
use proptest::prelude::*;

const SHAPE: Shape = Shape::new(2, 6, 6);
const IMAGES: usize = 150;

/// Two convolutions, a branch and a dense layer.
fn residual() -> Graph<Real> {
    let pieces = vec![
        Piece::Conv { kernel: 3, stride: 1, pad: 1, channels: 6 },
        Piece::Relu,
        Piece::Residual { deep: true, subtract: false },
        Piece::Relu,
    ];
    network(&Recipe { input: SHAPE, pieces, classes: 4, seed: 5 })
}

/// Noise, labelled as `graph` sees it.
fn labels(graph: &Graph<Real>) -> Vec<i64> {
    let noise = images(graph.shape(graph.input()), IMAGES);
    let label = |index| {
        let image: Vec<f64> = noise.image(index).iter().map(|&x| x.into()).collect();
        let logits = real::evaluate(graph, &image);
        (0..logits.len()).max_by(|&a, &b| logits[a].total_cmp(&logits[b])).unwrap() as i64
    };
    (0..IMAGES).map(label).collect()
}

fn budget(points: f64, data: Dataset) -> Budget {
    Budget { points, data: data.into(), images: usize::MAX }
}

fn found(points: f64) -> Found {
    let graph = residual();
    let data = labelled(SHAPE, &labels(&graph));
    search(&Model::of_graph("random", graph), &CompileOptions::blinded(), &budget(points, data), &mut |_| ())
        .unwrap()
}

#[test]
fn the_plan_is_cheaper_and_as_accurate_as_it_says() {
    let graph = residual();
    let data = labelled(SHAPE, &labels(&graph));
    let mut seen = Vec::new();
    let options = CompileOptions::blinded();
    let budget = budget(10.0, data.clone());
    let found = search(&Model::of_graph("random", graph.clone()), &options, &budget, &mut |event| {
        if let Event::Tried(trial) = event {
            seen.push(trial.clone());
        }
    })
    .unwrap();
    assert_eq!(found.float_accuracy, 1.0);
    assert_eq!(seen, found.trials);
    assert!(found.trials.contains(&found.chosen) && found.chosen.within);
    let dense = &found.trials[0];
    assert_eq!((dense.step.as_str(), dense.bits, dense.channels), ("dense, 8 bits", 8.0, 0.0));
    assert!(found.chosen.seconds < 0.9 * dense.seconds, "{:#?}", found.chosen);
    assert!(
        found.chosen.seconds
            <= found.trials.iter().filter(|t| t.within).map(|t| t.seconds).fold(f64::MAX, f64::min)
    );
    assert_eq!(found.chosen.cost, found.plan.plan().total_cost());
    let float = |image: &[f32]| {
        let image: Vec<f64> = image.iter().map(|&x| x.into()).collect();
        Ok(real::evaluate(&graph, &image).into_iter().map(|x| x as f32).collect())
    };
    let accuracy = evaluate(&found.plan, &float, &data, usize::MAX, &()).unwrap();
    assert_eq!(accuracy.plan_accuracy, Some(found.accuracy));
    assert!(found.accuracy >= 0.9, "{}", found.accuracy);
    let layers = graph.ids().filter(|&id| matches!(graph.op(id), Op::Conv(_) | Op::Dense(_))).count();
    assert_eq!(found.layers.len(), layers);
}

#[test]
fn a_larger_budget_never_buys_a_dearer_plan() {
    let [tight, loose] = [1.0, 20.0].map(|points| found(points).chosen.seconds);
    assert!(loose <= tight, "{loose} > {tight}");
}

#[test]
fn threads_change_nothing() {
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let found = pool.install(|| found(5.0));
        (found.plan.plan().clone(), found.trials)
    };
    assert_eq!(run(1), run(3));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn any_network_is_within_its_budget(recipe in recipes(true)) {
        let graph = network(&recipe);
        let data = labelled(recipe.input, &labels(&graph));
        match search(&Model::of_graph("random", graph), &CompileOptions::blinded(), &budget(8.0, data), &mut |_| ()) {
            Ok(found) => prop_assert!(found.accuracy >= found.float_accuracy - 0.08 - 1e-9),
            Err(error) => prop_assert!(matches!(error, Error::Budget(_)), "{error}"),
        }
    }
}

/// Two logits that no integers of eight bits tell apart.
fn twins() -> Graph<Real> {
    let shape = Shape::new(1, 4, 4);
    let row = |index: usize| (index as f32 * 0.77).sin();
    let other = |index: usize| row(index) + 1e-5 * (index as f32 * 1.3).cos();
    let weights = (0..16).map(row).chain((0..16).map(other)).collect();
    let mut graph = Graph::new("image", RealFact { shape });
    let flat = graph.append("flat", Op::Flatten, &[graph.input()]).unwrap();
    graph.append("twins", Op::Dense(Dense { weights, bias: vec![0.0; 2] }), &[flat]).unwrap();
    graph
}

#[test]
fn a_budget_that_nothing_satisfies_names_the_best() {
    let graph = twins();
    let data = labelled(graph.shape(graph.input()), &labels(&graph));
    let error = search(
        &Model::of_graph("random", graph),
        &CompileOptions::blinded(),
        &budget(0.5, data),
        &mut |_| (),
    )
    .unwrap_err();
    assert!(matches!(error, Error::Budget(_)));
    let text = error.to_string();
    assert!(text.starts_with("no plan tried loses at most 0.5 points; the best found, "), "{text}");
    assert!(text.ends_with(" on 150 images"), "{text}");
}

#[test]
fn data_that_does_not_serve_is_refused() {
    let refused = |budget: Budget| {
        let result =
            search(&Model::of_graph("random", residual()), &CompileOptions::blinded(), &budget, &mut |_| ());
        result.unwrap_err().to_string()
    };
    assert_eq!(refused(budget(1.0, images(SHAPE, 3))), "an accuracy budget needs labels");
    assert_eq!(
        refused(budget(1.0, labelled(Shape::new(1, 6, 6), &[0, 1]))),
        "evaluation images of 1x6x6, but the model takes 2x6x6"
    );
    assert_eq!(
        refused(Budget { images: 0, ..budget(1.0, labelled(SHAPE, &[0, 1])) }),
        "an accuracy budget needs at least one labelled image"
    );
    assert_eq!(
        refused(budget(1.0, labelled(SHAPE, &[0, 99]))),
        "an image is labelled 99, but the model has 4 classes"
    );
    let wrong: Vec<i64> = labels(&residual()).iter().map(|label| (label + 1) % 4).collect();
    let text = refused(budget(1.0, labelled(SHAPE, &wrong)));
    assert!(text.starts_with("the float model gets 0.00 % of the images right"), "{text}");
    for points in [-1.0, 100.5, f64::NAN] {
        let text = refused(budget(points, labelled(SHAPE, &[0, 1])));
        assert!(text.starts_with("the accuracy budget is 0 to 100 points"), "{text}");
    }
}
