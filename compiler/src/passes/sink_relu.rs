//! # What it does
//! Moves a ReLU or a clip after the max-pooling that reads it. The two commute, and the pooled value has fewer
//! elements: a 2×2 pooling leaves a quarter of the ReLU's comparisons.
//!
//! # Requires
//! The pooling is the only reader of the ReLU; its result is no larger than what it reads.
//!
//! # Guarantees
//! Every output value stays the same, bit for bit; nodes are neither added nor removed.
//!
//! # Example
//! Conv, relu, pool, pool becomes (snapshot test `example`):
//! ```text
//! n1 = conv n0 3x3 weights 4x1x3x3 (36 of 36, #e5058c43) bias 4 (4 of 4, #488c7d59) : 4x8x8
//! n3 = max_pool n1 2x2 stride 2 : 4x4x4
//! n4 = max_pool n3 2x2 stride 2 : 4x2x2
//! n2 = relu n4 : 4x2x2
//! ```

use crate::error::Result;
use crate::graph::{Graph, NodeId, Op, Real};

/// Runs the pass.
///
/// # Errors
/// None; the signature is that of every pass.
pub fn sink_relu(mut graph: Graph<Real>) -> Result<Graph<Real>> {
    for id in graph.ids_in_order() {
        if matches!(graph.op(id), Op::Relu | Op::Clip(_)) {
            while let Some(pool) = smaller_pool_after(&graph, id) {
                swap(&mut graph, id, pool);
            }
        }
    }
    Ok(graph)
}

fn smaller_pool_after(graph: &Graph<Real>, relu: NodeId) -> Option<NodeId> {
    let pool = graph.sole_consumer(relu)?;
    let smaller = graph.shape(pool).elements() <= graph.shape(relu).elements();
    (matches!(graph.op(pool), Op::MaxPool(_)) && smaller).then_some(pool)
}

/// From x → relu → pool → … to x → pool → relu → ….
fn swap(graph: &mut Graph<Real>, relu: NodeId, pool: NodeId) {
    let x = graph.sole_input(relu);
    graph.set_input(pool, 0, x);
    graph.reroute(pool, relu);
    graph.set_input(relu, 0, pool);
    graph.node_mut(relu).fact = graph.node(pool).fact.clone();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::testing::{assert_same_value, conv, graphs};
    use crate::graph::{RealFact, Shape, Window};
    use proptest::prelude::*;

    #[test]
    fn example() {
        let mut graph = Graph::new("image", RealFact { shape: Shape::new(1, 10, 10) });
        let pool = || Op::MaxPool(Window { stride: [2, 2], ..Window::dense([2, 2]) });
        let conv = graph.append("conv", conv(1, 4, Window::dense([3, 3])), &[graph.input()]).unwrap();
        let relu = graph.append("relu", Op::Relu, &[conv]).unwrap();
        let first = graph.append("pool1", pool(), &[relu]).unwrap();
        graph.append("pool2", pool(), &[first]).unwrap();
        let graph = sink_relu(graph).unwrap();
        insta::assert_snapshot!(graph, @"
        real graph, output n2
        n0 = input : 1x10x10
        n1 = conv n0 3x3 weights 4x1x3x3 (36 of 36, #e5058c43) bias 4 (4 of 4, #488c7d59) : 4x8x8
        n3 = max_pool n1 2x2 stride 2 : 4x4x4
        n4 = max_pool n3 2x2 stride 2 : 4x2x2
        n2 = relu n4 : 4x2x2
        ");
    }

    proptest! {
        #[test]
        fn keeps_the_value(graph in graphs()) {
            let after = sink_relu(graph.clone()).unwrap();
            prop_assert_eq!(after.len(), graph.len());
            assert_same_value(&graph, &after);
        }
    }
}
