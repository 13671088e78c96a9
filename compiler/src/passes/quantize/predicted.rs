//! Predicts the error of the logits that each rounded weight matrix and each truncated value causes.

use super::build::Quantizer;
use super::layer::Layer;
use super::{Noise, Rounding};
use crate::graph::{NodeId, Scale};

impl Quantizer<'_> {
    /// Adds the noise of the rounded weights of the layer `node`, which reads integers of scale `input` and gives those
    /// of scale `output`.
    pub(super) fn record_weight_noise(&mut self, node: NodeId, layer: &Layer, input: &Scale, output: &[f64]) {
        let error = self.preparation.sensitivity.of_weights(node, layer, input, output);
        self.noise.push(Noise { node, rounding: Rounding::Weights, error });
    }

    /// Adds the noise of the value of `node`, which has lost bits and has these scales now.
    pub(super) fn record_value_noise(&mut self, node: NodeId, scales: &[f64]) {
        let sensitivity = self.preparation.sensitivity.of_value(node).iter();
        let error = sensitivity.zip(scales).map(|(x, scale)| x * scale * scale).sum::<f64>() / 12.0;
        self.noise.push(Noise { node, rounding: Rounding::Value, error });
    }
}
