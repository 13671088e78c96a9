//! Values of the integer graph while it grows.

use crate::graph::{IntegerFact, NodeId, Range, Scale, Shape};

/// A value of the integer graph.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub id: NodeId,
    /// The channels whose integers are zero for every image; their scales mean nothing.
    pub zero: Vec<bool>,
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
    IntegerFact { shape, scale, range, ring: None, compared: None, room: None }
}

/// One entry for every element of each channel.
pub(super) fn spread<T: Copy>(channels: Vec<T>, plane: usize) -> Vec<T> {
    channels.into_iter().flat_map(|x| std::iter::repeat_n(x, plane)).collect()
}
