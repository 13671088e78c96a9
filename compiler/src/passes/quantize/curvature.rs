//! How much the errors of a layer's weights hurt: the Hessian of its squared output error, from what
//! the layer reads.
//!
//! With calibration data this is the covariance of the layer's input in the quantised network; the
//! bias takes up the mean (GPTQ: Frantar et al. 2022). The covariance with the float network's input
//! gives the weights that come closest to the float network's output although the input has changed
//! already. Without data the integers of all inputs are taken as independent and equally large.

use super::layer::Layer;
use crate::calibration::{BlockMoments, GroupMoments};
use crate::graph::Scale;
use crate::numeric::{Matrix, Root};

/// Added to the diagonal, as a share of its mean: keeps weights where the data says nothing.
const DAMPING: f64 = 0.01;
/// Independent columns are held in blocks of this size.
const INDEPENDENT: usize = 8;

/// Of a layer, by group.
#[derive(Clone, Debug)]
pub(super) struct Curvature {
    pub groups: Vec<GroupCurvature>,
}

/// Of the rows of one group.
#[derive(Clone, Debug)]
pub(super) struct GroupCurvature {
    pub blocks: Vec<Block>,
    means: Option<Means>,
}

/// Means of the columns.
#[derive(Clone, Debug)]
struct Means {
    float: Vec<f64>,
    quantized: Vec<f64>,
}

/// Of some columns of a row; those of different blocks are taken as independent.
#[derive(Clone, Debug)]
pub(super) struct Block {
    /// The columns in the order of the matrices; weights are rounded from the last, which matters most.
    pub columns: Vec<usize>,
    pub hessian: Matrix,
    pub root: Root,
    cross: Option<Matrix>,
    damping: f64,
}

impl Curvature {
    /// From calibration data.
    pub(super) fn measured(groups: Vec<GroupMoments>) -> Self {
        Self { groups: groups.into_iter().map(GroupCurvature::measured).collect() }
    }

    /// Of a layer whose input channels have scales `input` and integers that all count alike.
    pub(super) fn guessed(layer: &Layer, input: &Scale) -> Self {
        let square = |channel: usize| input.channel(channel).powi(2);
        let group = |group: usize| {
            let diagonal: Vec<f64> = (0..layer.columns()).map(|k| square(layer.channel(group, k))).collect();
            let damping = damping(diagonal.iter().copied());
            let block = |(index, part): (usize, &[f64])| {
                let mut own = Matrix::zeros(part.len());
                part.iter().enumerate().for_each(|(i, &x)| own.row_mut(i)[i] = x);
                Block::new(index * INDEPENDENT, &own, None, damping)
            };
            GroupCurvature {
                blocks: diagonal.chunks(INDEPENDENT).enumerate().map(block).collect(),
                means: None,
            }
        };
        Self { groups: (0..layer.groups()).map(group).collect() }
    }
}

impl GroupCurvature {
    fn measured(group: GroupMoments) -> Self {
        let diagonal =
            group.blocks.iter().flat_map(|block| (0..block.own.size()).map(|i| block.own.at(i, i)));
        let damping = damping(diagonal);
        let block = |moments: &BlockMoments| {
            Block::new(moments.columns.start, &moments.own, Some(&moments.cross), damping)
        };
        let blocks = group.blocks.iter().map(block).collect();
        Self { blocks, means: Some(Means { float: group.float_mean, quantized: group.mean }) }
    }

    /// What a row's bias must grow by where its `weights` become `quantized`, both real.
    pub(super) fn bias_correction(&self, weights: &[f32], quantized: &[f64]) -> f64 {
        let Some(means) = &self.means else { return 0.0 };
        let before: f64 = weights.iter().zip(&means.float).map(|(&w, mean)| f64::from(w) * mean).sum();
        let after: f64 = quantized.iter().zip(&means.quantized).map(|(w, mean)| w * mean).sum();
        before - after
    }
}

impl Block {
    fn new(first: usize, own: &Matrix, cross: Option<&Matrix>, damping: f64) -> Self {
        let mut order: Vec<usize> = (0..own.size()).collect();
        order.sort_by(|&i, &j| own.at(i, i).total_cmp(&own.at(j, j)).then(j.cmp(&i)));
        let mut hessian = own.select(&order);
        hessian.add_to_diagonal(damping);
        let cross = cross.map(|cross| cross.select(&order));
        let columns = order.into_iter().map(|column| first + column).collect();
        Self { columns, root: hessian.clone().root(), hessian, cross, damping }
    }

    /// Whether the float network's input is known, so that even all weights together can be improved.
    pub(super) fn is_measured(&self) -> bool {
        self.cross.is_some()
    }

    /// Hessian times the best weights, where the row's weights are `weights`.
    pub(super) fn target(&self, weights: &[f64]) -> Vec<f64> {
        let Some(cross) = &self.cross else { return self.hessian.times(weights) };
        let mut target = cross.times(weights);
        target.iter_mut().zip(weights).for_each(|(target, weight)| *target += self.damping * weight);
        target
    }
}

/// What is added to the diagonal of a Hessian with this `diagonal`.
pub(in crate::passes) fn damping(diagonal: impl Iterator<Item = f64>) -> f64 {
    let (count, sum) = diagonal.fold((0u32, 0.0), |(count, sum), x| (count + 1, sum + x));
    let mean = sum / f64::from(count.max(1));
    if mean > 0.0 { DAMPING * mean } else { 1.0 }
}
