//! The order in which the weights of a layer become zero, by the optimal brain surgeon.
//!
//! In every row of the float layer weights are removed one by one, each time the one with the least loss once the
//! others are adjusted to compensate (OBC: Frantar, Singh & Alistarh 2022). For a given sparsity, the weights with the
//! least losses in the whole layer become zero; a row may lose more of them than another. So one order serves every
//! sparsity. Without calibration images inputs are assumed independent, and this is pruning by magnitude, after weights
//! are multiplied by the scales of their inputs.

use super::curvature::{self, Curvature};
use super::layer::Layer;
use super::obs::{ObsUpdate, PruneStep};
use super::support::{Cheapest, Support};
use crate::calibration::Sample;
use crate::numeric::Matrix;
use rayon::prelude::*;
use std::ops::Range;

/// For each row of a layer: all its weights that are not zero, in the order in which they are removed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PruneOrder {
    rows: Vec<Vec<PruneStep>>,
}

impl PruneOrder {
    /// Measures a layer whose inputs in the float network are `inputs`, by group.
    pub(super) fn measured(layer: &Layer, inputs: &[Sample]) -> Self {
        let ranges = curvature::blocks(layer);
        let inverses: Vec<Vec<Matrix>> = inputs
            .par_iter()
            .map(|input| {
                let all = curvature::damped_covariances(input, &ranges);
                all.iter()
                    .map(|matrix| matrix.root(&(0..matrix.size()).collect::<Vec<_>>()).inverse())
                    .collect()
            })
            .collect();
        let support = Support::without_zeros(layer);
        let row = |row: usize| {
            let blocks = ranges.iter().zip(&inverses[layer.group(row)]);
            let parts = blocks.map(|(columns, inverse)| take_apart(layer, row, columns, inverse, &support));
            joined(parts.collect())
        };
        Self { rows: (0..layer.outputs()).into_par_iter().map(row).collect() }
    }

    /// The order by magnitude of one row in `step` of a layer, whose inputs are assumed independent with variance 1;
    /// the other rows are left empty.
    pub(super) fn apart(layer: &Layer, step: usize) -> Self {
        let pruned = |(column, &weight): (usize, &f32)| {
            (weight != 0.0).then_some(PruneStep {
                column: column as u32,
                loss: weight * weight,
                curvature: 1.0,
            })
        };
        let row = |row: usize| {
            let weights = if row.is_multiple_of(step) { layer.row(row) } else { &[] };
            joined(vec![weights.iter().enumerate().filter_map(pruned).collect()])
        };
        Self { rows: (0..layer.outputs()).into_par_iter().map(row).collect() }
    }

    /// Takes `count` more weights out of `support`, in this order; it may lack some already.
    pub(super) fn prune(&self, layer: &Layer, support: &mut Support, count: usize) {
        let place = |row: usize, step: &PruneStep| row * layer.columns() + step.column as usize;
        let left = |(row, removals): (usize, &Vec<PruneStep>)| -> Vec<PruneStep> {
            removals.iter().filter(|step| support.has(place(row, step))).copied().collect()
        };
        let left = Self { rows: self.rows.iter().enumerate().map(left).collect() };
        for (row, (removals, end)) in left.rows.iter().zip(left.cut(count)).enumerate() {
            removals[..end].iter().for_each(|step| support.drop(place(row, step)));
        }
    }

    /// For each row how many of its weights are removed where `count` are removed from the whole layer.
    pub(super) fn cut(&self, count: usize) -> Vec<usize> {
        let losses = self.rows.iter().flatten().map(|step| step.loss).collect();
        let mut cheapest = Cheapest::new(losses, count);
        let end = |row: &Vec<PruneStep>| row.iter().take_while(|step| cheapest.takes(step.loss)).count();
        self.rows.iter().map(end).collect()
    }

    /// Number of weights that can be removed: all that are not zero.
    pub(super) fn count(&self) -> usize {
        self.rows.iter().map(Vec::len).sum()
    }

    /// The steps of each row, in order.
    pub(super) fn rows(&self) -> &[Vec<PruneStep>] {
        &self.rows
    }
}

fn take_apart(
    layer: &Layer,
    row: usize,
    columns: &Range<usize>,
    inverse: &Matrix,
    support: &Support,
) -> Vec<PruneStep> {
    let weights = &layer.row(row)[columns.clone()];
    let mut rest = ObsUpdate::new(inverse, weights.iter().map(|&weight| weight.into()).collect());
    let first = row * layer.columns() + columns.start;
    rest.remove_all(|place| !support.has(first + place));
    let mut removals = rest.sequence();
    removals.iter_mut().for_each(|step| step.column += columns.start as u32);
    removals
}

/// The sequences of a row's blocks in one, losses rising.
fn joined(parts: Vec<Vec<PruneStep>>) -> Vec<PruneStep> {
    let mut all = parts.concat();
    all.sort_by(|a, b| a.loss.total_cmp(&b.loss));
    all
}

/// Takes `count` more weights out of `support`, those with the least losses where none is compensated for.
pub(super) fn prune_by_size(layer: &Layer, curvature: &Curvature, support: &mut Support, count: usize) {
    let diagonals: Vec<Vec<f32>> = curvature.groups.iter().map(|group| group.diagonal()).collect();
    let columns = layer.columns();
    let loss = |index: usize| {
        let second = diagonals[layer.group(index / columns)][index % columns];
        if support.has(index) { layer.weights()[index].powi(2) * second } else { f32::INFINITY }
    };
    let losses: Vec<f32> = (0..layer.weights().len()).into_par_iter().map(loss).collect();
    let mut cheapest = Cheapest::new(losses.clone(), count);
    for (index, loss) in losses.into_iter().enumerate() {
        if cheapest.takes(loss) {
            support.drop(index);
        }
    }
}
