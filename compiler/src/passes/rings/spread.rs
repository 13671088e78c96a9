//! Between which integers values lie on example images.

use super::tail::Tail;
use crate::calibration::{Batch, walk};
use crate::graph::{Graph, Integer, IntegerFact};
use crate::reference::twin;
use rayon::prelude::*;
use runtime::plan::interval::Interval;

/// Images that are evaluated together; bounds memory.
const TOGETHER: usize = 32;
/// Integers are not followed beyond this; no ring holds as many.
const MOST: f64 = 1e30;

/// What a value looks like.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Spread {
    /// By channel: smallest and largest integer.
    channels: Vec<[f64; 2]>,
    /// The largest magnitudes of each image.
    pub(super) tail: Tail,
}

impl Spread {
    /// Of the values of every node of `graph` on `images`.
    pub(super) fn of(graph: &Graph<Integer>, images: &Batch) -> Vec<Self> {
        let mut seen = vec![Self::default(); graph.id_bound()];
        let twin = twin(graph);
        for images in images.chunks(TOGETHER) {
            walk(&twin, &images, |id, values| seen[id.index()].add(values, &graph.node(id).fact));
        }
        seen
    }

    /// The integers that are expected, by channel: those seen, times `margin`.
    pub(super) fn expected(&self, margin: f64) -> Vec<Interval> {
        let integer = |x: f64| (x * margin).clamp(-MOST, MOST);
        let channels = self.channels.iter();
        channels
            .map(|&[low, high]| Interval::new(integer(low).floor() as i128, integer(high).ceil() as i128))
            .collect()
    }

    fn add(&mut self, values: &Batch, fact: &IntegerFact) {
        let (plane, channels) = (values.shape().plane(), values.shape().channels);
        let of_image = |image: usize| -> Vec<[f64; 2]> {
            let planes = values.image(image).chunks_exact(plane).enumerate();
            planes.map(|(channel, plane)| bounds(plane, fact.scale.channel(channel))).collect()
        };
        let images: Vec<Vec<[f64; 2]>> = (0..values.len()).into_par_iter().map(of_image).collect();
        self.channels.resize(channels, [f64::INFINITY, f64::NEG_INFINITY]);
        for image in images {
            let largest = image.iter().flatten().fold(0f64, |largest, x| largest.max(x.abs()));
            self.tail.push(largest);
            for (known, [low, high]) in self.channels.iter_mut().zip(image) {
                *known = [known[0].min(low), known[1].max(high)];
            }
        }
    }
}

/// Smallest and largest integer of some values of this `scale`.
fn bounds(values: &[f32], scale: f64) -> [f64; 2] {
    let (low, high) =
        values.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &x| (low.min(x), high.max(x)));
    [f64::from(low) / scale, f64::from(high) / scale]
}
