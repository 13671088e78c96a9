//! In which order each layer loses its channels, and what that costs.

use super::sites::{Site, sites};
use super::surgeon::Surgeon;
use crate::calibration::{Activations, BlockMoments, Calibration, Reading, moments};
use crate::graph::{Conv, Dense, Graph, NodeId, Op, Real};
use crate::numeric::{Matrix, dot};
use crate::passes::quantize::damping;
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Columns of a reader at most that are taken as dependent on each other; bounds time and memory.
const MAX_BLOCK: usize = 1536;

/// The removal of a channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Removal {
    /// Which one of the layer's output channels.
    pub channel: usize,
    /// Squared error of the readers' outputs once this channel and those before it are gone and the others
    /// make up for them, as a share of the outputs' variance; summed over the readers. Never falls.
    pub loss: f64,
}

/// How a layer loses its channels.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelOrder {
    /// The layer.
    pub layer: NodeId,
    /// The linear layers that read it.
    pub readers: Vec<NodeId>,
    /// All channels but the last, first removed first.
    pub removals: Vec<Removal>,
}

/// The orders of all layers that can lose channels.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChannelOrders {
    by_layer: BTreeMap<NodeId, ChannelOrder>,
}

impl ChannelOrders {
    /// All orders, by layer.
    pub fn iter(&self) -> impl Iterator<Item = &ChannelOrder> {
        self.by_layer.values()
    }

    /// The order of `layer`, where it can lose channels.
    pub fn of(&self, layer: NodeId) -> Option<&ChannelOrder> {
        self.by_layer.get(&layer)
    }
}

/// The orders for `graph` after the example images of `calibration`, each as if its layer alone lost
/// channels. Layers are left out whose readers have more than 1536 columns on one channel.
pub fn channel_orders(graph: &Graph<Real>, calibration: &Calibration) -> ChannelOrders {
    let sites = sites(graph);
    let producers: BTreeMap<NodeId, NodeId> =
        sites.iter().flat_map(|site| site.readers.iter().map(|&reader| (reader, site.layer))).collect();
    let mut patients: BTreeMap<NodeId, Option<Patient>> = BTreeMap::new();
    let mut activations = Activations::new(graph, calibration);
    for id in graph.ids_in_order().into_iter().filter(|&id| id != graph.input()) {
        if let Some(&producer) = producers.get(&id) {
            patients.insert(id, Patient::new(graph, id, graph.shape(producer).channels, &activations));
        }
        activations.record(id, graph.op(id));
    }
    let order = |Site { layer, readers }: Site| {
        let patients: Option<Vec<Patient>> =
            readers.iter().map(|reader| patients.remove(reader).flatten()).collect();
        let removals = take_apart(patients?, graph.shape(layer).channels);
        Some((layer, ChannelOrder { layer, readers, removals }))
    };
    ChannelOrders { by_layer: sites.into_iter().filter_map(order).collect() }
}

/// A reader of a layer that loses channels.
struct Patient {
    /// Of some channels after each other.
    blocks: Vec<Surgeon>,
    /// Channels of a block.
    channels: usize,
    /// Variance of its outputs, summed.
    energy: f64,
}

impl Patient {
    /// The reader `id` of a layer of `channels`; `None` where a channel has too many columns.
    fn new(graph: &Graph<Real>, id: NodeId, channels: usize, activations: &Activations<'_>) -> Option<Self> {
        let reading = Reading::of(graph.op(id), graph.shape(id))?;
        let taps = columns(graph.op(id)) / channels;
        let per_block = (MAX_BLOCK / taps).min(channels);
        if per_block == 0 {
            return None;
        }
        let group = moments(activations.inputs(id).first()?, &reading, per_block * taps).pop()?;
        let variances = |block: &BlockMoments| (0..block.own.size()).map(|i| block.own.at(i, i)).collect();
        let damping = damping(group.blocks.iter().flat_map::<Vec<f64>, _>(variances));
        let rows: Vec<Rows> = group.blocks.iter().map(|block| Rows::of(graph.op(id), block)).collect();
        let energy = group.blocks.iter().zip(&rows).map(|(block, rows)| rows.energy(&block.own)).sum();
        let surgeon = |(mut block, rows): (BlockMoments, Rows)| {
            block.own.add_to_diagonal(damping);
            Surgeon::new(block.own, rows.0, taps)
        };
        let blocks = group.blocks.into_iter().zip(rows).map(surgeon).collect();
        Some(Self { blocks, channels: per_block, energy })
    }

    /// What the removal of `channel` costs, as a share of the energy.
    fn loss(&self, channel: usize) -> f64 {
        let loss = self.blocks[channel / self.channels].loss(channel % self.channels);
        if self.energy > 0.0 { loss / self.energy } else { 0.0 }
    }

    fn remove(&mut self, channel: usize) {
        self.blocks[channel / self.channels].remove(channel % self.channels);
    }
}

/// The weights of all rows on the columns of a block.
struct Rows(Vec<f64>);

impl Rows {
    fn of(op: &Op<Real>, block: &BlockMoments) -> Self {
        let (Op::Conv(Conv { weights, .. }) | Op::Dense(Dense { weights, .. })) = op else {
            return Self(Vec::new());
        };
        let rows = weights.chunks_exact(columns(op));
        Self(rows.flat_map(|row| &row[block.columns.clone()]).map(|&weight| weight.into()).collect())
    }

    /// The variance of the output that comes from columns with this covariance, summed over the rows.
    fn energy(&self, covariance: &Matrix) -> f64 {
        self.0.chunks_exact(covariance.size()).map(|row| dot(row, &covariance.times(row))).sum()
    }
}

/// Weights in a row of `op`; 0 where it has none.
pub(super) fn columns(op: &Op<Real>) -> usize {
    match op {
        Op::Conv(Conv { weights, bias, .. }) | Op::Dense(Dense { weights, bias }) => {
            weights.len() / bias.len()
        }
        _ => 0,
    }
}

/// Always the channel whose loss is least, until one is left.
fn take_apart(mut readers: Vec<Patient>, channels: usize) -> Vec<Removal> {
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
