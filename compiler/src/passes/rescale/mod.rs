//! Where a deep network's numbers are made narrower.
//!
//! # What it does
//! Integers grow by the width of the weights from layer to layer. Dropping low bits ([`Op::Rescale`])
//! takes a round and an encryption per value in suite `blinded`, about as much as a ReLU in suite `shared`, and
//! nothing there where a ReLU alone reads the value; it makes every later step
//! cheaper; networks of more than about ten layers do not fit without. This pass chooses the values that
//! lose bits, and how many, for an integer graph that has been quantised once without; quantising again
//! places them ([`Preparation::quantize`](super::Preparation::quantize)).
//!
//! A value may be cut down to 14 bits, or in suite `shared` to as many as the options say, measured by the largest integers that example images
//! give (of the middle channel; others may keep fewer bits), not by the sound bounds: these grow faster than any image's values, and
//! what they are too wide stays. Of the places the one is taken, again and again, that saves most
//! predicted time, in suite `shared` beginning with all that cost nothing; places that later ones made useless are
//! given up. Widths near the suite's limit count as
//! so expensive that they are avoided first.
//!
//! # Requires
//! An integer graph with peaks.
//!
//! # Guarantees
//! In suite `blinded` branches of a concatenation lose equally many bits. A network that is cheaper without any rescaling,
//! and fits, stays as it is. Equal graphs give equal choices.
//!
//! # Example
//! See the test `a_deep_chain_is_cut_where_it_is_narrow`.

mod choose;
mod exponents;
mod price;
mod terms;
mod width;

pub use choose::{Shifts, choose};

#[cfg(doc)]
use crate::graph::Op;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::testing::conv;
    use crate::graph::{Graph, Op, Real, RealFact, Shape, Window};
    use crate::options::{CompileOptions, InputOptions};
    use crate::passes::{Choices, Preparation, Quantized, range};
    use crate::reference::integer;
    use runtime::plan::InputSpec;

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

    fn quantized(graph: &Graph<Real>, input: &InputSpec, shifts: &Shifts) -> Quantized {
        let choices = Choices::uniform(CompileOptions::blinded().layer());
        Preparation::new(graph, input, None).unwrap().quantize(&choices, shifts).unwrap()
    }

    fn chosen(graph: &Graph<Real>, input: &InputSpec) -> Shifts {
        let first = quantized(graph, input, &Shifts::default());
        let source = |id| first.source(id, graph);
        choose(&first.graph, input, |id| source(id).is_some(), &CompileOptions::blinded())
            .unwrap()
            .renamed(source)
    }

    #[test]
    fn a_deep_chain_is_cut_where_it_is_narrow() {
        let (graph, input) = chain(16);
        let shifts = chosen(&graph, &input);
        let cut: Vec<_> = graph.ids_in_order().into_iter().filter(|&id| shifts.of(id).is_some()).collect();
        assert!(!cut.is_empty());
        for &id in &cut {
            assert_eq!(graph.shape(id).channels, 2, "{} loses bits", graph.node(id).name);
        }
        let cut: Vec<String> =
            cut.iter().map(|&id| format!("{} by {}", graph.node(id).name, shifts.of(id).unwrap())).collect();
        insta::assert_snapshot!(cut.join(", "), @"conv 1 by 10, conv 3 by 17, conv 5 by 16, conv 7 by 16, conv 9 by 16, conv 11 by 17, conv 13 by 17");
        let integers = range(quantized(&graph, &input, &shifts).graph, &input, &CompileOptions::blinded());
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
