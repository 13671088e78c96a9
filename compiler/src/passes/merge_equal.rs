//! # What it does
//! Computes equal operations on the same values once: the ReLU that an exporter writes for each branch that reads it,
//! with its comparisons.
//!
//! # Requires
//! Nothing.
//!
//! # Guarantees
//! Every output value stays the same. No node is added, and no two nodes with equal operations read the same values. Of
//! equal nodes the first one stays, with its name.
//!
//! # Example
//! A residual block with a ReLU for each branch becomes (snapshot test `example`):
//! ```text
//! n1 = relu n0 : 2x4x4
//! n3 = conv n1 1x1 weights 2x2x1x1 (4 of 4, #488c7d59) bias 2 (2 of 2, #af2b1449) : 2x4x4
//! n4 = add n3 n1 : 2x4x4
//! ```

use crate::error::Result;
use crate::graph::{Graph, NodeId, Real};
use std::collections::HashMap;

/// Runs the pass.
///
/// # Errors
/// None; the signature is that of every pass.
pub fn merge_equal(mut graph: Graph<Real>) -> Result<Graph<Real>> {
    let mut by_inputs: HashMap<Vec<NodeId>, Vec<NodeId>> = HashMap::new();
    for id in graph.ids_in_order() {
        let readers = by_inputs.entry(graph.inputs(id)).or_default();
        match readers.iter().find(|&&first| graph.op(first) == graph.op(id)) {
            Some(&first) => {
                graph.reroute(id, first);
                graph.remove(id);
            }
            None => readers.push(id),
        }
    }
    Ok(graph)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::testing::{assert_same_value, conv, graphs};
    use crate::graph::{Add, Op, RealFact, Shape, Window};
    use proptest::prelude::*;

    #[test]
    fn example() {
        let mut graph = Graph::new("image", RealFact { shape: Shape::new(2, 4, 4) });
        let branch = graph.append("relu1", Op::Relu, &[graph.input()]).unwrap();
        let shortcut = graph.append("relu2", Op::Relu, &[graph.input()]).unwrap();
        let branch = graph.append("conv", conv(2, 2, Window::dense([1, 1])), &[branch]).unwrap();
        graph.append("sum", Op::Add(Add { multipliers: vec![1.0, 1.0] }), &[branch, shortcut]).unwrap();
        insta::assert_snapshot!(merge_equal(graph).unwrap(), @"
        real graph, output n4
        n0 = input : 2x4x4
        n1 = relu n0 : 2x4x4
        n3 = conv n1 1x1 weights 2x2x1x1 (4 of 4, #488c7d59) bias 2 (2 of 2, #af2b1449) : 2x4x4
        n4 = add n3 n1 : 2x4x4
        ");
    }

    #[test]
    fn equal_chains_become_one_and_what_differs_stays() {
        let mut graph = Graph::new("image", RealFact { shape: Shape::new(1, 4, 4) });
        let pool = |size| Op::MaxPool(Window::dense([size, size]));
        let mut chain = |size| {
            let pooled = graph.append("pool", pool(size), &[graph.input()]).unwrap();
            graph.append("relu", Op::Relu, &[pooled]).unwrap()
        };
        let ends = [chain(2), chain(2), chain(3)];
        let [first, second, third] = ends.map(|end| graph.append("flat", Op::Flatten, &[end]).unwrap());
        graph.append("both", Op::Concat, &[first, second, third]).unwrap();
        let merged = merge_equal(graph.clone()).unwrap();
        assert_eq!((graph.len(), merged.len()), (11, 8));
        assert_eq!(merged.inputs(merged.output()), [first, first, third]);
        assert_same_value(&graph, &merged);
    }

    proptest! {
        /// Every node but the input stands twice, and half of the readers read the second.
        #[test]
        fn keeps_the_value_and_finds_every_copy(graph in graphs()) {
            let mut doubled = graph.clone();
            for id in graph.ids_in_order().into_iter().filter(|&id| id != graph.input()) {
                let node = doubled.node(id).clone();
                let inputs = doubled.inputs(id);
                let copy = doubled.add(format!("{} again", node.name), node.op, &inputs, node.fact);
                for (consumer, position) in graph.consumers(id).into_iter().step_by(2) {
                    doubled.set_input(consumer, position, copy);
                }
            }
            doubled.remove_dead();
            let (before, after) = (merge_equal(graph.clone()).unwrap(), merge_equal(doubled).unwrap());
            prop_assert_eq!(before.len(), after.len());
            assert_same_value(&graph, &after);
        }
    }
}
