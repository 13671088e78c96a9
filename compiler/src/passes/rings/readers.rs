//! Widens the rings of values to what their readers require.

use crate::graph::is_fused;
use crate::graph::{Graph, Integer, NodeId, Op, Rescale};

/// Widens `bits`, by node: a value has at least the bits of what is computed from its shares alone, and the same
/// as what stays in its ring.
pub(super) fn serve(graph: &Graph<Integer>, bits: &mut [u32]) {
    let order = graph.ids_in_order();
    for &id in order.iter().rev() {
        let readers = graph.consumers(id).into_iter().map(|(reader, _)| reader);
        let demanded = readers.filter(|&reader| is_local(graph, reader)).map(|reader| bits[reader.index()]);
        bits[id.index()] = demanded.fold(bits[id.index()], u32::max);
    }
    for id in order {
        if keeps_ring(graph, id) {
            bits[id.index()] = bits[graph.sole_input(id).index()];
        }
        if let (Op::Rescale(Rescale { bits: dropped }), true) = (graph.op(id), is_fused(graph, id)) {
            // It is not computed by itself, so that nothing wraps around between it and its reader.
            let left = bits[graph.sole_input(id).index()] - dropped;
            bits[id.index()] = bits[id.index()].max(left);
        }
    }
}

/// Whether low bits of its result are made of low bits of what it reads: computed share by share, a product, or by comparisons
/// within its input's ring.
fn is_local(graph: &Graph<Integer>, id: NodeId) -> bool {
    let of_low_bits = matches!(
        graph.op(id),
        Op::Conv(_) | Op::Dense(_) | Op::AveragePool(_) | Op::Add(_) | Op::Mul | Op::Concat | Op::Gather(_)
    );
    of_low_bits || keeps_ring(graph, id)
}

/// Whether `id` has the ring of its input.
fn keeps_ring(graph: &Graph<Integer>, id: NodeId) -> bool {
    match graph.op(id) {
        Op::MaxPool(_) | Op::Flatten => true,
        Op::Add(add) => add.multipliers == [1],
        Op::Concat => graph.inputs(id).len() == 1,
        _ => false,
    }
}
