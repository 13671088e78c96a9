//! By how many bits each value is smaller once some values are truncated; an estimate, used for prices only.

use super::sites::Site;
use crate::graph::{Graph, Integer, NodeId, Op};

/// By node of a draft: how many bits each value has lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Exponents {
    /// Bits lost before the node's own narrowing.
    pub before: Vec<u32>,
    /// Bits lost by the node's own narrowing.
    pub own: Vec<u32>,
}

impl Exponents {
    /// Bits lost when the value of `id` is read.
    pub(super) fn after(&self, id: NodeId) -> u32 {
        self.before[id.index()] + self.own[id.index()]
    }

    /// The bits lost in `graph` where the values marked in `chosen` lose those that they can spare (`spare`), both by
    /// node.
    pub(super) fn new(
        graph: &Graph<Integer>,
        order: &[NodeId],
        sites: &[Site],
        chosen: &[bool],
        spare: &[u32],
    ) -> Self {
        let mut exponents = Self { before: vec![0; chosen.len()], own: vec![0; chosen.len()] };
        for &id in order {
            let before = match graph.op(id) {
                // These values do not get smaller: what the draft drops there is less by the bits lost before.
                Op::Input | Op::Sign | Op::Rescale(_) => 0,
                Op::Mul => sites[id.index()].inputs.iter().map(|&input| exponents.after(input)).sum(),
                _ => sites[id.index()].inputs.iter().map(|&input| exponents.after(input)).min().unwrap_or(0),
            };
            exponents.before[id.index()] = before;
            if chosen[id.index()] {
                exponents.own[id.index()] = spare[id.index()].saturating_sub(before);
            }
        }
        exponents
    }
}
