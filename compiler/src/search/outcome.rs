//! Measures of a compressed model: its layers, its weights, its accuracy in exact integers.

use super::LayerOutcome;
use crate::calibration::integers;
use crate::error::Result;
use crate::evaluation::{Dataset, class};
use crate::graph::{Graph, NodeId, Op, Real};
use crate::options::CompileOptions;
use crate::passes::{Choices, Precision};
use rayon::prelude::*;
use runtime::plan::{self, ValidPlan};

/// Weights of the layer `id`, and its output channels; `None` where it is not linear.
pub(super) fn size(graph: &Graph<Real>, id: NodeId) -> Option<(usize, usize)> {
    match graph.op(id) {
        Op::Conv(conv) => Some((conv.weights.len(), conv.bias.len())),
        Op::Dense(dense) => Some((dense.weights.len(), dense.bias.len())),
        _ => None,
    }
}

/// The linear layers of `graph` after channels have been taken out, which gave `thin`.
pub(super) fn layers(graph: &Graph<Real>, thin: &Graph<Real>, precision: &Precision) -> Vec<LayerOutcome> {
    let outcome = |id: NodeId| {
        let (_, channels_before) = size(graph, id)?;
        let (_, channels) = thin.contains(id).then(|| size(thin, id))??;
        let name = graph.node(id).name.clone();
        let value_bits = precision.values.get(&id).copied().unwrap_or(0);
        let choice = precision.choices.get(id);
        Some(LayerOutcome { name, channels, channels_before, choice, value_bits })
    };
    graph.ids_in_order().into_iter().filter_map(outcome).collect()
}

/// Share of the channels that have been removed.
pub(super) fn lost_channels(layers: &[LayerOutcome]) -> f64 {
    let before: usize = layers.iter().map(|layer| layer.channels_before).sum();
    let left: usize = layers.iter().map(|layer| layer.channels).sum();
    if before == 0 { 0.0 } else { 1.0 - left as f64 / before as f64 }
}

/// Number of weights of `graph`.
fn weights(graph: &Graph<Real>) -> usize {
    graph.ids().filter_map(|id| size(graph, id)).map(|(weights, _)| weights).sum()
}

/// Mean width of the weights of `graph`.
pub(super) fn mean_bits(graph: &Graph<Real>, choices: &Choices) -> f64 {
    let bits = |id| size(graph, id).map(|(weights, _)| weights as f64 * f64::from(choices.get(id).bits));
    graph.ids().filter_map(bits).fold(0.0, |sum, bits| sum + bits) / weights(graph).max(1) as f64
}

/// Mean of the bits that the values of the linear layers of `graph` keep.
pub(super) fn mean_value_bits(graph: &Graph<Real>, precision: &Precision, options: &CompileOptions) -> f64 {
    let (mut bits, mut values) = (0.0, 0.0);
    for id in graph.ids().filter(|&id| size(graph, id).is_some()) {
        let kept = options.activation_bits as i32 + precision.values.get(&id).copied().unwrap_or(0);
        let elements = graph.shape(id).elements() as f64;
        bits += elements * f64::from(kept);
        values += elements;
    }
    if values > 0.0 { bits / values } else { options.activation_bits.into() }
}

/// Share of the weights of `graph` that `plan` does without.
pub(super) fn lost_weights(graph: &Graph<Real>, plan: &ValidPlan) -> f64 {
    // Channels that are only multiplied have weights in the plan alone.
    (1.0 - weights_left(plan) as f64 / weights(graph).max(1) as f64).max(0.0)
}

/// Weights of `plan` that are not zero.
fn weights_left(plan: &ValidPlan) -> usize {
    let weights = plan.plan().steps.iter().map(|step| match &step.op {
        plan::Op::Conv2d(conv) => conv.weights.as_slice(),
        plan::Op::Dense(dense) => dense.weights.as_slice(),
        _ => &[],
    });
    weights.flatten().filter(|&&weight| weight != 0).count()
}

/// Share of the images of `data` whose label is the class that `plan` names.
///
/// # Errors
/// A pixel outside the plan's raw range.
pub(super) fn exact_accuracy(plan: &ValidPlan, data: &Dataset) -> Result<f64> {
    let labels = data.labels().unwrap_or_default();
    let is_right = |(index, &label): (usize, &i64)| {
        let image = integers(&plan.client_view().input, &data.image(index))?;
        Ok(usize::from(class(plan, &image) as i64 == label))
    };
    let right: Vec<usize> = labels.par_iter().enumerate().map(is_right).collect::<Result<_>>()?;
    Ok(right.iter().sum::<usize>() as f64 / labels.len().max(1) as f64)
}
