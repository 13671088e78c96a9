//! The operations of a plan. Each defines one value; elements are exact signed integers.
//!
//! An operation is generic over what its holder knows of it ([`Knowledge`]): the server's has weights, the client's
//! ([`Public`]) has no field that could hold one.
//!
//! ```compile_fail,E0308
//! use runtime::plan::{Dense, Public};
//! let of_the_client: Dense<Public> = Dense { weights: vec![1, -2], bias: () };
//! ```

use super::geometry::Window;
use super::index_map::IndexMap;
use super::knowledge::{Knowledge, Private, Public};
use super::scores::Scores;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a step does. Geometry is checked against shapes by [`super::validate`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "")]
pub enum Op<K: Knowledge = Private> {
    /// The client's encrypted image. No inputs; only step `s0`.
    Input,
    /// Cross-correlation with constant weights.
    Conv2d(Conv2d<K>),
    /// Product of a constant matrix with the flattened input.
    Dense(Dense<K>),
    /// Sums over windows; averages, with the divisor moved into the scale.
    SumPool(SumPool),
    /// Σ multiplier·input over inputs of one shape, element by element, and a constant per channel.
    Add(Add<K>),
    /// The inputs' channels one after the other.
    Concat,
    /// Products of two values, element by element; the second may have one element for each channel of the first. Suite
    /// `shared` alone; interactive.
    Mul,
    /// Elements of the input at other places, some of them several times, others not at all; and zeros.
    Gather(Gather),
    /// max(x, 0); interactive.
    Relu,
    /// 1 for x > 0, else 0: the two values of a binary activation, up to an affine map; interactive.
    Sign,
    /// Maxima over windows; interactive.
    MaxPool(MaxPool),
    /// Suite `shared`: x ÷ 2^bits rounded to nearest. Suite `blinded`: ⌊x ÷ 2^bits⌋ or one more, by a coin whose
    /// mean is the fraction; the interpreter rounds to nearest, which is one of the two. Interactive.
    Rescale {
        /// At least 1. In suite `shared` also 0: the fraction bits of shares are dropped, the value is the same.
        bits: u32,
    },
    /// [`Op::Rescale`] to nearest, then [`Op::Relu`]: one step in suite `shared`, which alone has it.
    ReluRescale {
        /// At least 1.
        bits: u32,
    },
    /// At each position the class with the largest score; the first, if several are largest. Suite `shared` alone;
    /// interactive.
    ArgMax(Scores),
    /// The client learns the value. Only the last step.
    Reveal,
}

/// A convolution: its geometry, weights and biases.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Conv2d<K: Knowledge = Private> {
    /// Size of the kernel, stride, dilation and padding.
    pub window: Window,
    /// Input and output channels fall into this many groups; group g of the output reads only group g of the input.
    pub groups: K::Groups,
    /// Shape (output channels, input channels ÷ groups, kernel height, kernel width), row-major.
    pub weights: K::Weights,
    /// One per output channel, or empty for none.
    pub bias: K::Bias,
}

/// A dense layer: its weights and biases.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Dense<K: Knowledge = Private> {
    /// Shape (outputs, inputs), row-major.
    pub weights: K::Weights,
    /// One per output, or empty for none.
    pub bias: K::Bias,
}

/// A sum: the multipliers of its inputs, and what is added to each channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Add<K: Knowledge = Private> {
    /// One multiplier per input, never zero. In suite `shared` the client knows them.
    pub multipliers: Vec<i64>,
    /// One per channel, or empty for none.
    pub bias: K::Bias,
}

/// Maxima over windows of each channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaxPool {
    /// Geometry, the same for every channel.
    pub window: Window,
    /// Suite `shared`: the difference of two elements is taken modulo 2^(compared+1), which tells the larger one where it is at
    /// least −2^compared and below 2^compared. No more than the bits of the value; 0 in suite `blinded`, which compares
    /// elements themselves.
    pub compared: u32,
}

/// A value made of another's elements.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gather {
    /// Which element of the input each element of the output is, both row-major.
    pub map: IndexMap,
}

/// Sums over windows of each channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SumPool {
    /// Geometry, the same for every channel.
    pub window: Window,
    /// `Some(L)`: a window of n pixels inside the image is multiplied by L ÷ n (n divides L), so that
    /// averages over what lies inside the image share one scale. `None`: plain sums.
    pub balance: Option<i64>,
}

impl<K: Knowledge> Op<K> {
    /// The word for the operation in text, reports and errors.
    pub const fn name(&self) -> &'static str {
        match self {
            Op::Input => "input",
            Op::Conv2d(_) => K::CONV2D,
            Op::Dense(_) => K::DENSE,
            Op::SumPool(_) => "sum_pool",
            Op::Add(_) => "add",
            Op::Concat => "concat",
            Op::Mul => "mul",
            Op::Gather(_) => "gather",
            Op::Relu | Op::ReluRescale { .. } => "relu",
            Op::Sign => "sign",
            Op::MaxPool(_) => "max_pool",
            Op::Rescale { .. } => "rescale",
            Op::ArgMax(_) => "arg_max",
            Op::Reveal => "reveal",
        }
    }

    /// Whether it multiplies what it reads, so that shares must not have a fraction.
    pub const fn reads_whole_shares(&self) -> bool {
        self.is_linear() || matches!(self, Op::Mul)
    }

    /// Whether it is a convolution or a dense layer.
    pub const fn is_linear(&self) -> bool {
        matches!(self, Op::Conv2d(_) | Op::Dense(_))
    }
}

impl Op {
    /// What the client may know of it.
    pub(super) fn public(&self) -> Op<Public> {
        match self {
            Op::Input => Op::Input,
            Op::Conv2d(conv) => Op::Conv2d(Conv2d { window: conv.window, groups: (), weights: (), bias: () }),
            Op::Dense(_) => Op::Dense(Dense { weights: (), bias: () }),
            Op::SumPool(pool) => Op::SumPool(pool.clone()),
            Op::Add(sum) => Op::Add(Add { multipliers: sum.multipliers.clone(), bias: () }),
            Op::Concat => Op::Concat,
            Op::Mul => Op::Mul,
            Op::Gather(gather) => Op::Gather(gather.clone()),
            Op::Relu => Op::Relu,
            Op::Sign => Op::Sign,
            Op::MaxPool(pool) => Op::MaxPool(*pool),
            Op::Rescale { bits } => Op::Rescale { bits: *bits },
            Op::ReluRescale { bits } => Op::ReluRescale { bits: *bits },
            Op::ArgMax(scores) => Op::ArgMax(*scores),
            Op::Reveal => Op::Reveal,
        }
    }

    /// The weights, if it has any: row after row, one per output channel.
    pub fn weights(&self) -> Option<&[i32]> {
        match self {
            Op::Conv2d(conv) => Some(&conv.weights),
            Op::Dense(dense) => Some(&dense.weights),
            Op::Input
            | Op::SumPool(_)
            | Op::Add(_)
            | Op::Concat
            | Op::Mul
            | Op::Gather(_)
            | Op::Relu
            | Op::Sign
            | Op::MaxPool(_)
            | Op::Rescale { .. }
            | Op::ReluRescale { .. }
            | Op::ArgMax(_)
            | Op::Reveal => None,
        }
    }

    /// The constants that it adds, one per channel of its result, or none.
    pub fn bias(&self) -> &[i128] {
        match self {
            Op::Conv2d(conv) => &conv.bias,
            Op::Dense(dense) => &dense.bias,
            Op::Add(sum) => &sum.bias,
            Op::Input
            | Op::SumPool(_)
            | Op::Concat
            | Op::Mul
            | Op::Gather(_)
            | Op::Relu
            | Op::Sign
            | Op::MaxPool(_)
            | Op::Rescale { .. }
            | Op::ReluRescale { .. }
            | Op::ArgMax(_)
            | Op::Reveal => &[],
        }
    }
}

/// Its parameters, after its name and what it reads: ` 5x5, 400 of 400 weights`.
impl<K: Knowledge> fmt::Display for Op<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Op::Conv2d(conv) => {
                write!(f, " {}{}", conv.window, K::describe_conv2d(&conv.groups, &conv.weights))
            }
            Op::Dense(dense) => f.write_str(&K::describe_dense(&dense.weights)),
            Op::SumPool(pool) => {
                write!(f, " {}", pool.window)?;
                pool.balance.map_or(Ok(()), |common| write!(f, " balance {common}"))
            }
            Op::MaxPool(MaxPool { window, compared: 0 }) => write!(f, " {window}"),
            Op::MaxPool(MaxPool { window, compared }) => write!(f, " {window} comparing {compared} bits"),
            Op::ArgMax(scores) => write!(f, " of {} classes", scores.classes),
            Op::Add(sum) => write!(f, " times {:?}", sum.multipliers),
            Op::Gather(Gather { map }) if map.pieces() == 1 => f.write_str(" 1 piece"),
            Op::Gather(Gather { map }) => write!(f, " {} pieces", map.pieces()),
            Op::Rescale { bits } | Op::ReluRescale { bits } => write!(f, " by 2^{bits}"),
            Op::Input | Op::Concat | Op::Mul | Op::Relu | Op::Sign | Op::Reveal => Ok(()),
        }
    }
}

impl From<Vec<i64>> for Add {
    /// A sum without a constant.
    fn from(multipliers: Vec<i64>) -> Self {
        Self { multipliers, bias: Vec::new() }
    }
}

impl SumPool {
    /// What a window with `inside` pixels inside the image is multiplied by.
    pub fn multiplier(&self, inside: usize) -> i64 {
        self.balance.map_or(1, |common| common / inside.max(1) as i64)
    }
}
