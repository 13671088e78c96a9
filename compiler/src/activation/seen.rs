//! For each activation: the range of its input and the standard deviation of its output on calibration images.

use super::Seen;
use crate::calibration::{Batch, walk};
use crate::graph::{Graph, NodeId, Op, Real};
use std::collections::BTreeMap;

/// Segments may be off by this share of the standard deviation of the activation's values.
const STRAYING: f64 = 0.01;
/// The range is this many times the largest magnitude that was seen.
const ROOM: f64 = 1.5;

/// By node: range and tolerance of each smooth activation.
pub type Ranges = BTreeMap<NodeId, Seen>;

/// The ranges of the smooth activations of `graph` on `images`; empty where there are none.
pub fn ranges(graph: &Graph<Real>, images: &Batch) -> Ranges {
    let curved: Vec<NodeId> = graph
        .ids_in_order()
        .into_iter()
        .filter(|&id| matches!(graph.op(id), Op::Activation(curve) if !super::is_piecewise_linear(curve)))
        .collect();
    let mut ranges = Ranges::new();
    if curved.is_empty() {
        return ranges;
    }
    let (mut reaches, mut deviations) = (BTreeMap::new(), BTreeMap::new());
    walk(graph, images, |id, values| {
        reaches.insert(id, values.values().iter().fold(0f32, |reach, x| reach.max(x.abs())));
        deviations.insert(id, values.deviation());
    });
    for id in curved {
        let reach = ROOM * f64::from(reaches[&graph.sole_input(id)]);
        let tolerance = STRAYING * deviations[&id];
        if reach > 0.0 && tolerance > 0.0 && reach.is_finite() {
            ranges.insert(id, Seen { reach, tolerance });
        }
    }
    ranges
}
