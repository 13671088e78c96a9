//! Sources of rounding noise, and the effect of each on the logits.

use crate::graph::NodeId;

/// Whether the weights of a node or its value are rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// A layer's weights.
    Weights,
    /// A value that loses low bits.
    Value,
}

/// The noise that rounding one layer's weights or one value makes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    /// The node of the float graph whose weights or value are rounded.
    pub node: NodeId,
    /// Which of both.
    pub rounding: Rounding,
    /// The squared error of the logits that it makes, relative to their variance; about, see `sensitivity.rs`.
    pub error: f64,
}
