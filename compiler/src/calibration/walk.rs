//! The values of a float graph on many images, node by node.

use super::{Activations, Batch};
use crate::graph::{Graph, NodeId, Real};
use std::sync::Arc;

/// The logits of `graph` for `images`.
pub fn logits(graph: &Graph<Real>, images: &Batch) -> Batch {
    let mut logits = None;
    walk(graph, images, |id, values| {
        if id == graph.output() {
            logits = Some(values.clone());
        }
    });
    logits.unwrap_or_else(|| images.clone())
}

/// Calls `visit` with every node's values on `images`, producers first. A value is forgotten once
/// everything that reads it has been visited.
pub fn walk(graph: &Graph<Real>, images: &Batch, mut visit: impl FnMut(NodeId, &Batch)) {
    let mut activations = Activations::over(graph, Arc::new(images.clone()));
    for id in graph.ids_in_order() {
        if id == graph.input() {
            visit(id, images);
        } else {
            visit(id, &activations.record(id, graph.op(id)));
        }
    }
}
