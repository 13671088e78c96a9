//! The order in which each layer loses its channels, and the loss of each removal.

use super::sites::{Site, sites};
use super::surgeon::Surgeon;
use crate::calibration::{Activations, Batch, Calibration, Reading, Sampling};
use crate::graph::{Conv, Dense, Graph, NodeId, Op, Real};
use crate::passes::quantize::damped_covariances;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::ops::Range;

/// Columns of a reader at most that are taken as dependent on each other; bounds time and memory.
const MAX_BLOCK: usize = 1536;

/// The removal of a channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Removal {
    /// Which one of the layer's output channels.
    pub channel: usize,
    /// Squared error of the readers' outputs once this channel and those before it are removed and the others adjusted
    /// to compensate, as a share of the outputs' variance; summed over the readers. Never falls.
    pub loss: f64,
}

/// How a layer loses its channels.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelOrder {
    /// The layer that loses channels.
    pub layer: NodeId,
    /// The linear layers that read it.
    pub readers: Vec<NodeId>,
    /// Elements of one of its channels.
    pub values: usize,
    /// All channels but the last, first removed first.
    pub removals: Vec<Removal>,
}

/// The orders of all layers that can lose channels.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChannelOrders {
    by_layer: BTreeMap<NodeId, ChannelOrder>,
}

impl ChannelOrders {
    /// The order of every layer that can lose channels, by rising node id.
    pub fn iter(&self) -> impl Iterator<Item = &ChannelOrder> {
        self.by_layer.values()
    }

    /// The order of `layer`, where it can lose channels.
    pub fn get(&self, layer: NodeId) -> Option<&ChannelOrder> {
        self.by_layer.get(&layer)
    }
}

impl FromIterator<ChannelOrder> for ChannelOrders {
    fn from_iter<I: IntoIterator<Item = ChannelOrder>>(orders: I) -> Self {
        Self { by_layer: orders.into_iter().map(|order| (order.layer, order)).collect() }
    }
}

/// The orders for `graph` by the calibration images, each as if its layer alone lost channels. Layers are left out
/// whose readers have more than 1536 columns on one channel.
pub fn channel_orders(graph: &Graph<Real>, calibration: &Calibration) -> ChannelOrders {
    let sites = sites(graph);
    let producers: BTreeMap<NodeId, NodeId> =
        sites.iter().flat_map(|site| site.readers.iter().map(|&reader| (reader, site.layer))).collect();
    let mut pruned_readers: BTreeMap<NodeId, Option<PrunedReader>> = BTreeMap::new();
    let mut activations = Activations::new(graph, calibration);
    for id in graph.ids_in_order().into_iter().filter(|&id| id != graph.input()) {
        let input = activations.inputs(id).into_iter().next();
        let output = activations.record(id, graph.op(id));
        if let Some((&producer, input)) = producers.get(&id).zip(input) {
            pruned_readers
                .insert(id, PrunedReader::new(graph, id, graph.shape(producer).channels, &input, &output));
        }
    }
    let order = |Site { layer, readers }: Site| {
        let pruned_readers: Option<Vec<PrunedReader>> =
            readers.iter().map(|reader| pruned_readers.remove(reader).flatten()).collect();
        let shape = graph.shape(layer);
        let removals = take_apart(pruned_readers?, shape.channels);
        Some(ChannelOrder { layer, readers, values: shape.plane(), removals })
    };
    sites.into_iter().filter_map(order).collect()
}

/// A linear layer that reads the channels of a layer that loses some.
struct PrunedReader {
    /// One for each block of neighbouring channels.
    blocks: Vec<Surgeon>,
    /// Channels of a block.
    channels: usize,
    /// Variance of its outputs, summed.
    energy: f64,
}

impl PrunedReader {
    /// The reader `id` of a layer of `channels`; `None` where a channel has too many columns.
    fn new(graph: &Graph<Real>, id: NodeId, channels: usize, input: &Batch, output: &Batch) -> Option<Self> {
        let reading = Reading::from_op(graph.op(id), graph.shape(id))?;
        let (columns, weights) = (columns(graph.op(id)), weights(graph.op(id)));
        let taps = columns / channels;
        let per_block = (MAX_BLOCK / taps).min(channels);
        if per_block == 0 {
            return None;
        }
        let sampling = Sampling::new(reading, input.shape(), input.len());
        let starts = (0..columns).step_by(per_block * taps);
        let ranges: Vec<Range<usize>> =
            starts.map(|first| first..columns.min(first + per_block * taps)).collect();
        let covariances = damped_covariances(&sampling.inputs(input, 0), &ranges);
        let part = |range: &Range<usize>| -> Vec<f64> {
            let rows = weights.chunks_exact(columns);
            rows.flat_map(|row| &row[range.clone()]).map(|&weight| weight.into()).collect()
        };
        let blocks = covariances.into_iter().zip(&ranges);
        let blocks = blocks.map(|(covariance, range)| Surgeon::new(&covariance, part(range), taps)).collect();
        let energy = sampling.outputs(output, 0).variance().iter().sum();
        Some(Self { blocks, channels: per_block, energy })
    }

    /// The loss of removing `channel`, as a share of the outputs' variance.
    fn loss(&self, channel: usize) -> f64 {
        let loss = self.blocks[channel / self.channels].loss(channel % self.channels);
        if self.energy > 0.0 { loss / self.energy } else { 0.0 }
    }

    fn remove(&mut self, channel: usize) {
        self.blocks[channel / self.channels].remove(channel % self.channels);
    }
}

/// Weights in a row of `op`; 0 where it has none.
pub(super) fn columns(op: &Op<Real>) -> usize {
    match op {
        Op::Conv(Conv { bias, .. }) | Op::Dense(Dense { bias, .. }) => weights(op).len() / bias.len(),
        _ => 0,
    }
}

fn weights(op: &Op<Real>) -> &[f32] {
    match op {
        Op::Conv(Conv { weights, .. }) | Op::Dense(Dense { weights, .. }) => weights,
        _ => &[],
    }
}

/// Removes channel after channel, always the one with the least loss in all readers, until one is left.
fn take_apart(mut readers: Vec<PrunedReader>, channels: usize) -> Vec<Removal> {
    let mut left: Vec<usize> = (0..channels).collect();
    let (mut removals, mut lost) = (Vec::new(), 0.0);
    while left.len() > 1 {
        let loss = |&channel: &usize| readers.iter().map(|reader| reader.loss(channel)).sum::<f64>();
        let losses: Vec<f64> = left.par_iter().map(loss).collect();
        let Some(at) = (0..left.len()).min_by(|&a, &b| losses[a].total_cmp(&losses[b])) else { break };
        let channel = left.remove(at);
        readers.iter_mut().for_each(|reader| reader.remove(channel));
        lost += losses[at].max(0.0);
        removals.push(Removal { channel, loss: lost });
    }
    removals
}
