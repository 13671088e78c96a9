//! The order in which channels are removed, over all layers.

use super::price::LayerPrices;
use crate::calibration::Calibration;
use crate::error::Result;
use crate::graph::{Graph, NodeId, Real};
use crate::options::CompileOptions;
use crate::passes::prune_channels::{ChannelChoice, ChannelOrders, channel_orders, remove_channels};
use crate::passes::remove_dead;
use std::collections::{BTreeMap, BTreeSet};

/// A float graph's channels in the order in which they are to go.
pub(super) struct Channels<'a> {
    graph: &'a Graph<Real>,
    calibration: &'a Calibration,
    orders: ChannelOrders,
    /// The layer that loses its next channel, first to go first.
    sequence: Vec<NodeId>,
}

impl<'a> Channels<'a> {
    /// The order for `graph`: the least loss for the time saved goes first.
    pub(super) fn new(
        graph: &'a Graph<Real>,
        calibration: &'a Calibration,
        options: &CompileOptions,
    ) -> Self {
        let orders = channel_orders(graph, calibration);
        let sequence = merged(&orders, &LayerPrices::new(graph, BTreeSet::new(), options));
        Self { graph, calibration, orders, sequence }
    }

    /// The largest number of channels without which `is_good` holds of the graph; by bisection.
    pub(super) fn most(&self, is_good: impl Fn(&Graph<Real>) -> bool) -> Result<usize> {
        let (mut good, mut bad) = (0, self.sequence.len() + 1);
        while bad - good > 1 {
            let middle = good.midpoint(bad);
            if is_good(&self.without(middle)?) { good = middle } else { bad = middle }
        }
        Ok(good)
    }

    /// The graph without the first `count` channels, the other weights fitted to compensate.
    pub(super) fn without(&self, count: usize) -> Result<Graph<Real>> {
        let mut counts: BTreeMap<NodeId, usize> = BTreeMap::new();
        self.sequence[..count].iter().for_each(|&layer| *counts.entry(layer).or_default() += 1);
        let mut choice = ChannelChoice::default();
        counts.into_iter().for_each(|(layer, count)| choice.set(layer, count));
        remove_dead(remove_channels(self.graph, &self.orders, &choice, self.calibration))
    }
}

fn merged(orders: &ChannelOrders, prices: &LayerPrices<'_>) -> Vec<NodeId> {
    let waiting: Vec<(NodeId, f64, Vec<f64>)> = orders
        .iter()
        .map(|order| {
            let losses = order.removals.iter().map(|step| step.loss).collect();
            (order.layer, prices.channel(order.layer), losses)
        })
        .collect();
    let (mut sequence, mut taken) = (Vec::new(), vec![0; waiting.len()]);
    loop {
        let next = |(index, (_, saved, losses)): (usize, &(NodeId, f64, Vec<f64>))| {
            let loss = losses.get(taken[index])?;
            let before = taken[index].checked_sub(1).map_or(0.0, |last| losses[last]);
            Some(((loss - before) / saved, index))
        };
        let cheapest = waiting.iter().enumerate().filter_map(next).min_by(|a, b| a.0.total_cmp(&b.0));
        let Some((_, index)) = cheapest else { return sequence };
        taken[index] += 1;
        sequence.push(waiting[index].0);
    }
}
