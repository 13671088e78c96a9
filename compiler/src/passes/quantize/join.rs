//! The part of the walk that brings scales together: of the branches of a sum, and of the logits.

use super::build::Quantizer;
use super::demand::{self, Follower};
use super::value::{Value, scale, unbounded};
use super::{ratio, scales, sum};
use crate::error::Result;
use crate::graph::{Add, Conv, NodeId, Op, Real, Scale, Window};

/// Bits of a weight that multiplies a channel.
const MULTIPLIER_BITS: u32 = 30;

impl Quantizer<'_> {
    /// `least`, made coarser so that they agree with the other branches of a sum; unchanged where the
    /// others do not agree among themselves.
    ///
    /// `sizes` are the real sizes of the layer's outputs. Where the other branches are much larger, a scale
    /// that suits the layer's weights would blow up the sum's integers in this channel only: it gets coarser.
    pub(super) fn follow(
        &self,
        follower: &Follower,
        least: Vec<f64>,
        sizes: &[f64],
        one_scale: bool,
    ) -> Vec<f64> {
        let others: Option<Vec<Vec<f64>>> =
            follower.others.iter().map(|other| self.source_scales(other)).collect();
        let Some(agreed) = others.and_then(|others| sum::agree(&others, one_scale)) else { return least };
        let least = scales::limited(least, sizes, &self.sizes_beside(follower));
        let align =
            |(least, other): (&f64, &f64)| ratio::align(least * follower.factor, *other) / follower.factor;
        least.iter().zip(&agreed.scales).map(align).collect()
    }

    /// Real sizes of the other branches together, in units of the layer's output.
    fn sizes_beside(&self, follower: &Follower) -> Vec<f64> {
        let mut squares: Vec<f64> = Vec::new();
        for other in &follower.others {
            let Some(value) = &self.values[other.node.index()] else { continue };
            squares.resize(value.typical.len(), 0.0);
            let units = other.factor / follower.factor;
            for ((square, typical), scale) in squares.iter_mut().zip(&value.typical).zip(self.scales(value)) {
                *square += (typical * scale * units).powi(2);
            }
        }
        squares.into_iter().map(f64::sqrt).collect()
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
        let scale = |(value, by): &(Value, f64)| -> Vec<f64> {
            self.scales(value).into_iter().map(|scale| scale * by.abs()).collect()
        };
        let mut scales: Vec<Vec<f64>> = branches.iter().map(scale).collect();
        let typical: Vec<&[f64]> = branches.iter().map(|(value, _)| value.typical.as_slice()).collect();
        let negligible = sum::negligible(&typical, &scales);
        for &(branch, channel, instead) in &negligible {
            scales[branch][channel] = scales[instead][channel];
        }
        let mut agreement = sum::agree(&scales, self.one_scale[id.index()]).ok_or_else(|| {
            self.refuse(id, "the sizes of its branches differ by a factor of more than 2^52")
        })?;
        for (branch, channel, _) in negligible {
            agreement.multipliers[branch][channel] = 0;
        }
        if !self.one_scale[id.index()] {
            agreement.balance(&typical);
        }
        let mut inputs = Vec::new();
        let mut multipliers = Vec::new();
        for ((value, by), factors) in branches.iter().zip(&agreement.multipliers) {
            if factors.iter().all(|factor| *factor == 0) {
                continue;
            }
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
        let by = value.typical.iter().zip(&weights);
        let typical = by.map(|(typical, &weight)| typical * f64::from(weight)).collect();
        let (window, groups, bias) = (Window::dense([1, 1]), weights.len(), vec![0; weights.len()]);
        let conv = Op::Conv(Conv { window, groups, weights, bias });
        self.push(id, conv, &[value.id], unbounded(shape, scale(scales)), typical)
    }
}
