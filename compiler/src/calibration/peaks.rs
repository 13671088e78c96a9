//! How large the values of a network get on a few images.

use super::{Batch, walk};
use crate::graph::{Graph, NodeId, Real, Scale};
use rayon::prelude::*;

/// The largest magnitude of every channel of every value, as far as a few images show.
#[derive(Clone, Debug, PartialEq)]
pub struct Peaks {
    /// By node, by channel.
    by_node: Vec<Vec<f32>>,
}

impl Peaks {
    /// Those of `graph` on `images`.
    pub fn measure(graph: &Graph<Real>, images: &Batch) -> Self {
        let mut by_node = vec![Vec::new(); graph.id_bound()];
        walk(graph, images, |id, values| by_node[id.index()] = of_channels(values));
        Self { by_node }
    }

    /// The largest integer of the middle channel of `id`, where integers have `scale`; 0 where nothing
    /// finite is known.
    pub fn integer(&self, id: NodeId, scale: &Scale) -> f64 {
        let peaks = &self.by_node[id.index()];
        // A node made on the way to `id` may have other channels.
        if matches!(scale, Scale::PerChannel(scales) if scales.len() != peaks.len()) {
            return 0.0;
        }
        let integer = |(channel, &peak): (usize, &f32)| f64::from(peak) / scale.channel(channel);
        let mut integers: Vec<f64> = peaks.iter().enumerate().map(integer).collect();
        integers.retain(|&integer| integer > 0.0);
        integers.sort_by(f64::total_cmp);
        integers.get(integers.len() / 2).copied().filter(|integer| integer.is_finite()).unwrap_or(0.0)
    }
}

fn of_channels(values: &Batch) -> Vec<f32> {
    let (shape, plane) = (values.shape(), values.shape().plane());
    let of_channel = |channel: usize| {
        let images = (0..values.len()).map(|image| &values.image(image)[channel * plane..][..plane]);
        images.flatten().fold(0f32, |peak, x| peak.max(x.abs()))
    };
    (0..shape.channels).into_par_iter().map(of_channel).collect()
}
