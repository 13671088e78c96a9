//! What a choice for a layer will cost in accuracy, before it is made.

use super::LayerChoice;
use super::layer::Layer;
use super::preparation::Prepared;
use super::removal::Removal;
use rayon::prelude::*;

/// Mean squared error of rounding weights of variance 1 to so many bits at the best scale: the
/// distortions of uniform quantisers with 2, 3, 7, 15, … levels for Gaussian numbers (Max 1960).
const DISTORTION: [f64; 8] = [0.3634, 0.1902, 0.0440, 0.0118, 0.0036, 0.0011, 0.00032, 0.0001];

/// Squared error of the output of `layer`, compressed as `choice` says, as a share of its variance on the
/// float network's input: the losses of the weights that go, and the rounding of those that stay, both
/// after the others have made up for them. Never falls as more weights go.
pub(super) fn error(layer: &Layer, prepared: &Prepared, choice: LayerChoice) -> f64 {
    let variance: f64 = prepared.outputs.iter().flat_map(|output| output.variance()).sum();
    let Some(removals) = &prepared.removals else { return 0.0 };
    let count = (choice.sparsity * layer.weights().len() as f64).round() as usize;
    let zeros = layer.weights().iter().filter(|&&weight| weight == 0.0).count();
    let ends = removals.cut(count.saturating_sub(zeros));
    let distortion = DISTORTION[(choice.bits.clamp(1, 8) - 1) as usize];
    let rows: Vec<(&Vec<Removal>, usize)> = removals.rows().iter().zip(ends).collect();
    let errors = rows.par_iter().enumerate().map(|(row, (removals, end))| {
        let lost: f64 = removals[..*end].iter().map(|removal| f64::from(removal.loss)).sum();
        let kept = &removals[*end..];
        let square = |removal: &Removal| f64::from(layer.row(row)[removal.column as usize]).powi(2);
        let size = kept.iter().map(square).sum::<f64>() / kept.len().max(1) as f64;
        let harm: f64 = kept.iter().map(|removal| f64::from(removal.harm)).sum();
        lost.max(0.0) + distortion * size * harm
    });
    let error: f64 = errors.collect::<Vec<f64>>().into_iter().sum();
    if variance > 0.0 { error / variance } else { 0.0 }
}
