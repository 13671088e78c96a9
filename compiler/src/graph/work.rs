//! The number of multiplications in a run of a graph.

use super::{Conv, Dense, Domain, Graph, Op};

/// Multiplications of weights and pixels in one run of `graph`.
pub fn multiplications<D: Domain>(graph: &Graph<D>) -> u64 {
    let of_node = |id| match graph.op(id) {
        Op::Conv(Conv { weights, .. }) | Op::Dense(Dense { weights, .. }) => {
            (weights.len() * graph.shape(id).plane()) as u64
        }
        _ => 0,
    };
    graph.ids().map(of_node).sum()
}
