//! The values of a float graph beside those of its quantised copy, while the copy grows.

use super::walk::unread;
use super::{Batch, Calibration, apply};
use crate::graph::{Graph, NodeId, Op, Real};
use std::sync::Arc;

/// Most bytes that the values held at one time may take.
const MEMORY: usize = 2 << 30;
/// Bytes of an element, once as float and once as quantised.
const ELEMENT: usize = 2 * size_of::<f32>();

/// A node's values: as trained, and as the quantised copy gives them.
#[derive(Clone, Debug)]
pub struct Pair {
    /// Of the float graph.
    pub float: Arc<Batch>,
    /// Of the quantised copy, in real units.
    pub quantized: Arc<Batch>,
}

/// Values of the nodes that are still to be read.
#[derive(Debug)]
pub struct Activations<'a> {
    graph: &'a Graph<Real>,
    /// By node.
    values: Vec<Option<Pair>>,
    /// By node: consumers that have not been recorded.
    unread: Vec<usize>,
}

impl<'a> Activations<'a> {
    /// Before the first node.
    pub fn new(graph: &'a Graph<Real>, calibration: &Calibration) -> Self {
        let mut values = vec![None; graph.id_bound()];
        let images = Arc::new(calibration.images().clone());
        values[graph.input().index()] = Some(Pair { float: images.clone(), quantized: images });
        Self { graph, values, unread: unread(graph) }
    }

    /// What the node `id`, not recorded yet, reads, by position.
    pub fn inputs(&self, id: NodeId) -> Vec<Pair> {
        let inputs = self.graph.inputs(id);
        inputs.iter().filter_map(|input| self.values[input.index()].clone()).collect()
    }

    /// Evaluates `id`, which the quantised copy computes as `quantized` does in real units, and forgets
    /// the values that nothing else reads.
    pub fn record(&mut self, id: NodeId, quantized: &Op<Real>) {
        let inputs = self.inputs(id);
        let (op, shape) = (self.graph.op(id), self.graph.shape(id));
        let float: Vec<&Batch> = inputs.iter().map(|pair| &*pair.float).collect();
        let ours: Vec<&Batch> = inputs.iter().map(|pair| &*pair.quantized).collect();
        let pair =
            Pair { float: apply(op, &float, shape).into(), quantized: apply(quantized, &ours, shape).into() };
        self.values[id.index()] = Some(pair);
        for input in self.graph.inputs(id) {
            self.unread[input.index()] -= 1;
            if self.unread[input.index()] == 0 {
                self.values[input.index()] = None;
            }
        }
    }
}

/// How many images' values fit into memory at the widest place of `graph`; at least one.
pub(super) fn affordable_images(graph: &Graph<Real>) -> usize {
    let mut unread = unread(graph);
    let elements = |id: NodeId| graph.shape(id).elements();
    let (mut held, mut most) = (0, 1);
    for id in graph.ids_in_order() {
        held += elements(id);
        most = most.max(held);
        for input in graph.inputs(id) {
            unread[input.index()] -= 1;
            if unread[input.index()] == 0 {
                held -= elements(input);
            }
        }
    }
    (MEMORY / ELEMENT / most).max(1)
}
