//! Nodes that become one step, or a step that needs no encryption.

use crate::graph::{Conv, Graph, Integer, NodeId, Op, Window};
use runtime::plan;

/// Whether `id` drops bits for a ReLU that alone reads it: suite `shared` does both in one step.
pub fn is_fused(graph: &Graph<Integer>, id: NodeId) -> bool {
    let rescales = matches!(graph.op(id), Op::Rescale(_)) && graph.node(id).fact.ring.is_some();
    let reader = graph.sole_consumer(id).filter(|_| rescales && id != graph.output());
    reader.is_some_and(|reader| matches!(graph.op(reader), Op::Relu))
}

/// A sum with a constant per channel that stands for a convolution over single pixels of single channels, all with
/// the same weight, which the client may know then.
pub(super) fn shift(conv: &Conv<Integer>) -> Option<plan::Add> {
    let (&by, others) = conv.weights.split_first()?;
    let apart = conv.window == Window::dense([1, 1]) && conv.groups == conv.weights.len();
    let alike = by != 0 && others.iter().all(|&other| other == by);
    (apart && alike).then(|| plan::Add { multipliers: vec![by.into()], bias: conv.bias.clone() })
}
