//! What a search asks of every node again and again, whatever is chosen.

use crate::graph::{Graph, Integer, NodeId, Op};
use crate::passes::terms::Terms;

/// A node of a draft.
#[derive(Clone, Debug, Default)]
pub(super) struct Site {
    /// The values that it reads.
    pub inputs: Vec<NodeId>,
    /// The first of them; where that is a truncation at no cost, the value before it.
    pub read: Option<NodeId>,
    /// Its value loses bits at no cost.
    pub is_free: bool,
    /// The fewest bits that it pays to drop.
    pub least: u32,
}

impl Site {
    fn new(graph: &Graph<Integer>, id: NodeId, terms: Terms) -> Self {
        let inputs = graph.inputs(id);
        let read = inputs.first().map(|&input| before_fused(graph, input, terms));
        Self { inputs, read, is_free: terms.is_free(graph, id), least: terms.least(graph, id) }
    }
}

/// By node of `graph`.
pub(super) fn sites(graph: &Graph<Integer>, terms: Terms) -> Vec<Site> {
    let mut sites = vec![Site::default(); graph.id_bound()];
    for id in graph.ids() {
        sites[id.index()] = Site::new(graph, id, terms);
    }
    sites
}

fn before_fused(graph: &Graph<Integer>, id: NodeId, terms: Terms) -> NodeId {
    let is_fused = matches!(graph.op(id), Op::Rescale(_)) && terms.is_free(graph, id);
    if is_fused { graph.sole_input(id) } else { id }
}
