//! Values of the integer graph while it grows.

use crate::graph::{IntegerFact, NodeId, Range, Scale, Shape};
use runtime::plan::InputSpec;

/// A value of the integer graph.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub id: NodeId,
    /// Typical size of each channel's integers; a guess that only guides the choice of scales.
    pub typical: Vec<f64>,
}

/// The shortest form of these scales.
pub(super) fn scale(channels: Vec<f64>) -> Scale {
    match channels.first() {
        Some(&first) if channels.iter().all(|&scale| scale == first) => Scale::PerTensor(first),
        _ => Scale::PerChannel(channels),
    }
}

/// A fact before ranges are known.
pub(super) fn unbounded(shape: Shape, scale: Scale) -> IntegerFact {
    let range = vec![Range { low: i128::MIN, high: i128::MAX }; shape.channels];
    IntegerFact { shape, scale, range, peak: 0.0, ring: None }
}

/// Root mean square of pixels that are spread evenly over their range.
pub(super) fn typical_input(input: &InputSpec) -> Vec<f64> {
    (0..input.shape.channels)
        .map(|channel| input.bounds(channel))
        .map(|(low, high)| low.unsigned_abs().max(high.unsigned_abs()).max(1) as f64 / 3f64.sqrt())
        .collect()
}
