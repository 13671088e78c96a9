//! The values of a float graph on many images, node by node.

use super::{Batch, apply};
use crate::graph::{Graph, NodeId, Op, Real};

/// Calls `visit` with every node's values on `images`, producers first. A value is forgotten once
/// everything that reads it has been visited.
pub fn walk(graph: &Graph<Real>, images: &Batch, mut visit: impl FnMut(NodeId, &Batch)) {
    let mut values: Vec<Option<Batch>> = vec![None; graph.id_bound()];
    let mut unread = unread(graph);
    for id in graph.ids_in_order() {
        let inputs = graph.inputs(id);
        let read: Vec<&Batch> = inputs.iter().filter_map(|input| values[input.index()].as_ref()).collect();
        let value = match graph.op(id) {
            Op::Input => images.clone(),
            op => apply(op, &read, graph.shape(id)),
        };
        visit(id, &value);
        values[id.index()] = Some(value);
        for input in inputs {
            unread[input.index()] -= 1;
            if unread[input.index()] == 0 {
                values[input.index()] = None;
            }
        }
    }
}

/// By node: how many times its value is read.
pub(super) fn unread(graph: &Graph<Real>) -> Vec<usize> {
    let mut unread = vec![0; graph.id_bound()];
    graph.ids().for_each(|id| unread[id.index()] = graph.consumers(id).len());
    unread
}
