//! # What it does
//! Removes what has no effect, so that later passes see each thing in one form only:
//! a flatten of a vector or before dense layers (which read any shape row-major), a ReLU of what
//! cannot be negative, a 1×1 pooling, an affine map x ↦ x, a concatenation of one value.
//!
//! # Requires
//! Nothing. Constant additions arrive from the import as affine maps; [`super::fold_affine`] merges
//! them into biases.
//!
//! # Guarantees
//! Every output value stays the same, bit for bit. No node is added.
//!
//! # Example
//! Of relu, relu, 1×1 pool, flatten, dense, flatten there remain (snapshot test `example`):
//! ```text
//! n1 = relu n0 : 2x4x4
//! n5 = dense n1 weights 10x32 (320 of 320, #e93b9e1e) bias 10 (10 of 10, #9e4b58d1) : 10
//! ```

use crate::error::Result;
use crate::graph::{Graph, NodeId, Op, Real, Window};

/// Runs the pass.
///
/// # Errors
/// None; the signature is that of every pass.
pub fn canonicalize(mut graph: Graph<Real>) -> Result<Graph<Real>> {
    for id in graph.ids_in_order() {
        if has_no_effect(&graph, id) {
            graph.bypass(id);
        } else if matches!(graph.op(id), Op::Flatten) {
            read_past(&mut graph, id);
        }
    }
    graph.remove_dead();
    Ok(graph)
}

fn has_no_effect(graph: &Graph<Real>, id: NodeId) -> bool {
    match graph.op(id) {
        Op::Flatten => graph.shape(graph.sole_input(id)).plane() == 1,
        Op::Relu => is_nonnegative(graph, graph.sole_input(id)),
        Op::MaxPool(window) => *window == Window::dense([1, 1]),
        Op::AveragePool(pool) => pool.window == Window::dense([1, 1]),
        Op::Affine(affine) => {
            affine.scale.iter().all(|&scale| scale == 1.0) && affine.shift.iter().all(|&shift| shift == 0.0)
        }
        Op::Concat => graph.inputs(id).len() == 1,
        Op::Gather(gather) => {
            let from = graph.shape(graph.sole_input(id));
            gather.shape == from && gather.keeps_order(from)
        }
        Op::Input
        | Op::Clip(_)
        | Op::Conv(_)
        | Op::Dense(_)
        | Op::Activation(_)
        | Op::Sign
        | Op::Add(_)
        | Op::Mul
        | Op::Rescale(_) => false,
    }
}

fn is_nonnegative(graph: &Graph<Real>, id: NodeId) -> bool {
    match graph.op(id) {
        Op::Relu | Op::Clip(_) | Op::Sign => true,
        Op::MaxPool(_) | Op::AveragePool(_) | Op::Flatten | Op::Gather(_) | Op::Concat | Op::Mul => {
            graph.inputs(id).into_iter().all(|input| is_nonnegative(graph, input))
        }
        Op::Input
        | Op::Conv(_)
        | Op::Dense(_)
        | Op::Affine(_)
        | Op::Activation(_)
        | Op::Add(_)
        | Op::Rescale(_) => false,
    }
}

/// Makes dense layers read what `flatten` reads.
fn read_past(graph: &mut Graph<Real>, flatten: NodeId) {
    let input = graph.sole_input(flatten);
    for (consumer, position) in graph.consumers(flatten) {
        if matches!(graph.op(consumer), Op::Dense(_)) {
            graph.set_input(consumer, position, input);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::testing::{assert_same_value, dense, graphs};
    use crate::graph::{RealFact, Shape};
    use proptest::prelude::*;

    #[test]
    fn example() {
        let mut graph = Graph::new("image", RealFact { shape: Shape::new(2, 4, 4) });
        let first = graph.append("relu1", Op::Relu, &[graph.input()]).unwrap();
        let second = graph.append("relu2", Op::Relu, &[first]).unwrap();
        let pool = graph.append("pool", Op::MaxPool(Window::dense([1, 1])), &[second]).unwrap();
        let flat = graph.append("flat", Op::Flatten, &[pool]).unwrap();
        let logits = graph.append("fc", dense(32, 10), &[flat]).unwrap();
        graph.append("flat2", Op::Flatten, &[logits]).unwrap();
        let graph = canonicalize(graph).unwrap();
        insta::assert_snapshot!(graph, @"
        real graph, output n5
        n0 = input : 2x4x4
        n1 = relu n0 : 2x4x4
        n5 = dense n1 weights 10x32 (320 of 320, #e93b9e1e) bias 10 (10 of 10, #9e4b58d1) : 10
        ");
    }

    proptest! {
        #[test]
        fn keeps_the_value(graph in graphs()) {
            let after = canonicalize(graph.clone()).unwrap();
            prop_assert!(after.len() <= graph.len());
            assert_same_value(&graph, &after);
        }
    }
}
