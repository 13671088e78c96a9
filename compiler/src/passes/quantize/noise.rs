//! Where rounding makes noise, and how much of it reaches the logits.

use crate::graph::NodeId;

/// What is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// A layer's weights.
    Weights,
    /// A value that loses low bits.
    Value,
}

/// Noise of one source.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    /// Of the float graph.
    pub node: NodeId,
    /// What is rounded there.
    pub rounding: Rounding,
    /// The squared error of the logits that it makes, relative to their variance; about, see `sensitivity.rs`.
    pub error: f64,
}
