//! The effect of a layer's error on the logits.

use super::labelled::Labelled;
use crate::error::Result;
use crate::graph::NodeId;
use crate::graph::dequantized;
use crate::options::CompileOptions;
use crate::options::LayerChoice;
use crate::passes::{Choices, Narrowing, Preparation};

/// What every layer but the one that is looked at gets.
const FINE: LayerChoice = LayerChoice { bits: 8, sparsity: 0.0 };
/// What the layer that is looked at gets.
const COARSE: LayerChoice = LayerChoice { bits: 4, sparsity: 0.5 };

/// The squared error of the logits of a network in which only the layer `id` is compressed, divided by the squared
/// error predicted for the layer's own output, each as a share of its variance.
///
/// # Errors
/// Where scales do not agree.
pub(super) fn sensitivity(
    preparation: &Preparation<'_>,
    float: &[f32],
    labelled: &Labelled,
    options: &CompileOptions,
    id: NodeId,
) -> Result<f64> {
    let mut choices = Choices::uniform(FINE);
    choices.set(id, COARSE);
    let integers = preparation.quantize(&choices, &Narrowing::free(options))?.graph;
    let own = preparation.error(id, COARSE);
    let logits = labelled.logits(&dequantized(&integers));
    Ok(if own > 0.0 { relative_error(&logits, float) / own } else { 1.0 })
}

/// Squared distance of `logits` from those of the float network, as a share of the latter's variance.
fn relative_error(logits: &[f32], float: &[f32]) -> f64 {
    let mean = float.iter().map(|&x| f64::from(x)).sum::<f64>() / float.len() as f64;
    let variance: f64 = float.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum();
    let error: f64 = logits.iter().zip(float).map(|(&x, &y)| f64::from(x - y).powi(2)).sum();
    if variance > 0.0 { error / variance } else { 0.0 }
}
