//! Nodes that become one step of a plan.

use super::{Graph, Integer, NodeId, Op};

/// Whether `id` drops bits for a ReLU that alone reads it: suite `shared` does both in one step.
pub fn is_fused(graph: &Graph<Integer>, id: NodeId) -> bool {
    let rescales = matches!(graph.op(id), Op::Rescale(_)) && graph.node(id).fact.ring.is_some();
    let reader = graph.sole_consumer(id).filter(|_| rescales && id != graph.output());
    reader.is_some_and(|reader| matches!(graph.op(reader), Op::Relu))
}
