//! One linear layer of integers: which weights stay, what they are worth, how they are rounded.

use super::curvature::{Block, Curvature};
use super::layer::{IntegerLayer, Layer};
use super::round::Part;
use super::{LayerChoice, prune, round};
use crate::graph::Scale;
use rayon::prelude::*;
use std::borrow::Cow;

/// A model with at least this share of zeros in a layer has been pruned; its zeros stay zero.
const PRUNED: f64 = 0.1;

/// Multiplications that taking the rows of a layer apart may cost; bounds its time.
const WORK: f64 = 4e10;
/// Columns of a block at most; bounds its memory.
const MAX_BLOCK: usize = 1024;

/// How many columns of `layer` may be taken as dependent on each other.
pub(super) fn block_size(layer: &Layer, choice: LayerChoice) -> usize {
    let row_by_row = choice.sparsity > 0.0 || !Support::of(layer).is_full();
    let affordable = (3.0 * WORK / layer.weights().len() as f64).sqrt() as usize;
    let most = if row_by_row { affordable.clamp(1, MAX_BLOCK) } else { MAX_BLOCK };
    let blocks = layer.columns().div_ceil(most);
    layer.columns().div_ceil(blocks.max(1)).max(1)
}

/// Which weights of a layer may differ from zero.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Support(Vec<bool>);

impl Support {
    /// All weights of `layer`, or, where it has been pruned, those that are not zero.
    pub(super) fn of(layer: &Layer) -> Self {
        let zeros = layer.weights().iter().filter(|&&weight| weight == 0.0).count();
        let pruned = zeros as f64 >= PRUNED * layer.weights().len() as f64;
        Self(layer.weights().iter().map(|&weight| !pruned || weight != 0.0).collect())
    }

    /// Whether all weights may.
    pub(super) fn is_full(&self) -> bool {
        self.0.iter().all(|&kept| kept)
    }

    /// For every weight of `row`, whether it may.
    pub(super) fn row(&self, layer: &Layer, row: usize) -> &[bool] {
        &self.0[row * layer.columns()..][..layer.columns()]
    }

    /// Takes out the weight at `index` of the layer.
    pub(super) fn drop(&mut self, index: usize) {
        self.0[index] = false;
    }

    /// The weights of `row` within `block`, fitted to what the layer should compute; inputs of scale 1.
    pub(super) fn part<'a>(&self, layer: &Layer, block: &'a Block, row: usize) -> Part<'a> {
        let kept = self.row(layer, row);
        let weights = layer.row(row);
        let real: Vec<f64> = block.columns.iter().map(|&column| weights[column].into()).collect();
        let target = block.target(&real);
        let places: Vec<usize> = (0..block.columns.len()).filter(|&i| kept[block.columns[i]]).collect();
        let root = if places.len() == block.columns.len() {
            Cow::Borrowed(&block.root)
        } else {
            Cow::Owned(block.hessian.select(&places).root())
        };
        let best = if block.is_measured() || places.len() < real.len() {
            root.solve(&places.iter().map(|&i| target[i]).collect::<Vec<f64>>())
        } else {
            real
        };
        let columns = places.into_iter().map(|i| block.columns[i]).collect::<Vec<usize>>();
        Part { input: vec![1.0; columns.len()], columns, best, root }
    }
}

/// A layer that has been pruned and can be rounded.
pub(super) struct Fit<'a> {
    layer: &'a Layer<'a>,
    input: &'a Scale,
    curvature: &'a Curvature,
    support: Support,
    largest: i32,
}

impl<'a> Fit<'a> {
    pub(super) fn new(
        layer: &'a Layer<'a>,
        input: &'a Scale,
        curvature: &'a Curvature,
        choice: LayerChoice,
    ) -> Self {
        let mut support = Support::of(layer);
        let zeros = support.0.iter().filter(|&&kept| !kept).count();
        let wanted = (choice.sparsity * support.0.len() as f64).round() as usize;
        if wanted > zeros {
            prune::prune(layer, curvature, &mut support, wanted - zeros);
        }
        Self { layer, input, curvature, support, largest: choice.largest() }
    }

    /// For each output channel the scale at which its rounded weights do least harm; 0 for no weights.
    pub(super) fn scales(&self) -> Vec<f64> {
        let scale = |row: usize| {
            let parts = self.parts(row);
            let candidates = round::candidates(round::unclipped(&parts, self.largest));
            round::least(candidates, |scale| round::error(&parts, scale, self.largest))
        };
        (0..self.layer.outputs()).into_par_iter().map(scale).collect()
    }

    /// The scale for all output channels at which the rounded weights do least harm; 0 for no weights.
    pub(super) fn common_scale(&self) -> f64 {
        let rows: Vec<Vec<Part<'_>>> =
            (0..self.layer.outputs()).into_par_iter().map(|row| self.parts(row)).collect();
        let unclipped = rows.iter().map(|parts| round::unclipped(parts, self.largest)).fold(0.0, f64::max);
        let errors = |scale: f64| -> Vec<f64> {
            rows.par_iter().map(|parts| round::error(parts, scale, self.largest)).collect()
        };
        round::least(round::candidates(unclipped), |scale| errors(scale).iter().sum())
    }

    /// The layer with outputs of these scales.
    pub(super) fn round(&self, output: &[f64]) -> IntegerLayer {
        let rows: Vec<(Vec<i32>, i128)> =
            (0..self.layer.outputs()).into_par_iter().map(|row| self.round_row(row, output[row])).collect();
        let (weights, bias): (Vec<Vec<i32>>, Vec<i128>) = rows.into_iter().unzip();
        IntegerLayer { weights: weights.concat(), bias }
    }

    fn round_row(&self, row: usize, scale: f64) -> (Vec<i32>, i128) {
        let mut integers = vec![0; self.layer.columns()];
        for part in self.parts(row) {
            let rounded = part.round(scale, self.largest);
            part.columns
                .iter()
                .zip(rounded.integers)
                .for_each(|(&column, integer)| integers[column] = integer);
        }
        let group = self.layer.group(row);
        let real = |(k, &integer): (usize, &i32)| {
            f64::from(integer) * scale / self.input.channel(self.layer.channel(group, k))
        };
        let quantized: Vec<f64> = integers.iter().enumerate().map(real).collect();
        let correction = self.curvature.groups[group].bias_correction(self.layer.row(row), &quantized);
        (integers, ((self.layer.bias(row) + correction) / scale).round() as i128)
    }

    fn parts(&self, row: usize) -> Vec<Part<'a>> {
        let group = self.layer.group(row);
        let part = |block: &'a Block| {
            let mut part = self.support.part(self.layer, block, row);
            let scale = |&column: &usize| self.input.channel(self.layer.channel(group, column));
            part.input = part.columns.iter().map(scale).collect();
            part
        };
        self.curvature.groups[group].blocks.iter().map(part).collect()
    }
}
