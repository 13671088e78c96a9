//! What quantisation needs to know of a float graph, for any choice of widths and sparsities.

use super::excess::Excess;
use super::layer::Layer;
use super::prune_order::PruneOrder;
use super::sensitivity::Sensitivity;
use super::tolerance::Tolerance;
use super::{Choices, estimate};
use crate::calibration::{self, Activations, Batch, Calibration, Reading, Sample, Sampling, Statistics};
use crate::error::Result;
use crate::graph::{Graph, NodeId, Real};
use crate::options::LayerChoice;
use runtime::plan::InputSpec;
use std::collections::BTreeMap;

/// A float graph that has been looked at, so that it can be quantised many times.
pub struct Preparation<'a> {
    pub(super) graph: &'a Graph<Real>,
    pub(super) input: &'a InputSpec,
    pub(super) calibration: Option<&'a Calibration>,
    pub(super) statistics: Statistics,
    pub(super) tolerance: Tolerance,
    pub(super) excess: Excess,
    pub(super) sensitivity: Sensitivity,
    layers: BTreeMap<NodeId, Prepared>,
}

/// A linear layer of the float graph on the calibration data.
pub(super) struct Prepared {
    pub sampling: Sampling,
    /// Samples of its outputs, by group.
    pub outputs: Vec<Sample>,
    /// Variance of each output.
    variance: Vec<f64>,
    /// Order in which its weights are pruned, where pruning is asked for.
    pub removals: Option<PruneOrder>,
}

impl<'a> Preparation<'a> {
    /// Prepares `graph` for all choices of width and sparsity.
    ///
    /// # Errors
    /// A pixel outside the declared range.
    pub fn new(
        graph: &'a Graph<Real>,
        input: &'a InputSpec,
        calibration: Option<&'a Calibration>,
    ) -> Result<Self> {
        Self::with(graph, input, calibration, |_| true)
    }

    /// Prepares `graph` for these choices only: layers that are not pruned need no order of pruning.
    ///
    /// # Errors
    /// A pixel outside the declared range.
    pub fn for_choices(
        graph: &'a Graph<Real>,
        input: &'a InputSpec,
        calibration: Option<&'a Calibration>,
        choices: &Choices,
    ) -> Result<Self> {
        Self::with(graph, input, calibration, |id| choices.get(id).sparsity > 0.0)
    }

    fn with(
        graph: &'a Graph<Real>,
        input: &'a InputSpec,
        calibration: Option<&'a Calibration>,
        is_pruned: impl Fn(NodeId) -> bool,
    ) -> Result<Self> {
        let images = calibration::images(calibration, input)?;
        let (statistics, layers) = match calibration {
            Some(calibration) => measure(graph, calibration, is_pruned),
            None => (Statistics::measure(graph, &images), BTreeMap::new()),
        };
        let unusual = Statistics::measure(graph, &calibration::unusual(&images, input));
        let excess = Excess::new(graph, &statistics, &unusual);
        let tolerance = Tolerance::new(graph, &statistics, calibration.is_some());
        let sensitivity = Sensitivity::measure(graph, &images, &statistics, calibration.is_some());
        Ok(Self { graph, input, calibration, statistics, tolerance, excess, sensitivity, layers })
    }

    /// The float graph that was looked at.
    pub fn graph(&self) -> &'a Graph<Real> {
        self.graph
    }

    /// How raw images become integers.
    pub fn input(&self) -> &'a InputSpec {
        self.input
    }

    /// The calibration images; `None` where synthetic images took their place.
    pub fn calibration(&self) -> Option<&'a Calibration> {
        self.calibration
    }

    /// How much the output of the linear layer `id` is likely to change if only this layer is
    /// compressed as `choice` says: the squared error as a share of the output's variance, 0 where
    /// `id` is no linear layer. An estimate within a factor of two or so, from the layer's weights and
    /// the float network's values (without calibration data: from inputs that are independent and
    /// equally large), that never falls with the sparsity. It takes milliseconds for a million weights.
    pub fn error(&self, id: NodeId, choice: LayerChoice) -> f64 {
        let Some(layer) = Layer::from_node(self.graph, id) else { return 0.0 };
        let prepared = self.layer(id);
        match prepared.and_then(|prepared| Some((prepared.removals.as_ref()?, &prepared.variance))) {
            Some((removals, variance)) => estimate::error(&layer, removals, variance, choice),
            None => {
                let (removals, variance) =
                    (PruneOrder::apart(&layer, estimate::step(&layer)), layer.squares());
                estimate::error(&layer, &removals, &variance, choice)
            }
        }
    }

    /// The layer `id`, where there is calibration data.
    pub(super) fn layer(&self, id: NodeId) -> Option<&Prepared> {
        self.layers.get(&id)
    }
}

fn measure(
    graph: &Graph<Real>,
    calibration: &Calibration,
    is_pruned: impl Fn(NodeId) -> bool,
) -> (Statistics, BTreeMap<NodeId, Prepared>) {
    let mut activations = Activations::new(graph, calibration);
    let (mut statistics, mut layers) = (Statistics::empty(graph), BTreeMap::new());
    statistics.record(graph.input(), graph.op(graph.input()), calibration.images());
    for id in graph.ids_in_order().into_iter().filter(|&id| id != graph.input()) {
        let inputs = activations.inputs(id);
        let output = activations.record(id, graph.op(id));
        statistics.record(id, graph.op(id), &output);
        let reading = Reading::from_op(graph.op(id), graph.shape(id));
        let Some((layer, reading)) = Layer::from_node(graph, id).zip(reading) else { continue };
        let sampling = Sampling::new(reading, inputs[0].shape(), inputs[0].len());
        layers.insert(id, Prepared::new(&layer, sampling, &inputs[0], &output, is_pruned(id)));
    }
    (statistics, layers)
}

impl Prepared {
    fn new(layer: &Layer, sampling: Sampling, input: &Batch, output: &Batch, is_pruned: bool) -> Self {
        let outputs = sampling.all_outputs(output);
        let variance = outputs.iter().flat_map(Sample::variance).collect();
        let removals = is_pruned.then(|| PruneOrder::measured(layer, &sampling.all_inputs(input)));
        Self { sampling, outputs, variance, removals }
    }
}
