//! Which value of the integer graph stands for which of the float graph.

use crate::graph::{Graph, Integer, NodeId, Real};

/// A quantised graph and where it came from.
#[derive(Clone, Debug)]
pub struct Quantized {
    /// The integer graph.
    pub graph: Graph<Integer>,
    /// By node of the float graph.
    pub(super) counterparts: Vec<Option<NodeId>>,
}

impl Quantized {
    /// The node of the integer graph whose integers, times their scales, stand for the value of `float`,
    /// a node of the graph that was quantised. Of several nodes that were made of one, it is the last.
    pub fn counterpart(&self, float: NodeId) -> Option<NodeId> {
        self.counterparts.get(float.index()).copied().flatten()
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
