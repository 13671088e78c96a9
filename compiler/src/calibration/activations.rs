//! The values of a graph's nodes on the calibration images, one node after the other.

use super::evaluate::pointwise;
use super::{Batch, Calibration, apply};
use crate::graph::{Graph, NodeId, Op, Real, Shape};
use std::sync::Arc;

/// Most bytes that the values held at one time may take.
const MEMORY: usize = 1 << 30;
/// Elements of the values of all nodes and images, about; bounds time.
const ELEMENTS: usize = 1 << 30;
/// Images that are looked at whatever time it takes.
const LEAST_IMAGES: usize = 32;

/// The values of those nodes that are still to be read.
#[derive(Debug)]
pub struct Activations<'a> {
    graph: &'a Graph<Real>,
    /// By node: its value, while it is needed.
    values: Vec<Option<Arc<Batch>>>,
    /// By node: consumers that have not been recorded.
    unread: Vec<usize>,
}

impl<'a> Activations<'a> {
    /// The state before any node has been evaluated: only the calibration images are known.
    pub fn new(graph: &'a Graph<Real>, calibration: &Calibration) -> Self {
        Self::over(graph, calibration.images().clone())
    }

    /// The same on any images.
    pub(super) fn over(graph: &'a Graph<Real>, images: Arc<Batch>) -> Self {
        let mut values = vec![None; graph.id_bound()];
        values[graph.input().index()] = Some(images);
        Self { graph, values, unread: unread(graph) }
    }

    /// What the node `id`, not recorded yet, reads, by position.
    pub fn inputs(&self, id: NodeId) -> Vec<Arc<Batch>> {
        let inputs = self.graph.inputs(id);
        inputs.iter().filter_map(|input| self.values[input.index()].clone()).collect()
    }

    /// Rounds the recorded value of `id`, channel by channel, to whole numbers of `steps`.
    pub fn round(&mut self, id: NodeId, steps: &[f64]) {
        if let Some(value) = &mut self.values[id.index()] {
            Arc::make_mut(value).round(steps);
        }
    }

    /// Evaluates `id` by `op`, its own operation or one in place of it, and forgets the values that nothing else reads.
    pub fn record(&mut self, id: NodeId, op: &Op<Real>) -> Arc<Batch> {
        let inputs = self.inputs(id);
        for input in self.graph.inputs(id) {
            self.unread[input.index()] -= 1;
            if self.unread[input.index()] == 0 {
                self.values[input.index()] = None;
            }
        }
        let value = Arc::new(computed(op, inputs, self.graph.shape(id)));
        self.values[id.index()] = Some(value.clone());
        value
    }
}

/// The value of `op` for `inputs`; computed in place where it has one input that nothing else holds.
fn computed(op: &Op<Real>, mut inputs: Vec<Arc<Batch>>, shape: Shape) -> Batch {
    if let ([_], Some(change)) = (&inputs[..], pointwise(op)) {
        let mut batch = Arc::unwrap_or_clone(inputs.swap_remove(0));
        batch.each_plane(change);
        return batch;
    }
    let inputs: Vec<&Batch> = inputs.iter().map(|input| &**input).collect();
    apply(op, &inputs, shape)
}

/// By node: how many times its value is read.
fn unread(graph: &Graph<Real>) -> Vec<usize> {
    let mut unread = vec![0; graph.id_bound()];
    graph.ids().for_each(|id| unread[id.index()] = graph.consumers(id).len());
    unread
}

/// How many images' values fit into memory where `graph` holds most, and can be evaluated in bearable time; at least
/// one.
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
    let all: usize = graph.ids().map(elements).sum();
    let timely = (ELEMENTS / all.max(1)).max(LEAST_IMAGES);
    (MEMORY / size_of::<f32>() / most).min(timely).max(1)
}
