//! Interval arithmetic: bounds that no input can leave, channel by channel.

use super::index_map::IndexMap;
use super::ops::{Add, Op, SumPool};
use super::{Plan, Step, Window};

/// Inclusive bounds of an integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// The smallest value.
    pub low: i128,
    /// The largest value.
    pub high: i128,
}

/// The bounds leave the 128-bit integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its values may leave the 128-bit integers")]
pub struct Overflow;

impl Interval {
    /// The interval of 0 alone.
    pub const ZERO: Self = Self { low: 0, high: 0 };

    /// Bounds from `low` to `high`.
    pub const fn new(low: i128, high: i128) -> Self {
        Self { low, high }
    }

    /// Least b with −2^b < x < 2^b for every x within.
    pub const fn bits(self) -> u32 {
        let (low, high) = (self.low.unsigned_abs(), self.high.unsigned_abs());
        u128::BITS - if low > high { low.leading_zeros() } else { high.leading_zeros() }
    }

    /// The smallest interval around both.
    pub fn hull(self, other: Self) -> Self {
        Self::new(self.low.min(other.low), self.high.max(other.high))
    }

    /// All results of dropping `bits` low bits: ⌊x ÷ 2^bits⌋ or one more.
    pub const fn rescaled(self, bits: u32) -> Self {
        Self::new(self.low >> bits, (self.high >> bits) + 1)
    }

    /// All results of max(x, 0).
    pub fn positive(self) -> Self {
        Self::new(self.low.max(0), self.high.max(0))
    }

    /// All sums of an element of each.
    ///
    /// # Errors
    /// Overflow.
    pub fn plus(self, other: Self) -> Result<Self, Overflow> {
        let low = self.low.checked_add(other.low).ok_or(Overflow)?;
        Ok(Self::new(low, self.high.checked_add(other.high).ok_or(Overflow)?))
    }

    /// All products of an element of each.
    ///
    /// # Errors
    /// Overflow.
    pub fn product(self, other: Self) -> Result<Self, Overflow> {
        let [low, high] = [self.times(other.low)?, self.times(other.high)?];
        Ok(low.hull(high))
    }

    /// All multiples by `factor`.
    ///
    /// # Errors
    /// Overflow.
    pub fn times(self, factor: i128) -> Result<Self, Overflow> {
        let (a, b) =
            (self.low.checked_mul(factor).ok_or(Overflow)?, self.high.checked_mul(factor).ok_or(Overflow)?);
        Ok(Self::new(a.min(b), a.max(b)))
    }
}

/// Weights and biases of a linear layer, output by output.
#[derive(Clone, Copy, Debug)]
pub struct LayerWeights<'a> {
    /// Shape (outputs, weights per output), row-major; a convolution's as [`Conv2d::weights`](super::Conv2d::weights).
    pub weights: &'a [i32],
    /// One per output, or empty for none.
    pub bias: &'a [i128],
}

/// Bounds of a convolution, per output channel, from those of its input channels.
///
/// # Errors
/// Overflow.
pub fn conv2d(
    window: &Window,
    groups: usize,
    layer: LayerWeights<'_>,
    input: &[Interval],
) -> Result<Vec<Interval>, Overflow> {
    let taps = window.kernel[0] * window.kernel[1];
    let group_inputs = input.len() / groups;
    let outputs = layer.weights.len() / (taps * group_inputs);
    let group_outputs = outputs / groups;
    layer
        .weights
        .chunks(taps * group_inputs)
        .enumerate()
        .map(|(output, kernel)| {
            let first = output / group_outputs * group_inputs;
            let terms = kernel.iter().enumerate().map(|(k, &w)| (w, input[first + k / taps]));
            weighted_sum(terms, window.is_padded(), layer.bias.get(output))
        })
        .collect()
}

/// Bounds of a dense layer, per output; `plane` elements of the flattened input share a channel's bounds.
///
/// # Errors
/// Overflow.
pub fn dense(layer: LayerWeights<'_>, input: &[Interval], plane: usize) -> Result<Vec<Interval>, Overflow> {
    layer
        .weights
        .chunks(input.len() * plane)
        .enumerate()
        .map(|(output, row)| {
            let terms = row.iter().enumerate().map(|(i, &w)| (w, input[i / plane]));
            weighted_sum(terms, false, layer.bias.get(output))
        })
        .collect()
}

/// Bounds of sums over windows, per channel.
///
/// # Errors
/// Overflow.
pub fn sum_pool(pool: &SumPool, input: &[Interval]) -> Result<Vec<Interval>, Overflow> {
    let taps = (pool.window.kernel[0] * pool.window.kernel[1]) as i128;
    input
        .iter()
        .map(|channel| match pool.balance {
            Some(common) => channel.times(common.into()),
            None if pool.window.is_padded() => Ok(channel.times(taps)?.hull(Interval::ZERO)),
            None => channel.times(taps),
        })
        .collect()
}

/// Σ weight·x + bias; where the window may hang over the image, any term may be missing.
fn weighted_sum(
    terms: impl Iterator<Item = (i32, Interval)>,
    padded: bool,
    bias: Option<&i128>,
) -> Result<Interval, Overflow> {
    let mut sum = Interval::ZERO;
    for (weight, x) in terms.filter(|&(weight, _)| weight != 0) {
        let term = x.times(weight.into())?;
        sum = sum.plus(if padded { term.hull(Interval::ZERO) } else { term })?;
    }
    let bias = bias.copied().unwrap_or(0);
    sum.plus(Interval::new(bias, bias))
}

/// Bounds of a step's value, per channel, from those of its inputs. The step's shapes must be right.
///
/// # Errors
/// Overflow.
pub fn step(plan: &Plan, step: &Step, inputs: &[&[Interval]]) -> Result<Vec<Interval>, Overflow> {
    match &step.op {
        Op::Input => Ok(input(plan)),
        Op::Conv2d(conv) => conv2d(
            &conv.window,
            conv.groups,
            LayerWeights { weights: &conv.weights, bias: &conv.bias },
            inputs[0],
        ),
        Op::Dense(op) => {
            dense(LayerWeights { weights: &op.weights, bias: &op.bias }, inputs[0], plane(plan, step))
        }
        Op::SumPool(pool) => sum_pool(pool, inputs[0]),
        Op::Add(sum) => add(sum, inputs),
        Op::Concat => Ok(inputs.concat()),
        Op::Mul => inputs[0].iter().zip(inputs[1]).map(|(x, y)| x.product(*y)).collect(),
        Op::Gather(op) => Ok(gather(&op.map, inputs[0], [plane(plan, step), step.shape.plane()])),
        Op::Relu => Ok(inputs[0].iter().map(|x| x.positive()).collect()),
        Op::Sign => Ok(vec![Interval::new(0, 1); inputs[0].len()]),
        Op::MaxPool(_) => Ok(inputs[0].to_vec()),
        Op::Rescale { bits } => Ok(inputs[0].iter().map(|x| x.rescaled(*bits)).collect()),
        Op::ReluRescale { bits } => Ok(inputs[0].iter().map(|x| x.rescaled(*bits).positive()).collect()),
        Op::ArgMax(scores) => Ok(vec![Interval::new(0, scores.classes as i128 - 1); step.shape.channels]),
        Op::Reveal => Ok(spread(inputs[0], plane(plan, step))),
    }
}

fn plane(plan: &Plan, step: &Step) -> usize {
    plan.step(step.inputs[0]).shape.plane()
}

fn input(plan: &Plan) -> Vec<Interval> {
    let bounds = |c| plan.input.bounds(c);
    (0..plan.input.shape.channels)
        .map(bounds)
        .map(|(low, high)| Interval::new(low.into(), high.into()))
        .collect()
}

fn add(sum: &Add, inputs: &[&[Interval]]) -> Result<Vec<Interval>, Overflow> {
    let branches: Vec<_> = inputs.iter().zip(&sum.multipliers).collect();
    (0..inputs[0].len())
        .map(|channel| {
            let bias = sum.bias.get(channel).copied().unwrap_or(0);
            branches.iter().try_fold(Interval::new(bias, bias), |sum, (input, factor)| {
                sum.plus(input[channel].times(i128::from(**factor))?)
            })
        })
        .collect()
}

/// Bounds of gathered elements, per channel: those of all channels that they come from. `planes`: pixels of a channel before and
/// after.
pub fn gather(map: &IndexMap, input: &[Interval], planes: [usize; 2]) -> Vec<Interval> {
    let mut channels: Vec<Option<Interval>> = Vec::new();
    for (element, position) in map.positions().enumerate() {
        let x = position.map_or(Interval::ZERO, |position| input[position / planes[0]]);
        match channels.get_mut(element / planes[1]) {
            Some(channel) => *channel = Some(channel.map_or(x, |channel| channel.hull(x))),
            None => channels.push(Some(x)),
        }
    }
    channels.into_iter().flatten().collect()
}

fn spread(channels: &[Interval], plane: usize) -> Vec<Interval> {
    channels.iter().flat_map(|&channel| std::iter::repeat_n(channel, plane)).collect()
}
