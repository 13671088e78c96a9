//! The range of each value's integers on calibration images.

use super::tail::Tail;
use crate::calibration::{Batch, walk};
use crate::graph::dequantized;
use crate::graph::{Graph, Integer, IntegerFact};
use rayon::prelude::*;
use runtime::plan::interval::Interval;

/// Integers are not followed beyond this; no ring holds as many.
const MOST: f64 = 1e30;

/// The range of a value's integers on calibration images, and the largest magnitude in each image.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Spread {
    /// By channel: smallest and largest integer.
    channels: Vec<[f64; 2]>,
    /// The largest magnitudes of each image.
    pub(super) tail: Tail,
}

impl Spread {
    /// The ranges of the values of every node of `graph` on `images`, by node. Images are evaluated one by one, so that
    /// memory grows with the number of cores only.
    pub(super) fn measure(graph: &Graph<Integer>, images: &Batch) -> Vec<Self> {
        let real = dequantized(graph);
        let of_image = |index: usize| {
            let mut planes = vec![Vec::new(); graph.id_bound()];
            let image = Batch::new(images.shape(), images.image(index).to_vec());
            walk(&real, &image, |id, values| planes[id.index()] = bounds(values, &graph.node(id).fact));
            planes
        };
        let seen: Vec<Vec<Vec<[f64; 2]>>> = (0..images.len()).into_par_iter().map(of_image).collect();
        let mut spreads = vec![Self::default(); graph.id_bound()];
        for planes in seen {
            spreads.iter_mut().zip(planes).for_each(|(spread, planes)| spread.add(&planes));
        }
        spreads
    }

    /// The expected range, by channel: the range seen, times `margin`.
    pub(super) fn expected(&self, margin: f64) -> Vec<Interval> {
        let integer = |x: f64| (x * margin).clamp(-MOST, MOST);
        let channels = self.channels.iter();
        channels
            .map(|&[low, high]| Interval::new(integer(low).floor() as i128, integer(high).ceil() as i128))
            .collect()
    }

    /// Adds one more image, with the smallest and largest integer of each of its channels.
    fn add(&mut self, planes: &[[f64; 2]]) {
        self.tail.push(planes.iter().flatten().fold(0f64, |largest, x| largest.max(x.abs())));
        self.channels.resize(planes.len(), [f64::INFINITY, f64::NEG_INFINITY]);
        for (known, [low, high]) in self.channels.iter_mut().zip(planes) {
            *known = [known[0].min(*low), known[1].max(*high)];
        }
    }
}

/// Smallest and largest integer of every channel of one image's `values`.
fn bounds(values: &Batch, fact: &IntegerFact) -> Vec<[f64; 2]> {
    let planes = values.image(0).chunks_exact(values.shape().plane()).enumerate();
    planes
        .map(|(channel, plane)| {
            let (low, high) = plane
                .iter()
                .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &x| (low.min(x), high.max(x)));
            let scale = fact.scale.channel(channel);
            [f64::from(low) / scale, f64::from(high) / scale]
        })
        .collect()
}
