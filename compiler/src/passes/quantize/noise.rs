//! Where rounding makes noise, and how much of it reaches the logits.

use super::build::Quantizer;
use super::layer::Layer;
use crate::graph::{NodeId, Scale};

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

impl Quantizer<'_> {
    /// Of the rounded weights of the layer `id`, which reads integers of scale `input` and gives those of scale `output`.
    pub(super) fn hear_weights(&mut self, node: NodeId, layer: &Layer, input: &Scale, output: &[f64]) {
        let error = self.preparation.sensitivity.of_weights(node, layer, input, output);
        self.noise.push(Noise { node, rounding: Rounding::Weights, error });
    }

    /// Of the value `id`, which has lost bits and has these scales now.
    pub(super) fn hear_value(&mut self, node: NodeId, scales: &[f64]) {
        let sensitivity = self.preparation.sensitivity.of_value(node).iter();
        let error = sensitivity.zip(scales).map(|(x, scale)| x * scale * scale).sum::<f64>() / 12.0;
        self.noise.push(Noise { node, rounding: Rounding::Value, error });
    }
}
