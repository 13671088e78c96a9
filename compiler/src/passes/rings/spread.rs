//! Between which integers values lie on example images.

use crate::calibration::{Batch, walk};
use crate::graph::{Graph, Integer, IntegerFact};
use crate::reference::twin;
use rayon::prelude::*;
use runtime::plan::interval::Interval;

/// Images that are evaluated together; bounds memory.
const TOGETHER: usize = 64;
/// Integers are not followed beyond this; no ring holds as many.
const MOST: f64 = 1e30;

/// By node, by channel: the integers between which all values on `images` lie, times 2^`margin`.
pub(super) fn spreads(graph: &Graph<Integer>, images: &Batch, margin: u32) -> Vec<Vec<Interval>> {
    let mut seen: Vec<Vec<Interval>> = vec![Vec::new(); graph.id_bound()];
    let (twin, factor) = (twin(graph), f64::from(margin).exp2());
    for images in images.chunks(TOGETHER) {
        walk(&twin, &images, |id, values| {
            let found = of_channels(values, &graph.node(id).fact, factor);
            let known = &mut seen[id.index()];
            if known.is_empty() {
                *known = found;
            } else {
                known.iter_mut().zip(found).for_each(|(known, found)| *known = known.hull(found));
            }
        });
    }
    seen
}

fn of_channels(values: &Batch, fact: &IntegerFact, factor: f64) -> Vec<Interval> {
    let plane = values.shape().plane();
    let of_channel = |channel: usize| {
        let images = (0..values.len()).map(|image| &values.image(image)[channel * plane..][..plane]);
        let (low, high) = images
            .flatten()
            .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &x| (low.min(x), high.max(x)));
        let integer = |x: f32| (f64::from(x) / fact.scale.channel(channel) * factor).clamp(-MOST, MOST);
        Interval::new(integer(low).floor() as i128, integer(high).ceil() as i128)
    };
    (0..values.shape().channels).into_par_iter().map(of_channel).collect()
}
