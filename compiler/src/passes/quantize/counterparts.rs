//! Which value of the integer graph stands for which of the float graph.

use super::Noise;
use crate::graph::{Graph, Integer, NodeId, Real};

/// A quantised graph and where it came from.
#[derive(Clone, Debug)]
pub struct Quantized {
    /// The integer graph: every value has a scale; bounds come with a later pass.
    pub graph: Graph<Integer>,
    /// By node of the float graph: the node of the integer graph that stands for it.
    pub(super) counterparts: Vec<Option<NodeId>>,
    /// What is estimated of each value, by node of the integer graph.
    pub(super) estimates: Vec<ValueEstimate>,
    pub(super) noise: Vec<Noise>,
}

/// Estimated size of a value of the integer graph; used for prices.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ValueEstimate {
    /// Largest integer on calibration images.
    pub peak: f64,
    /// Low bits that it may lose; see `tolerance.rs`.
    pub spare: u32,
}

impl Quantized {
    /// The node of the integer graph whose integers, times their scales, stand for the value of `float`,
    /// a node of the graph that was quantised. Of several nodes that were made of one, it is the last.
    pub fn counterpart(&self, float: NodeId) -> Option<NodeId> {
        self.counterparts.get(float.index()).copied().flatten()
    }

    /// The rounded weights and values, each with its predicted effect on the logits.
    pub fn noise(&self) -> &[Noise] {
        &self.noise
    }

    /// Estimates for the values of the integer graph as it was quantised, by node.
    pub(crate) fn estimates(&self) -> &[ValueEstimate] {
        &self.estimates
    }

    /// The node of `float`, the graph that was quantised, whose counterpart is `id`.
    pub fn source(&self, id: NodeId, float: &Graph<Real>) -> Option<NodeId> {
        float.ids().find(|&source| self.counterpart(source) == Some(id))
    }

    /// The same counterparts in `pass` of the graph, which keeps ids.
    ///
    /// # Errors
    /// Those of `pass`.
    pub fn try_map<E>(
        self,
        pass: impl FnOnce(Graph<Integer>) -> Result<Graph<Integer>, E>,
    ) -> Result<Self, E> {
        Ok(Self { graph: pass(self.graph)?, ..self })
    }
}
