//! Which layers can lose channels.

use crate::graph::{Graph, NodeId, Op, Real};

/// A layer and the linear layers that read it, which alone depend on its channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Site {
    pub layer: NodeId,
    pub readers: Vec<NodeId>,
}

/// The layers of `graph` that can lose channels, in order.
pub(super) fn sites(graph: &Graph<Real>) -> Vec<Site> {
    let site = |layer: NodeId| {
        let several = is_plain_linear(graph.op(layer)) && graph.shape(layer).channels > 1;
        let readers = several.then(|| readers(graph, layer)).flatten()?;
        Some(Site { layer, readers })
    };
    graph.ids_in_order().into_iter().filter_map(site).collect()
}

/// The linear layers after `id`, where nothing else depends on it and no channel is added to another
/// or moved.
fn readers(graph: &Graph<Real>, id: NodeId) -> Option<Vec<NodeId>> {
    let mut found = Vec::new();
    if id == graph.output() {
        return None;
    }
    for (consumer, _) in graph.consumers(id) {
        match graph.op(consumer) {
            op if is_plain_linear(op) => found.push(consumer),
            Op::Relu
            | Op::Clip(_)
            | Op::Sign
            | Op::MaxPool(_)
            | Op::AveragePool(_)
            | Op::Affine(_)
            | Op::Flatten => found.extend(readers(graph, consumer)?),
            _ => return None,
        }
    }
    Some(found)
}

/// Whether every row has weights on every input channel.
fn is_plain_linear(op: &Op<Real>) -> bool {
    match op {
        Op::Conv(conv) => conv.groups == 1,
        Op::Dense(_) => true,
        _ => false,
    }
}
