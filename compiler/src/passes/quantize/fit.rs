//! Quantises one linear layer: which weights stay, the scale of each row, and how weights are rounded.

use super::curvature::{Block, Curvature, GroupCurvature};
use super::grid::Grid;
use super::layer::{IntegerLayer, Layer};
use super::prune_order::{self, PruneOrder};
use super::round::{self, Loss, Part};
use super::search::{self, LANES};
use super::support::Support;
use crate::graph::Scale;
use crate::numeric::dot;
use crate::options::LayerChoice;
use rayon::prelude::*;
use std::borrow::Cow;

/// Weights of rows that are looked at together for a common scale; bounds memory.
const COMMON_WEIGHTS: usize = 1 << 24;

/// A layer that has been pruned and can be rounded.
pub(super) struct Fit<'a> {
    layer: &'a Layer<'a>,
    input: &'a Scale,
    curvature: &'a Curvature,
    support: Support,
    grid: Grid,
}

/// A row of integers, each worth `scale` at the output.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FittedRow {
    pub scale: f64,
    weights: Vec<i32>,
}

impl<'a> Fit<'a> {
    /// Weights go in the order of `removals` where it is known.
    pub(super) fn new(
        layer: &'a Layer<'a>,
        input: &'a Scale,
        curvature: &'a Curvature,
        choice: LayerChoice,
        removals: Option<&PruneOrder>,
    ) -> Self {
        let grid = Grid::with_bits(choice.bits);
        let zeros_stay = choice.sparsity > 0.0 || !grid.has_zero();
        let mut support = if zeros_stay { Support::without_zeros(layer) } else { Support::new(layer) };
        let count = support.missing_zeros(choice.sparsity);
        match removals {
            _ if count == 0 => {}
            Some(removals) => removals.prune(layer, &mut support, count),
            None => prune_order::prune_by_size(layer, curvature, &mut support, count),
        }
        Self { layer, input, curvature, support, grid }
    }

    /// The rows, each at the scale at which it has the least loss; 0 for no weights.
    pub(super) fn rows(&self) -> Vec<FittedRow> {
        let row = |row: usize| {
            let parts = self.parts(row);
            self.row(&parts, round::best_scale(&parts, self.grid), self.grid)
        };
        (0..self.layer.outputs()).into_par_iter().map(row).collect()
    }

    /// The scale for all output channels at which the rounded weights do least loss; 0 for no weights.
    pub(super) fn common_scale(&self) -> f64 {
        let weight = self.layer.weights().len() / COMMON_WEIGHTS + 1;
        let rows = (0..self.layer.outputs()).into_par_iter().step_by(weight);
        let rows: Vec<Vec<Part<'_>>> = rows.map(|row| self.parts(row)).collect();
        let largest = rows.iter().map(|parts| round::unclipped(parts, self.grid)).fold(0.0, f64::max);
        if largest == 0.0 {
            return 0.0;
        }
        let weights = rows.iter().flatten().map(|part| part.best.len()).sum();
        search::least(largest, weights, |scales| {
            let errors = rows.par_iter().map(|parts| round::errors(parts, scales, self.grid));
            let errors: Vec<[f64; LANES]> = errors.collect();
            std::array::from_fn(|lane| errors.iter().map(|errors| errors[lane]).sum())
        })
    }

    /// The layer with outputs of these scales; `rows` that have theirs already are taken. Where a scale is finer than
    /// `fine`, weights are wider than was asked for.
    pub(super) fn round(&self, output: &[f64], rows: Vec<FittedRow>, fine: &[f64]) -> IntegerLayer {
        let mut rows: Vec<Option<FittedRow>> = rows.into_iter().map(Some).collect();
        rows.resize(output.len(), None);
        let again = |(row, (known, &scale)): (usize, (Option<FittedRow>, &f64))| {
            let again = || self.row(&self.parts(row), scale, self.grid.widened(fine[row] / scale));
            known.filter(|known| known.scale == scale).unwrap_or_else(again)
        };
        let rows: Vec<FittedRow> = rows.into_par_iter().zip(output).enumerate().map(again).collect();
        let bias = rows.iter().enumerate().map(|(index, row)| self.bias(index, row)).collect();
        IntegerLayer { weights: rows.into_iter().flat_map(|row| row.weights).collect(), bias }
    }

    fn row(&self, parts: &[Part<'_>], scale: f64, grid: Grid) -> FittedRow {
        let mut weights = vec![0; self.layer.columns()];
        for part in parts {
            let rounded = part.round(scale, grid);
            part.columns.iter().zip(rounded.integers).for_each(|(&at, integer)| weights[at] = integer);
        }
        FittedRow { scale, weights }
    }

    fn bias(&self, index: usize, row: &FittedRow) -> i128 {
        let group = self.layer.group(index);
        let real = |(column, &integer): (usize, &i32)| {
            f64::from(integer) * row.scale / self.input.channel(self.layer.channel(group, column))
        };
        let quantized = row.weights.iter().enumerate().map(real);
        let place = self.layer.place_in_group(index);
        let bias = self.curvature.groups[group].bias(self.layer.bias(index), place, quantized);
        (bias / row.scale).round() as i128
    }

    fn parts(&self, row: usize) -> Vec<Part<'a>> {
        match &self.curvature.groups[self.layer.group(row)] {
            GroupCurvature::Guessed(variances) => vec![self.part_apart(row, variances)],
            GroupCurvature::Measured { blocks, .. } => {
                blocks.iter().map(|block| self.part(row, block)).collect()
            }
        }
    }

    fn part_apart(&self, row: usize, variances: &[f64]) -> Part<'a> {
        let columns = self.kept(row, 0..variances.len());
        let weights = self.layer.row(row);
        Part {
            best: columns.iter().map(|&column| weights[column].into()).collect(),
            input: self.input_scales(row, &columns),
            loss: Loss::Diagonal(columns.iter().map(|&column| variances[column]).collect()),
            columns,
        }
    }

    /// The weights of `row` within `block`, fitted to what the layer should compute.
    fn part(&self, row: usize, block: &'a Block) -> Part<'a> {
        let first = block.columns.start;
        let kept = self.kept(row, block.order.iter().map(|&column| first + column));
        let real: Vec<f64> = self.layer.row(row)[block.columns.clone()].iter().map(|&w| w.into()).collect();
        let missing = &block.missing[self.layer.place_in_group(row)];
        let (best, root) = if kept.len() == real.len() {
            let missing: Vec<f64> = block.order.iter().map(|&column| missing[column]).collect();
            let change = block.root.solve(&missing);
            let best = block.order.iter().zip(change).map(|(&column, change)| real[column] + change);
            (best.collect(), Cow::Borrowed(&block.root))
        } else {
            let target =
                |&column: &usize| dot(block.hessian.row(column - first), &real) + missing[column - first];
            let picked: Vec<usize> = kept.iter().map(|&column| column - first).collect();
            let root = block.hessian.root(&picked);
            (root.solve(&kept.iter().map(target).collect::<Vec<f64>>()), Cow::Owned(root))
        };
        Part { best, input: self.input_scales(row, &kept), columns: kept, loss: Loss::Full(root) }
    }

    /// Those of `columns` whose weights in `row` may differ from zero.
    fn kept(&self, row: usize, columns: impl Iterator<Item = usize>) -> Vec<usize> {
        columns.filter(|&column| self.support.has(row * self.layer.columns() + column)).collect()
    }

    fn input_scales(&self, row: usize, columns: &[usize]) -> Vec<f64> {
        let group = self.layer.group(row);
        columns.iter().map(|&column| self.input.channel(self.layer.channel(group, column))).collect()
    }
}
