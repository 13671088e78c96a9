//! How many channels each layer loses.

use super::{ChannelOrder, ChannelOrders};
use crate::graph::NodeId;
use std::collections::BTreeMap;

/// A number of channels for every layer; 0 where nothing has been set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelChoice {
    by_layer: BTreeMap<NodeId, usize>,
}

impl ChannelChoice {
    /// `share` (0 to 1) of the values of all layers in `orders` together: those channels that cost least
    /// loss for each value that need not be computed.
    pub fn share(orders: &ChannelOrders, share: f64) -> Self {
        let mut steps: Vec<Step> = orders.iter().flat_map(steps).collect();
        steps.sort_by(|a, b| a.price().total_cmp(&b.price()));
        let all: usize = orders.iter().map(|order| order.values * (order.removals.len() + 1)).sum();
        let mut wanted = (share * all as f64).round() as usize;
        let mut choice = Self::default();
        for step in steps {
            let channels = step.channels.min(wanted.div_ceil(step.values));
            wanted = wanted.saturating_sub(channels * step.values);
            choice.set(step.layer, choice.get(step.layer) + channels);
        }
        choice
    }

    /// Takes `count` channels from `layer`; all but one where that is more than it can lose.
    pub fn set(&mut self, layer: NodeId, count: usize) {
        self.by_layer.insert(layer, count);
    }

    /// How many channels `layer` loses; 0 where nothing has been set.
    pub fn get(&self, layer: NodeId) -> usize {
        self.by_layer.get(&layer).copied().unwrap_or(0)
    }
}

/// Channels that a layer loses one after the other.
#[derive(Clone, Copy, Debug)]
struct Step {
    layer: NodeId,
    channels: usize,
    /// Elements of one channel.
    values: usize,
    loss: f64,
}

impl Step {
    /// The loss for one value.
    fn price(&self) -> f64 {
        self.loss / (self.channels * self.values) as f64
    }
}

/// The removals of a layer in steps whose prices rise: a cheap removal is taken with the dear ones before it.
fn steps(order: &ChannelOrder) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut before = 0.0;
    for removal in &order.removals {
        let mut step =
            Step { layer: order.layer, channels: 1, values: order.values, loss: removal.loss - before };
        before = removal.loss;
        while let Some(last) = steps.pop_if(|last| last.price() >= step.price()) {
            step.channels += last.channels;
            step.loss += last.loss;
        }
        steps.push(step);
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::testing::dense;
    use crate::graph::{Graph, RealFact, Shape};
    use crate::passes::prune_channels::Removal;

    /// Layers of (values, losses), with their orders.
    fn orders<const N: usize>(layers: [(usize, &[f64]); N]) -> ([NodeId; N], ChannelOrders) {
        let mut graph = Graph::new("image", RealFact { shape: Shape::vector(1) });
        let ids = layers.map(|_| graph.append("layer", dense(1, 1), &[graph.input()]).unwrap());
        let order = |(&layer, (values, losses)): (&NodeId, (usize, &[f64]))| {
            let removals =
                losses.iter().enumerate().map(|(channel, &loss)| Removal { channel, loss }).collect();
            ChannelOrder { layer, readers: Vec::new(), values, removals }
        };
        (ids, ids.iter().zip(layers).map(order).collect())
    }

    #[test]
    fn the_cheapest_values_go_first() {
        let ([small, large], orders) = orders([(1, &[0.1, 0.2, 0.3]), (10, &[0.5, 0.6, 5.0])]);
        let counts = |share: f64| {
            let choice = ChannelChoice::share(&orders, share);
            (choice.get(small), choice.get(large))
        };
        // The second channel of the large layer is so cheap that it pays to take the first.
        assert_eq!([0.0, 0.2, 0.4].map(counts), [(0, 0), (0, 1), (0, 2)]);
        assert_eq!([0.5, 0.6, 1.0].map(counts), [(2, 2), (3, 3), (3, 3)]);
    }
}
