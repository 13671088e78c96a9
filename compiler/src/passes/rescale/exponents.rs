//! By how many bits each value has been narrowed, once some values have lost bits.

use super::terms::Terms;
use crate::graph::{Conv, Dense, Graph, Integer, NodeId, Op};

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
            op if is_bias(op) => Some(0),
            Op::Add(add) => {
                let by = inputs.iter().zip(&add.multipliers);
                let behind = by.map(|(&input, &by)| (self.branch(graph, input), by.unsigned_abs().ilog2()));
                let all = behind.clone().map(|(branch, by)| branch.multiplied + by).min()?;
                behind.map(|(branch, by)| branch.lost + branch.multiplied + by - all).min()
            }
            Op::Concat if terms.branches_differ() => lost.min(),
            Op::Concat => {
                let first = lost.next()?;
                lost.all(|other| other == first).then_some(first)
            }
            _ => lost.next(),
        }
    }

    /// How a branch of a sum comes to the sum's scale.
    fn branch(&self, graph: &Graph<Integer>, id: NodeId) -> Branch {
        let by = match graph.op(id) {
            Op::Conv(conv) if conv.groups == conv.weights.len() => {
                conv.weights.iter().map(|by| by.unsigned_abs().max(1).ilog2()).min()
            }
            Op::Add(add) if add.multipliers.len() == 1 => Some(add.multipliers[0].unsigned_abs().ilog2()),
            _ => return Branch { lost: self.after(id), multiplied: 0 },
        };
        let before = self.branch(graph, graph.sole_input(id));
        Branch { multiplied: before.multiplied + by.unwrap_or(0), ..before }
    }
}

/// A branch may be behind the others of a sum at no cost: by what it has lost, and what it is multiplied by already to
/// come up to them; what all are multiplied by is there for the sake of their ratios, and stays.
struct Branch {
    lost: u32,
    multiplied: u32,
}

/// Whether nothing but its bias is left of a layer, whose scale follows from that alone.
fn is_bias(op: &Op<Integer>) -> bool {
    match op {
        Op::Conv(Conv { weights, .. }) | Op::Dense(Dense { weights, .. }) => {
            weights.iter().all(|&weight| weight == 0)
        }
        _ => false,
    }
}
