//! The part of the walk that brings scales together: of the branches of a sum, and of the logits.

use super::build::Quantizer;
use super::demand::{self, Follower};
use super::value::{Value, scale, unbounded};
use super::{ratio, sum};
use crate::error::Result;
use crate::graph::{Add, Conv, NodeId, Op, Real, Scale, Window};

/// Bits of a weight that multiplies a channel.
const MULTIPLIER_BITS: u32 = 30;

impl Quantizer<'_> {
    /// `least`, made coarser so that they agree with the other branches of a sum; unchanged where the
    /// others do not agree among themselves.
    pub(super) fn follow(&self, follower: &Follower, least: Vec<f64>, one_scale: bool) -> Vec<f64> {
        let others: Option<Vec<Vec<f64>>> =
            follower.others.iter().map(|other| self.source_scales(other)).collect();
        let Some(agreed) = others.and_then(|others| sum::agree(&others, one_scale)) else { return least };
        let align =
            |(least, other): (&f64, &f64)| ratio::align(least * follower.factor, *other) / follower.factor;
        least.iter().zip(&agreed.scales).map(align).collect()
    }

    fn source_scales(&self, source: &demand::Source) -> Option<Vec<f64>> {
        let value = self.values[source.node.index()].as_ref()?;
        Some(self.scales(value).into_iter().map(|scale| scale * source.factor).collect())
    }

    pub(super) fn add(&mut self, id: NodeId, add: &Add<Real>) -> Result<Value> {
        let factors = add.multipliers.iter().map(|&by| f64::from(by));
        let branches: Vec<(Value, f64)> =
            self.input_values(id).into_iter().zip(factors).filter(|&(_, by)| by != 0.0).collect();
        if branches.is_empty() {
            return Err(self.refuse(id, "all its branches are multiplied by zero"));
        }
        let scales: Vec<Vec<f64>> = branches
            .iter()
            .map(|(value, by)| self.scales(value).into_iter().map(|scale| scale * by.abs()).collect())
            .collect();
        let agreement = sum::agree(&scales, self.one_scale[id.index()]).ok_or_else(|| {
            self.refuse(id, "the sizes of its branches differ by a factor of more than 2^52")
        })?;
        let mut inputs = Vec::new();
        let mut multipliers = Vec::new();
        for ((value, by), factors) in branches.iter().zip(&agreement.multipliers) {
            let sign = by.signum() as i64;
            let uniform = factors.iter().all(|factor| *factor == factors[0]);
            let value =
                if uniform { value.clone() } else { self.multiply(id, value, factors, &agreement.scales) };
            inputs.push(value);
            multipliers.push(if uniform { sign * factors[0] } else { sign });
        }
        Ok(self.join(id, &inputs, multipliers, agreement.scales))
    }

    fn join(&mut self, id: NodeId, inputs: &[Value], multipliers: Vec<i64>, scales: Vec<f64>) -> Value {
        let square = |input: &Value, by: i64, channel: usize| (input.typical[channel] * by as f64).powi(2);
        let typical = (0..scales.len())
            .map(|channel| {
                inputs
                    .iter()
                    .zip(&multipliers)
                    .map(|(input, &by)| square(input, by, channel))
                    .sum::<f64>()
                    .sqrt()
            })
            .collect();
        let ids: Vec<NodeId> = inputs.iter().map(|input| input.id).collect();
        let fact = unbounded(self.float.shape(id), scale(scales));
        self.push(id, Op::Add(Add { multipliers }), &ids, fact, typical)
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

    /// `value` with each channel multiplied by its own integer: by one that fits a weight, within a
    /// relative error of 2^-30, and then all channels by the same power of two where that is not enough.
    pub(super) fn multiply(&mut self, id: NodeId, value: &Value, factors: &[i64], scales: &[f64]) -> Value {
        let widest = factors.iter().map(|factor| i64::BITS - factor.leading_zeros()).max().unwrap_or(0);
        let common = widest.saturating_sub(MULTIPLIER_BITS);
        let weights = factors.iter().map(|&factor| ((factor >> common) as i32).max(1)).collect();
        let (groups, bias) = (factors.len(), vec![0; factors.len()]);
        let conv = Conv { window: Window::dense([1, 1]), groups, weights, bias };
        let typical: Vec<f64> =
            value.typical.iter().zip(factors).map(|(typical, &factor)| typical * factor as f64).collect();
        let shape = *self.out.node(value.id).fact.as_ref();
        let fact = |by: i64| unbounded(shape, scale(scales.iter().map(|scale| scale * by as f64).collect()));
        let by = 1 << common;
        let multiplied = self.push(id, Op::Conv(conv), &[value.id], fact(by), typical.clone());
        if common == 0 {
            return multiplied;
        }
        let add = Op::Add(Add { multipliers: vec![by] });
        self.push(id, add, &[multiplied.id], fact(1), typical)
    }
}
