//! By how many bits each value has been narrowed, once some values have lost bits.

use super::terms::Terms;
use crate::graph::{Graph, Integer, NodeId, Op};

/// Of every value of a graph, by node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Exponents {
    /// Bits lost before the node's own rescaling.
    pub before: Vec<u32>,
    /// Bits lost by the node's own rescaling.
    pub own: Vec<u32>,
}

impl Exponents {
    /// Bits lost when the value of `id` is read.
    pub(super) fn after(&self, id: NodeId) -> u32 {
        self.before[id.index()] + self.own[id.index()]
    }

    /// Of `graph`, where the values marked in `chosen` lose all bits that they can spare. `None` where
    /// branches of a concatenation would not agree that must.
    pub(super) fn of(
        graph: &Graph<Integer>,
        order: &[NodeId],
        chosen: &[bool],
        terms: Terms,
    ) -> Option<Self> {
        let mut exponents = Self { before: vec![0; chosen.len()], own: vec![0; chosen.len()] };
        for &id in order {
            let before = exponents.inherited(graph, id, terms)?;
            exponents.before[id.index()] = before;
            if chosen[id.index()] {
                exponents.own[id.index()] = terms.spare(graph, id).saturating_sub(before);
            }
        }
        Some(exponents)
    }

    fn inherited(&self, graph: &Graph<Integer>, id: NodeId, terms: Terms) -> Option<u32> {
        let inputs = graph.inputs(id);
        let mut lost = inputs.iter().map(|&input| self.after(input));
        match graph.op(id) {
            Op::Input | Op::Sign => Some(0),
            Op::Add(add) => {
                let by = inputs.iter().zip(&add.multipliers);
                by.map(|(&input, &by)| self.branch(graph, input) + by.unsigned_abs().ilog2()).min()
            }
            Op::Concat if terms.branches_differ() => lost.min(),
            Op::Concat => {
                let first = lost.next()?;
                lost.all(|other| other == first).then_some(first)
            }
            _ => lost.next(),
        }
    }

    /// Bits that a branch of a sum may be behind the others at no cost: what it has lost, and what it is
    /// multiplied by already to come up to them.
    fn branch(&self, graph: &Graph<Integer>, id: NodeId) -> u32 {
        match graph.op(id) {
            Op::Conv(conv) if conv.groups == conv.weights.len() => {
                let least = conv.weights.iter().map(|by| by.unsigned_abs().max(1).ilog2()).min();
                self.branch(graph, graph.sole_input(id)) + least.unwrap_or(0)
            }
            Op::Add(add) if add.multipliers.len() == 1 => {
                self.branch(graph, graph.sole_input(id)) + add.multipliers[0].unsigned_abs().ilog2()
            }
            _ => self.after(id),
        }
    }
}
