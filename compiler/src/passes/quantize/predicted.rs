//! How much of the noise that rounding makes is predicted to reach the logits.

use super::build::Quantizer;
use super::layer::Layer;
use super::{Noise, Rounding};
use crate::graph::{NodeId, Scale};

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
