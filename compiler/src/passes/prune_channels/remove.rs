//! The network without some channels.

use super::{ChannelChoice, ChannelOrders, order};
use crate::calibration::{Activations, Calibration};
use crate::graph::{Graph, NodeId, Real};
use crate::passes::quantize::refit;
use std::collections::BTreeMap;

/// `graph` without the first channels of `orders`, as many as `choice` says, and with the layers after it
/// fitted again after the calibration images. The removed channels are still computed, but
/// nothing reads them; see [`crate::passes::remove_dead`].
pub fn remove_channels(
    graph: &Graph<Real>,
    orders: &ChannelOrders,
    choice: &ChannelChoice,
    calibration: &Calibration,
) -> Graph<Real> {
    let lost = lost_columns(graph, orders, choice);
    let mut result = graph.clone();
    let mut changed = vec![false; graph.id_bound()];
    let (mut whole, mut thin) = (Activations::new(graph, calibration), Activations::new(graph, calibration));
    for id in graph.ids_in_order().into_iter().filter(|&id| id != graph.input()) {
        let lost = lost.get(&id);
        let after = graph.inputs(id).into_iter().any(|input| changed[input.index()]);
        changed[id.index()] = lost.is_some() || after;
        let output = whole.record(id, graph.op(id));
        if changed[id.index()] {
            let kept = |column: usize| lost.is_none_or(|lost| !lost[column]);
            if let [input] = &thin.inputs(id)[..] {
                result.node_mut(id).op = refit(graph, id, input, &output, &kept);
            }
        }
        thin.record(id, result.op(id));
    }
    result
}

/// By reader: for every column of its weights, whether it is removed.
fn lost_columns(
    graph: &Graph<Real>,
    orders: &ChannelOrders,
    choice: &ChannelChoice,
) -> BTreeMap<NodeId, Vec<bool>> {
    let mut lost = BTreeMap::new();
    for order in orders.iter().filter(|order| choice.get(order.layer) > 0) {
        for &reader in &order.readers {
            let columns = order::columns(graph.op(reader));
            let taps = columns / graph.shape(order.layer).channels;
            let mut gone = vec![false; columns];
            for removal in order.removals.iter().take(choice.get(order.layer)) {
                gone[removal.channel * taps..][..taps].fill(true);
            }
            lost.insert(reader, gone);
        }
    }
    lost
}
