//! The part of the walk that makes scales agree: those of the branches of a sum, and those of the logits.

use super::build::Quantizer;
use super::constraints::ScaleConstraint;
use super::grid::Grid;
use super::scales::UnscaledRow;
use super::sum::Agreement;
use super::value::{Value, scale, unbounded};
use super::{ratio, scales, sum};
use crate::calibration::Channel;
use crate::error::Result;
use crate::graph::{Add, Conv, NodeId, Op, Real, Scale, Window};
use crate::options::LayerChoice;

/// Bits of a weight that multiplies a channel.
const MULTIPLIER_BITS: u32 = 30;

/// A branch of a sum.
struct Branch {
    /// In the float graph.
    source: NodeId,
    value: Value,
    /// What the float graph multiplies it by; never 0.
    by: f64,
}

impl Quantizer<'_> {
    /// `least`, the scales that suit a layer best, changed so that they agree with the other branches of a sum;
    /// unchanged where the others do not agree among themselves.
    ///
    /// In suite `shared` they become powers of two times the others' scales, so that the sum multiplies its branches by
    /// one number each; elsewhere ratios of small integers, coarser than `least`, since wide weights take products.
    pub(super) fn follow(
        &self,
        constraint: &ScaleConstraint,
        least: Vec<f64>,
        rows: &[UnscaledRow],
        one_scale: bool,
        choice: LayerChoice,
    ) -> Vec<f64> {
        let others: Option<Vec<&Value>> =
            constraint.others.iter().map(|other| self.values[other.node.index()].as_ref()).collect();
        let Some(others) = others else { return least };
        let mut scales: Vec<Vec<f64>> = others
            .iter()
            .zip(&constraint.others)
            .map(|(value, other)| self.scaled(value, other.factor))
            .collect();
        let free = fill_zeros(&mut scales, &others);
        let Some(agreed) = sum::agree(&scales, one_scale) else { return least };
        if self.narrowing.terms.rings && Grid::with_bits(choice.bits).has_zero() {
            let others: Vec<f64> = agreed.scales.iter().map(|scale| scale / constraint.factor).collect();
            return scales::beside(rows, &least, &others, &free);
        }
        let align = |(row, (&least, &other)): (usize, (&f64, &f64))| {
            if free[row] { least } else { ratio::align(least * constraint.factor, other) / constraint.factor }
        };
        least.iter().zip(&agreed.scales).enumerate().map(align).collect()
    }

    fn scaled(&self, value: &Value, factor: f64) -> Vec<f64> {
        self.scales(value).into_iter().map(|scale| scale * factor).collect()
    }

    pub(super) fn add(&mut self, id: NodeId, add: &Add<Real>) -> Result<Value> {
        let sources = self.float.inputs(id);
        let factors = add.multipliers.iter().map(|&by| f64::from(by));
        let branches: Vec<Branch> = sources
            .into_iter()
            .zip(self.input_values(id))
            .zip(factors)
            .filter(|&(_, by)| by != 0.0)
            .map(|((source, value), by)| Branch { source, value, by })
            .collect();
        if branches.is_empty() {
            return Err(self.refuse(id, "all its branches are multiplied by zero"));
        }
        let agreement = self.agreement(id, &branches)?;
        let (mut inputs, mut multipliers) = (Vec::new(), Vec::new());
        for (branch, factors) in branches.iter().zip(&agreement.multipliers) {
            let mut needed = factors.iter().zip(&branch.value.zero).filter(|&(_, &zero)| !zero);
            let first = needed.next().map_or(1, |(&factor, _)| factor);
            let uniform = needed.all(|(&factor, _)| factor == first);
            if uniform && first == 0 {
                continue;
            }
            let value = if uniform {
                branch.value.clone()
            } else {
                self.multiply(id, &branch.value, factors, &agreement.scales)
            };
            inputs.push(value);
            let sign = branch.by.signum() as i64;
            multipliers.push(if uniform { sign * first } else { sign });
        }
        Ok(self.join(id, &inputs, multipliers, agreement.scales))
    }

    /// The multipliers that bring the branches of the sum `id` to one scale in each channel, or in all.
    fn agreement(&self, id: NodeId, branches: &[Branch]) -> Result<Agreement> {
        let one_scale = self.one_scale[id.index()];
        let mut scales: Vec<Vec<f64>> =
            branches.iter().map(|branch| self.scaled(&branch.value, branch.by.abs())).collect();
        let values: Vec<&Value> = branches.iter().map(|branch| &branch.value).collect();
        fill_zeros(&mut scales, &values);
        let disagree = || self.refuse(id, "the sizes of its branches differ by a factor of more than 2^52");
        if let Some(agreement) = sum::agree(&scales, one_scale).filter(Agreement::is_uniform) {
            return Ok(agreement);
        }
        let sizes: Vec<Vec<f64>> = branches.iter().map(|branch| self.real_sizes(branch)).collect();
        let weights = self.preparation.tolerance.weights(id);
        let negligible = sum::negligible(&sizes, weights);
        for &(branch, channel, instead) in &negligible {
            scales[branch][channel] = scales[instead][channel];
        }
        let mut agreement = sum::agree(&scales, one_scale).ok_or_else(disagree)?;
        for (branch, channel, _) in negligible {
            agreement.multipliers[branch][channel] = 0;
        }
        if !one_scale {
            let seen = self.preparation.statistics.channels(id);
            agreement.balance(&seen.iter().map(Channel::rms).collect::<Vec<_>>());
        }
        Ok(agreement)
    }

    /// About the root mean squares of the channels of a branch, as they go into its sum on images of any kind.
    fn real_sizes(&self, branch: &Branch) -> Vec<f64> {
        let seen = self.preparation.statistics.channels(branch.source).iter();
        let excess = self.preparation.excess.of_node(branch.source);
        seen.zip(excess).map(|(seen, excess)| seen.rms().hypot(excess.sqrt()) * branch.by.abs()).collect()
    }

    fn join(&mut self, id: NodeId, inputs: &[Value], multipliers: Vec<i64>, scales: Vec<f64>) -> Value {
        let zero = (0..scales.len()).map(|channel| inputs.iter().all(|input| input.zero[channel])).collect();
        let ids: Vec<NodeId> = inputs.iter().map(|input| input.id).collect();
        let fact = unbounded(self.float.shape(id), scale(scales));
        self.push(id, Op::Add(Add { multipliers }), &ids, fact, zero)
    }

    /// `value` with all channels multiplied by one positive integer.
    pub(super) fn times(&mut self, id: NodeId, value: &Value, factor: i64) -> Value {
        let shape = *self.out.node(value.id).fact.as_ref();
        let scales = self.scales(value).into_iter().map(|scale| scale / factor as f64).collect();
        let op = Op::Add(Add { multipliers: vec![factor] });
        self.push(id, op, &[value.id], unbounded(shape, scale(scales)), value.zero.clone())
    }

    /// `value` brought to one scale for all channels.
    pub(super) fn with_one_scale(&mut self, id: NodeId, value: Value) -> Result<Value> {
        if matches!(scale(self.scales(&value)), Scale::PerTensor(_)) {
            return Ok(value);
        }
        let agreement = sum::agree(&[self.scales(&value)], true).ok_or_else(|| {
            self.refuse(id, "the sizes of its outputs differ by a factor of more than 2^52")
        })?;
        Ok(self.multiply(id, &value, &agreement.multipliers[0], &agreement.scales))
    }

    /// `value` with each channel multiplied by its own integer, positive or 0: by one that fits a weight, within
    /// a relative error of 2^-29, and then by a power of two where that is not enough.
    pub(super) fn multiply(&mut self, id: NodeId, value: &Value, factors: &[i64], scales: &[f64]) -> Value {
        let shift = |factor: &i64| (i64::BITS - factor.leading_zeros()).saturating_sub(MULTIPLIER_BITS);
        let shifts: Vec<u32> = factors.iter().map(shift).collect();
        let high = factors.iter().zip(&shifts).map(|(factor, shift)| (factor >> shift) as i32).collect();
        let between: Vec<f64> =
            scales.iter().zip(&shifts).map(|(scale, &shift)| scale * f64::from(shift).exp2()).collect();
        let multiplied = self.depthwise(id, value, high, between);
        if shifts.iter().all(|&shift| shift == 0) {
            return multiplied;
        }
        let powers = shifts.iter().map(|shift| 1 << shift).collect();
        self.depthwise(id, &multiplied, powers, scales.to_vec())
    }

    /// `value` with each channel multiplied by its own weight.
    fn depthwise(&mut self, id: NodeId, value: &Value, weights: Vec<i32>, scales: Vec<f64>) -> Value {
        let shape = *self.out.node(value.id).fact.as_ref();
        let zero = value.zero.iter().zip(&weights).map(|(&zero, &weight)| zero || weight == 0).collect();
        let (window, groups, bias) = (Window::dense([1, 1]), weights.len(), vec![0; weights.len()]);
        let conv = Op::Conv(Conv { window, groups, weights, bias });
        self.push(id, conv, &[value.id], unbounded(shape, scale(scales)), zero)
    }
}

/// Gives channels of zeros, whose scales mean nothing, those of a branch that has others there; the channels in which
/// all branches are zero.
fn fill_zeros(scales: &mut [Vec<f64>], values: &[&Value]) -> Vec<bool> {
    let channels = scales.first().map_or(0, Vec::len);
    let mut free = vec![false; channels];
    for channel in 0..channels {
        let Some(other) = values.iter().position(|value| !value.zero[channel]) else {
            free[channel] = true;
            let scale = scales[0][channel];
            scales.iter_mut().for_each(|branch| branch[channel] = scale);
            continue;
        };
        let scale = scales[other][channel];
        let zeros = scales.iter_mut().zip(values).filter(|(_, value)| value.zero[channel]);
        zeros.for_each(|(branch, _)| branch[channel] = scale);
    }
    free
}
