//! Where rounding makes noise, and how much of it reaches the logits.

use super::build::Quantizer;
use super::scales::Row;
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
    /// The squared error of the logits that it makes, relative to their variance; about, see `tolerance.rs`.
    pub error: f64,
}

impl Quantizer<'_> {
    /// Of the rounded weights of the layer `id`, whose `rows` have these scales.
    pub(super) fn hear_weights(&mut self, node: NodeId, rows: &[Row], scales: &[f64]) {
        let reach = self.preparation.tolerance.reach(node).iter();
        let of_row = |(reach, (row, scale)): (&f64, (&Row, &f64))| reach * scale * scale * (row.read + 1.0);
        let error = reach.zip(rows.iter().zip(scales)).map(of_row).sum::<f64>() / 12.0;
        self.noise.push(Noise { node, rounding: Rounding::Weights, error });
    }

    /// Of the value `id`, which has lost bits and has these scales now.
    pub(super) fn hear_value(&mut self, node: NodeId, scales: &[f64]) {
        let reach = self.preparation.tolerance.reach(node).iter();
        let error = reach.zip(scales).map(|(reach, scale)| reach * scale * scale).sum::<f64>() / 12.0;
        self.noise.push(Noise { node, rounding: Rounding::Value, error });
    }
}
