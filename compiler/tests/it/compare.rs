//! Float graph and integer graph side by side: what the comparison says of them.

use crate::images::images;
use crate::random::{Piece, Recipe, input, network, recipes};
use compiler::evaluation::{Comparison, Sides, compare};
use compiler::graph::{Graph, NodeId, Op, Real, Shape};
use compiler::options::CompileOptions;
use compiler::options::LayerChoice;
use compiler::passes::{Choices, Narrowing, Preparation, range};
use compiler::reference::real;
use proptest::prelude::*;
use runtime::plan::OutputPart;

/// `graph`, quantised as `choices` say, against itself over some images.
fn compared(graph: &Graph<Real>, choices: &Choices) -> Comparison {
    let spec = input(graph.shape(graph.input()));
    let preparation = Preparation::for_choices(graph, &spec, None, choices).unwrap();
    let quantized = preparation
        .quantize(choices, &Narrowing::free(&CompileOptions::blinded()))
        .and_then(|quantized| quantized.try_map(|graph| range(graph, &spec, &CompileOptions::blinded())))
        .unwrap();
    let model = |image: &[f32]| {
        let image: Vec<f64> = image.iter().map(|&x| x.into()).collect();
        Ok(real::evaluate(graph, &image).into_iter().map(|x| x as f32).collect())
    };
    let output = OutputPart::vector(graph.shape(graph.output()).elements());
    let sides = Sides { float: graph, integer: &quantized, input: &spec, output: &output };
    compare(sides, &model, &images(spec.shape, 5), 4, &()).unwrap()
}

fn eight_bits() -> Choices {
    Choices::uniform(LayerChoice { bits: 8, sparsity: 0.0 })
}

fn layers(graph: &Graph<Real>) -> Vec<NodeId> {
    let linear = |id: &NodeId| matches!(graph.op(*id), Op::Conv(_) | Op::Dense(_));
    graph.ids_in_order().into_iter().filter(linear).collect()
}

#[test]
fn the_damaged_layer_is_named() {
    let graph = network(&Recipe {
        input: Shape::new(3, 8, 8),
        pieces: vec![
            Piece::Conv { kernel: 3, stride: 1, pad: 1, channels: 6 },
            Piece::Relu,
            Piece::Residual { deep: true, subtract: false },
            Piece::MaxPool { kernel: 2, stride: 2, pad: 0 },
        ],
        classes: 5,
        seed: 7,
    });
    for layer in layers(&graph) {
        let mut choices = eight_bits();
        choices.set(layer, LayerChoice { bits: 2, sparsity: 0.0 });
        let comparison = compared(&graph, &choices);
        let name = &graph.node(layer).name;
        assert_eq!(&comparison.worst().unwrap().node, name, "{comparison:#?}");
        assert_eq!(&comparison.first_wrong().unwrap().node, name, "{comparison:#?}");
    }
    let whole = compared(&graph, &eight_bits());
    assert_eq!(
        (whole.images, whole.first_wrong(), whole.agreement, whole.model_agreement),
        (4, None, Some(1.0), Some(1.0))
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn only_layers_and_sums_add_errors(recipe in recipes(false)) {
        let graph = network(&recipe);
        let comparison = compared(&graph, &eight_bits());
        let values = |id: &NodeId| !matches!(graph.op(*id), Op::Flatten);
        let ids: Vec<NodeId> = graph.ids_in_order().into_iter().filter(values).collect();
        prop_assert_eq!(ids.len(), comparison.nodes.len());
        for (id, node) in ids.into_iter().zip(&comparison.nodes) {
            prop_assert_eq!(&graph.node(id).name, &node.node);
            // What brings channels together brings their scales together, by integer multipliers within 1/512.
            let most = match graph.op(id) {
                Op::Input | Op::Conv(_) | Op::Dense(_) | Op::Add(_) => continue,
                Op::Gather(_) | Op::Concat => 1.0 / 512.0 + 1e-5,
                _ => 1e-5,
            };
            prop_assert!(node.own_error < most, "{node:?}");
        }
    }

    #[test]
    fn comparisons_do_not_depend_on_threads(recipe in recipes(true)) {
        let graph = network(&recipe);
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| format!("{:?}", compared(&graph, &eight_bits())))
        };
        prop_assert_eq!(on(1), on(3));
    }
}
