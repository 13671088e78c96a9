//! Estimates the output error of a layer for a weight width and a sparsity, without quantising it.
//!
//! Each weight adds the loss of its rounding error or, where it is pruned, of its removal, whichever is larger. Both
//! come from the pruning order, as if the weights that are removed later compensated for the error; the scale is the
//! best of a fixed list. The estimate never falls when the share of zeros grows.

use super::grid::Grid;
use super::layer::Layer;
use super::obs::PruneStep;
use super::prune_order::PruneOrder;
use super::search::LANES;
use super::support::Support;
use crate::numeric::simd::{self, Kernel};
use crate::options::LayerChoice;
use rayon::prelude::*;

/// Scales that are tried, each smaller than the one before by [`STEP`].
const SCALES: usize = 6 * LANES;
const STEP: f64 = 0.94;
/// Weights that are looked at; of larger layers, only some rows are.
const ENOUGH_WEIGHTS: usize = 1 << 18;

/// Squared error of the outputs of `layer` as a share of their variances, the latter by row.
pub(super) fn error(layer: &Layer, removals: &PruneOrder, variance: &[f64], choice: LayerChoice) -> f64 {
    let weights = layer.weights().iter().filter(|&&weight| weight != 0.0).count().max(1);
    let share = Support::without_zeros(layer).missing_zeros(choice.sparsity) as f64 / weights as f64;
    let ends = removals.cut((share * removals.count() as f64).round() as usize);
    let every = step(layer);
    let rows = (0..layer.outputs()).into_par_iter().step_by(every);
    let rows = rows.map(|row| {
        let row_of_layer =
            PrunedRow { weights: layer.row(row), removals: &removals.rows()[row], gone: ends[row] };
        (row_of_layer.error(Grid::with_bits(choice.bits)), variance[row])
    });
    let rows: Vec<(f64, f64)> = rows.collect();
    let (error, whole) = rows.iter().fold((0.0, 0.0), |sum, row| (sum.0 + row.0, sum.1 + row.1));
    if whole > 0.0 { error / whole } else { 0.0 }
}

/// One row in so many is looked at.
pub(super) fn step(layer: &Layer) -> usize {
    layer.weights().len().div_ceil(ENOUGH_WEIGHTS).max(1)
}

/// A row of which the first `gone` removals have taken place.
#[derive(Clone, Copy)]
struct PrunedRow<'a> {
    weights: &'a [f32],
    removals: &'a [PruneStep],
    gone: usize,
}

impl PrunedRow<'_> {
    fn error(self, grid: Grid) -> f64 {
        let weights = self.removals.iter().map(|step| f64::from(self.weights[step.column as usize]));
        let largest = weights.map(f64::abs).fold(0.0, f64::max) / grid.largest();
        if largest == 0.0 {
            return 0.0;
        }
        let scales = (0..SCALES)
            .step_by(LANES)
            .map(|first| std::array::from_fn(|lane| largest * STEP.powi((first + lane) as i32)));
        scales.flat_map(|scales| simd::run(Errors { row: self, scales, grid })).fold(f64::INFINITY, f64::min)
    }
}

/// Errors of a row at several scales.
struct Errors<'a> {
    row: PrunedRow<'a>,
    scales: [f64; LANES],
    grid: Grid,
}

impl Kernel for Errors<'_> {
    type Output = [f64; LANES];

    #[inline(always)]
    fn run(self) -> [f64; LANES] {
        let inverse = self.scales.map(|scale| 1.0 / scale);
        let mut errors = [0.0; LANES];
        for (i, step) in self.row.removals.iter().enumerate() {
            let weight = f64::from(self.row.weights[step.column as usize]);
            let least = if i < self.row.gone { f64::from(step.loss) } else { 0.0 };
            for lane in 0..LANES {
                let off = weight - self.grid.nearest(weight * inverse[lane]) * self.scales[lane];
                errors[lane] += (f64::from(step.curvature) * off * off).max(least);
            }
        }
        errors
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibration::{Batch, Reading, Sample, Sampling, apply};
    use crate::graph::{Dense, Op, Real, Scale, Shape};
    use crate::passes::quantize::curvature::Curvature;
    use crate::passes::quantize::fit::Fit;
    use proptest::prelude::*;

    const INPUTS: usize = 40;
    const OUTPUTS: usize = 24;

    /// A dense layer and what it reads, neighbours of which resemble each other.
    fn case(noise: &[f32]) -> (Op<Real>, Batch) {
        let (weights, noise) = noise.split_at(INPUTS * OUTPUTS);
        let smooth = |image: &[f32]| -> Vec<f32> {
            (0..INPUTS)
                .map(|i| image[i..i + 4].iter().sum::<f32>() + 0.3 * image[(i * 7) % image.len()])
                .collect()
        };
        let images = noise.chunks_exact(INPUTS + 3).flat_map(smooth).collect();
        let op = Op::Dense(Dense { weights: weights.to_vec(), bias: vec![0.1; OUTPUTS] });
        (op, Batch::new(Shape::vector(INPUTS), images))
    }

    fn noise() -> impl Strategy<Value = Vec<f32>> {
        proptest::collection::vec(-1f32..1.0, INPUTS * OUTPUTS + 300 * (INPUTS + 3))
    }

    /// The share of the variance that is lost once the layer is compressed.
    fn lost(
        layer: &Layer,
        op: &Op<Real>,
        inputs: &Sample,
        outputs: &Sample,
        removals: &PruneOrder,
        choice: LayerChoice,
    ) -> f64 {
        let curvature = Curvature::measured(
            layer,
            std::slice::from_ref(inputs),
            std::slice::from_ref(outputs),
            &vec![0.0; layer.columns()],
        );
        let input = Scale::PerTensor(1.0);
        let fit = Fit::new(layer, &input, &curvature, choice, Some(removals));
        let rows = fit.rows();
        let scales: Vec<f64> = rows.iter().map(|row| row.scale.max(1e-9)).collect();
        let Op::Dense(real) = layer.real_op(&fit.round(&scales, rows, &scales), &input, &scales, op) else {
            unreachable!()
        };
        let sum = |sample: &Sample| sample.variance().iter().sum::<f64>();
        sum(&outputs.without(inputs, &real.weights)) / sum(outputs)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4))]

        #[test]
        fn the_outlook_is_near_what_happens_and_never_brightens_with_sparsity(noise in noise()) {
            let (op, batch) = case(&noise);
            let Op::Dense(dense) = &op else { unreachable!() };
            let layer = Layer::dense(dense, batch.shape());
            let output = apply(&op, &[&batch], Shape::vector(OUTPUTS));
            let sampling = Sampling::new(Reading::Whole, batch.shape(), batch.len());
            let (inputs, outputs) = (sampling.inputs(&batch, 0), sampling.outputs(&output, 0));
            let removals = PruneOrder::measured(&layer, std::slice::from_ref(&inputs));
            for bits in 1..=8 {
                let mut before = 0.0;
                for sparsity in [0.0, 0.25, 0.5, 0.75, 0.9] {
                    let choice = LayerChoice { bits, sparsity };
                    let estimate = error(&layer, &removals, &outputs.variance(), choice);
                    let lost = lost(&layer, &op, &inputs, &outputs, &removals, choice);
                    prop_assert!(estimate >= before);
                    prop_assert!((0.4..2.5).contains(&(estimate / lost)), "{choice:?}: {estimate} is far from {lost}");
                    before = estimate;
                }
            }
        }
    }

    #[test]
    fn a_layer_without_weights_loses_nothing() {
        let dense = Dense { weights: vec![0.0; 6], bias: vec![1.0; 2] };
        let layer = Layer::dense(&dense, Shape::vector(3));
        let choice = LayerChoice { bits: 2, sparsity: 0.5 };
        assert_eq!(error(&layer, &PruneOrder::apart(&layer, 1), &layer.squares(), choice), 0.0);
    }
}
