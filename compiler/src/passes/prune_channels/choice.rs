//! How many channels each layer loses.

use super::ChannelOrders;
use crate::graph::NodeId;
use std::collections::BTreeMap;

/// A number of channels for every layer; 0 where nothing has been set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelChoice {
    by_layer: BTreeMap<NodeId, usize>,
}

impl ChannelChoice {
    /// `share` (0 to 1) of the channels of every layer in `orders`.
    pub fn share(orders: &ChannelOrders, share: f64) -> Self {
        let count = |channels: usize| (share * channels as f64).round() as usize;
        let by_layer = orders.iter().map(|order| (order.layer, count(order.removals.len() + 1))).collect();
        Self { by_layer }
    }

    /// Takes `count` channels from `layer`; all but one where that is more than it can lose.
    pub fn set(&mut self, layer: NodeId, count: usize) {
        self.by_layer.insert(layer, count);
    }

    /// How many channels `layer` loses.
    pub fn of(&self, layer: NodeId) -> usize {
        self.by_layer.get(&layer).copied().unwrap_or(0)
    }
}
