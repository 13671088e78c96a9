//! A float layer fitted again to what the float network computes, from another input.

use super::LayerChoice;
use super::curvature::{Block, Curvature};
use super::fit::{Support, block_size};
use super::layer::Layer;
use crate::calibration::{Pair, Reading, moments};
use crate::graph::{Conv, Dense, Op, Real, Shape};
use crate::numeric::Root;
use rayon::prelude::*;
use std::borrow::Cow;

/// `op`, a convolution or a dense layer with outputs of shape `output`, such that from the second of
/// `input`'s values it comes as close as it can to what it gives from the first; without weights on the
/// columns that `kept` denies. Zeros of a pruned layer stay.
pub(in crate::passes) fn refit(
    op: &Op<Real>,
    input: &Pair,
    output: Shape,
    kept: &(dyn Fn(usize) -> bool + Sync),
) -> Op<Real> {
    let image = input.float.shape();
    let (layer, reading) = match (op, Reading::of(op, output)) {
        (Op::Conv(conv), Some(reading)) => (Layer::conv(conv, image), reading),
        (Op::Dense(dense), Some(reading)) => (Layer::dense(dense, image), reading),
        _ => return op.clone(),
    };
    let block = block_size(&layer, LayerChoice { bits: 8, sparsity: 0.0 });
    let curvature = Curvature::measured(moments(input, &reading, block));
    let support = Support::of(&layer);
    let shared: Vec<Vec<Shared<'_>>> = curvature
        .groups
        .iter()
        .map(|group| group.blocks.iter().map(|block| Shared::new(block, kept)).collect())
        .collect();
    let row = |row: usize| {
        let group = layer.group(row);
        let mut fitted = vec![0.0; layer.columns()];
        shared[group].iter().for_each(|shared| shared.fit(&layer, &support, row, &mut fitted));
        let bias = layer.bias(row) + curvature.groups[group].bias_correction(layer.row(row), &fitted);
        (fitted.into_iter().map(|weight| weight as f32).collect(), bias as f32)
    };
    let (weights, bias): (Vec<Vec<f32>>, Vec<f32>) =
        (0..layer.outputs()).into_par_iter().map(row).collect::<Vec<_>>().into_iter().unzip();
    let weights = weights.concat();
    match op {
        Op::Conv(conv) => Op::Conv(Conv { window: conv.window, groups: conv.groups, weights, bias }),
        _ => Op::Dense(Dense { weights, bias }),
    }
}

/// What the rows of a layer have in common on the columns of a block.
struct Shared<'a> {
    block: &'a Block,
    /// Positions in the block of the columns that stay.
    places: Vec<usize>,
    /// Of their Hessian.
    root: Root,
}

impl<'a> Shared<'a> {
    fn new(block: &'a Block, kept: &(dyn Fn(usize) -> bool + Sync)) -> Self {
        let places: Vec<usize> = (0..block.columns.len()).filter(|&i| kept(block.columns[i])).collect();
        Self { block, root: block.hessian.select(&places).root(), places }
    }

    /// Enters the weights of `row` on these columns.
    fn fit(&self, layer: &Layer, support: &Support, row: usize, fitted: &mut [f64]) {
        let (columns, kept, weights) = (&self.block.columns, support.row(layer, row), layer.row(row));
        let places: Vec<usize> = self.places.iter().copied().filter(|&i| kept[columns[i]]).collect();
        let root = if places.len() == self.places.len() {
            Cow::Borrowed(&self.root)
        } else {
            Cow::Owned(self.block.hessian.select(&places).root())
        };
        let real: Vec<f64> = columns.iter().map(|&column| weights[column].into()).collect();
        let target = self.block.target(&real);
        let best = root.solve(&places.iter().map(|&i| target[i]).collect::<Vec<f64>>());
        places.into_iter().zip(best).for_each(|(place, weight)| fitted[columns[place]] = weight);
    }
}
