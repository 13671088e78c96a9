//! The Hessian of a layer's squared output error with respect to its weights, from the layer's input.
//!
//! With calibration images this is the covariance of the layer's input in the quantised network; the bias corrects the
//! mean (GPTQ: Frantar et al. 2022). That input already differs from the float network's: its covariance with the
//! residual, the float layer's output minus what the float weights give for that input, says how the weights are to
//! change to compensate. Without images the integers of all inputs are assumed independent and equally large.

use super::layer::Layer;
use crate::calibration::Sample;
use crate::graph::Scale;
use crate::numeric::{Matrix, Root};
use rayon::prelude::*;
use std::ops::Range;

/// Added to the diagonal, as a share of its mean: keeps weights where the data says nothing.
const DAMPING: f64 = 0.01;
/// Multiplications that taking the rows of a layer apart may cost; bounds its time.
const WORK: f64 = 4e10;
/// Columns of a block at most; bounds its memory.
const MAX_BLOCK: usize = 1024;

/// The Hessian of a layer, by group of a grouped convolution.
#[derive(Clone, Debug)]
pub(super) struct Curvature {
    pub groups: Vec<GroupCurvature>,
}

/// The Hessian that all rows of one group share.
#[derive(Clone, Debug)]
pub(super) enum GroupCurvature {
    /// Columns that are independent, each with its variance.
    Guessed(Vec<f64>),
    /// After data.
    Measured {
        /// Those of different blocks are taken as independent.
        blocks: Vec<Block>,
        /// Means of the columns.
        input: Vec<f64>,
        /// Means of the float layer's outputs.
        output: Vec<f64>,
    },
}

/// The Hessian of some neighbouring columns.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub columns: Range<usize>,
    pub hessian: Matrix,
    /// The order in which columns stand in roots, from 0; weights are rounded from the last, which
    /// matters most.
    pub order: Vec<usize>,
    /// Cholesky root of the Hessian of all columns, in this order.
    pub root: Root,
    /// For each output of the group the covariances of the columns with the residual: the float layer's output minus
    /// what the float weights give.
    pub missing: Vec<Vec<f64>>,
}

impl Curvature {
    /// The Hessian of a layer that reads `inputs` in the quantised network and gives `outputs` in the float network; by
    /// group. `excess` is variance that is added to each input channel.
    pub(super) fn measured(layer: &Layer, inputs: &[Sample], outputs: &[Sample], excess: &[f64]) -> Self {
        let group =
            |group: usize| GroupCurvature::measured(layer, group, &inputs[group], &outputs[group], excess);
        Self { groups: (0..layer.groups()).into_par_iter().map(group).collect() }
    }

    /// The Hessian of a layer whose input channels have scales `input` and integers that are independent and equally
    /// large.
    pub(super) fn guessed(layer: &Layer, input: &Scale) -> Self {
        let square = |group: usize, column: usize| input.channel(layer.channel(group, column)).powi(2);
        let group = |group: usize| {
            GroupCurvature::Guessed((0..layer.columns()).map(|column| square(group, column)).collect())
        };
        Self { groups: (0..layer.groups()).map(group).collect() }
    }
}

impl GroupCurvature {
    fn measured(layer: &Layer, group: usize, input: &Sample, output: &Sample, excess: &[f64]) -> Self {
        let missing = output.without(input, layer.group_weights(group));
        let ranges = blocks(layer);
        let share = ranges.len() as f64;
        let block = |(columns, mut hessian): (&Range<usize>, Matrix)| {
            hessian.add_to_each(columns.clone().map(|column| excess[layer.channel(group, column)]));
            let covariances = input.covariance_with(columns.clone(), &missing);
            let of_output = |output: usize| {
                covariances.iter().skip(output).step_by(missing.columns()).map(|x| x / share).collect()
            };
            Block::new(columns.clone(), hessian, (0..missing.columns()).map(of_output).collect())
        };
        let blocks = ranges.iter().zip(damped_covariances(input, &ranges)).map(block).collect();
        Self::Measured { blocks, input: input.mean().to_vec(), output: output.mean().to_vec() }
    }

    /// Squared output error of a change of the weight of each column by 1.
    pub(super) fn diagonal(&self) -> Vec<f32> {
        match self {
            Self::Guessed(variances) => variances.iter().map(|&x| x as f32).collect(),
            Self::Measured { blocks, .. } => {
                blocks.iter().flat_map(|block| block.hessian.diagonal()).map(|x| x as f32).collect()
            }
        }
    }

    /// The bias of a row whose real weights become `quantized`: the float row's `bias` where there is
    /// no data. `output` is the row's place in the group.
    pub(super) fn bias(&self, bias: f64, output: usize, quantized: impl Iterator<Item = f64>) -> f64 {
        match self {
            Self::Guessed(_) => bias,
            Self::Measured { input, output: means, .. } => {
                means[output] - quantized.zip(input).map(|(w, mean)| w * mean).sum::<f64>()
            }
        }
    }
}

impl Block {
    fn new(columns: Range<usize>, hessian: Matrix, missing: Vec<Vec<f64>>) -> Self {
        let mut order: Vec<usize> = (0..hessian.size()).collect();
        order.sort_by(|&i, &j| hessian.at(i, i).total_cmp(&hessian.at(j, j)).then(j.cmp(&i)));
        Self { columns, root: hessian.root(&order), order, hessian, missing }
    }
}

/// Columns of `layer` that are taken as dependent on each other.
pub(super) fn blocks(layer: &Layer) -> Vec<Range<usize>> {
    let affordable = (3.0 * WORK / layer.weights().len() as f64).sqrt() as usize;
    let blocks = layer.columns().div_ceil(affordable.clamp(1, MAX_BLOCK)).max(1);
    let size = layer.columns().div_ceil(blocks).max(1);
    (0..layer.columns()).step_by(size).map(|first| first..layer.columns().min(first + size)).collect()
}

/// The covariance of each of these blocks of columns, their diagonals raised.
pub(in crate::passes) fn damped_covariances(sample: &Sample, blocks: &[Range<usize>]) -> Vec<Matrix> {
    let mut all: Vec<Matrix> = blocks.iter().map(|columns| sample.covariance(columns.clone())).collect();
    let mean = all.iter().flat_map(Matrix::diagonal).sum::<f64>() / sample.columns() as f64;
    let damping = if mean > 0.0 { DAMPING * mean } else { 1.0 };
    all.iter_mut().for_each(|matrix| matrix.add_to_diagonal(damping));
    all
}
