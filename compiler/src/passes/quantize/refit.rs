//! Fits a float layer again, so that from a changed input it gives what it gave in the float network.

use super::curvature::{Block, Curvature, GroupCurvature};
use super::layer::Layer;
use super::support::Support;
use crate::calibration::{Batch, Reading, Sampling};
use crate::graph::{Conv, Dense, Graph, NodeId, Op, Real};
use crate::numeric::{Root, dot};
use rayon::prelude::*;
use std::borrow::Cow;

/// The operation of `id`, a convolution or a dense layer, fitted such that from `input` it comes as close as it can to
/// `output`, its value in the float network; without weights on the columns for which `kept` is false. Zeros of a
/// pruned layer stay. Other operations stay as they are.
pub(in crate::passes) fn refit(
    graph: &Graph<Real>,
    id: NodeId,
    input: &Batch,
    output: &Batch,
    kept: &(dyn Fn(usize) -> bool + Sync),
) -> Op<Real> {
    let op = graph.op(id);
    let Some((layer, reading)) = Layer::from_node(graph, id).zip(Reading::from_op(op, graph.shape(id)))
    else {
        return op.clone();
    };
    let sampling = Sampling::new(reading, input.shape(), input.len());
    let (inputs, outputs) = (sampling.all_inputs(input), sampling.all_outputs(output));
    let curvature = Curvature::measured(&layer, &inputs, &outputs, &vec![0.0; input.shape().channels]);
    let shared: Vec<Vec<Shared<'_>>> = curvature.groups.iter().map(|group| shared(group, kept)).collect();
    let support = Support::new(&layer);
    let row = |row: usize| {
        let group = layer.group(row);
        let mut fitted = vec![0.0; layer.columns()];
        shared[group].iter().for_each(|shared| shared.fit(&layer, &support, row, &mut fitted));
        let place = layer.place_in_group(row);
        let bias = curvature.groups[group].bias(layer.bias(row), place, fitted.iter().copied());
        (fitted.into_iter().map(|weight| weight as f32).collect(), bias as f32)
    };
    let rows: Vec<(Vec<f32>, f32)> = (0..layer.outputs()).into_par_iter().map(row).collect();
    let (weights, bias): (Vec<Vec<f32>>, Vec<f32>) = rows.into_iter().unzip();
    let weights = weights.concat();
    match op {
        Op::Conv(conv) => Op::Conv(Conv { window: conv.window, groups: conv.groups, weights, bias }),
        _ => Op::Dense(Dense { weights, bias }),
    }
}

fn shared<'a>(group: &'a GroupCurvature, kept: &dyn Fn(usize) -> bool) -> Vec<Shared<'a>> {
    match group {
        GroupCurvature::Guessed(_) => Vec::new(),
        GroupCurvature::Measured { blocks, .. } => {
            blocks.iter().map(|block| Shared::new(block, kept)).collect()
        }
    }
}

/// What the rows of a layer have in common on the columns of a block.
struct Shared<'a> {
    block: &'a Block,
    /// Places in the block of the columns that stay.
    places: Vec<usize>,
    /// Cholesky root of their Hessian.
    root: Root,
}

impl<'a> Shared<'a> {
    fn new(block: &'a Block, kept: &dyn Fn(usize) -> bool) -> Self {
        let first = block.columns.start;
        let places: Vec<usize> = (0..block.columns.len()).filter(|&place| kept(first + place)).collect();
        Self { block, root: block.hessian.root(&places), places }
    }

    /// Enters the weights of `row` on these columns.
    fn fit(&self, layer: &Layer, support: &Support, row: usize, fitted: &mut [f64]) {
        let (block, first) = (self.block, self.block.columns.start);
        let has = |&place: &usize| support.has(row * layer.columns() + first + place);
        let places: Vec<usize> = self.places.iter().copied().filter(has).collect();
        let root = if places.len() == self.places.len() {
            Cow::Borrowed(&self.root)
        } else {
            Cow::Owned(block.hessian.root(&places))
        };
        let real: Vec<f64> = layer.row(row)[block.columns.clone()].iter().map(|&w| w.into()).collect();
        let missing = &block.missing[layer.place_in_group(row)];
        let target = |&place: &usize| dot(block.hessian.row(place), &real) + missing[place];
        let best = root.solve(&places.iter().map(target).collect::<Vec<f64>>());
        places.iter().zip(best).for_each(|(place, weight)| fitted[first + place] = weight);
    }
}
