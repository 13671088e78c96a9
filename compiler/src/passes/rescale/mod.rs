//! Chooses the values that are truncated although that takes a round.
//!
//! # What it does
//! Integers grow by the width of the weights from layer to layer. Dropping low bits ([`Op::Rescale`]) takes a round and
//! an encryption per value in suite `blinded`; in suite `shared` it takes about as much as a ReLU, and nothing where a
//! ReLU alone reads the value. It makes every later step cheaper, and networks of more than about ten layers do not fit
//! without. This pass chooses the values on a draft of the integer graph: again and again it takes the one whose
//! truncation saves most predicted time, or gives up one that others have made useless. Widths near the suite's limit
//! count as so expensive that they are avoided first.
//!
//! How many bits a value loses is decided later, once the layers before it are integers
//! ([`Preparation::quantize`](super::Preparation::quantize)). A wrong choice here costs time, never precision.
//!
//! # Requires
//! A draft ([`Preparation::draft`](super::Preparation::draft)).
//!
//! # Guarantees
//! A network that is cheaper without any rescaling, and fits, stays as it is. Equal graphs give equal choices.
//!
//! # Example
//! See the test `a_deep_chain_is_cut_where_it_is_narrow`.

mod choose;
mod exponents;
mod price;
mod sites;
mod width;

pub use choose::choose;

#[cfg(doc)]
use crate::graph::Op;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::testing::conv;
    use crate::graph::{Graph, NodeId, Op, Real, RealFact, Shape, Window};
    use crate::options::{CompileOptions, InputOptions};
    use crate::passes::{Choices, Narrowing, Places, Preparation, Quantized, range};
    use crate::reference::integer;
    use runtime::plan::InputSpec;
    use std::collections::BTreeSet;

    /// 3×3 convolutions with ReLUs, to 32 channels and to 2 in turn.
    fn chain(layers: usize) -> (Graph<Real>, InputSpec) {
        let shape = Shape::new(2, 6, 6);
        let mut graph = Graph::new("image", RealFact { shape });
        for layer in 0..layers {
            let input = graph.output();
            let channels = if layer % 2 == 0 { 32 } else { 2 };
            let window = Window { pad_before: [1, 1], pad_after: [1, 1], ..Window::dense([3, 3]) };
            let op = conv(graph.shape(input).channels, channels, window);
            let id = graph.append(format!("conv {layer}"), op, &[input]).unwrap();
            graph.append(format!("relu {layer}"), Op::Relu, &[id]).unwrap();
        }
        let logits = graph.append("flat", Op::Flatten, &[graph.output()]).unwrap();
        let classes = crate::graph::testing::dense(graph.shape(logits).elements(), 3);
        graph.append("logits", classes, &[logits]).unwrap();
        (graph, InputOptions::default().spec(shape).unwrap())
    }

    fn quantized(graph: &Graph<Real>, input: &InputSpec, places: Places) -> Quantized {
        let options = CompileOptions::blinded();
        let choices = Choices::uniform(options.layer());
        let narrowing = Narrowing::at(&options, places);
        Preparation::new(graph, input, None).unwrap().quantize(&choices, &narrowing).unwrap()
    }

    fn chosen(graph: &Graph<Real>, input: &InputSpec) -> BTreeSet<NodeId> {
        let draft = quantized(graph, input, Places::At(BTreeSet::new()));
        match choose(&draft, graph, input, &CompileOptions::blinded()).unwrap() {
            Places::At(places) => places,
            Places::Everywhere => panic!("places are chosen one by one"),
        }
    }

    #[test]
    fn a_deep_chain_is_cut_where_it_is_narrow() {
        let (graph, input) = chain(16);
        let places = chosen(&graph, &input);
        assert!(!places.is_empty());
        for &id in &places {
            assert_eq!(graph.shape(id).channels, 2, "{} loses bits", graph.node(id).name);
        }
        let names: Vec<&str> = places.iter().map(|&id| graph.node(id).name.as_str()).collect();
        insta::assert_snapshot!(names.join(", "), @"conv 1, conv 3, conv 5, conv 7, conv 9, conv 11, conv 13");
        let integers =
            range(quantized(&graph, &input, Places::At(places)).graph, &input, &CompileOptions::blinded());
        let integers = integers.unwrap();
        let image: Vec<i64> = (0..72).map(|i| i * 37 % 256).collect();
        let expected =
            crate::reference::real::evaluate(&graph, &image.iter().map(|&x| x as f64).collect::<Vec<f64>>());
        let largest = |values: &[f64]| (0..3).max_by(|&a, &b| values[a].total_cmp(&values[b])).unwrap();
        let logits: Vec<f64> = integer::run(&integers, &image).iter().map(|&x| x as f64).collect();
        assert_eq!(largest(&logits), largest(&expected));
    }

    #[test]
    fn what_fits_and_is_cheap_stays() {
        let (graph, input) = chain(2);
        assert!(chosen(&graph, &input).is_empty());
    }
}
