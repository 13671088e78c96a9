//! The operations of a plan. Each defines one value; elements are exact signed integers.

use super::geometry::Window;
use serde::{Deserialize, Serialize};

/// What a step does. Geometry is checked against shapes by [`super::validate`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Op {
    /// The client's encrypted image. No inputs; only step `s0`.
    Input,
    /// Cross-correlation with constant weights.
    Conv2d(Conv2d),
    /// Product of a constant matrix with the flattened input.
    Dense(Dense),
    /// Sums over windows; averages, with the divisor moved into the scale.
    SumPool(SumPool),
    /// Σ multiplier·input over inputs of one shape, element by element, and a constant per channel.
    Add(Add),
    /// The inputs' channels one after the other.
    Concat,
    /// max(x, 0); interactive.
    Relu,
    /// 1 for x > 0, else 0: the two values of a binary activation, up to an affine map; interactive.
    Sign,
    /// Maximum over windows; interactive.
    MaxPool(Window),
    /// Suite `shared`: x ÷ 2^bits rounded to nearest. Suite `blinded`: ⌊x ÷ 2^bits⌋ or one more, by a coin whose
    /// mean is the fraction; the interpreter rounds to nearest, which is one of the two. Interactive.
    Rescale {
        /// At least 1.
        bits: u32,
    },
    /// [`Op::Rescale`] to nearest, then [`Op::Relu`]: one step in suite `shared`, which alone has it.
    ReluRescale {
        /// At least 1.
        bits: u32,
    },
    /// Position of the largest element; of the first, if several are largest. Suite `shared` alone; interactive.
    ArgMax,
    /// The client learns the value. Only the last step.
    Reveal,
}

/// Weights of a convolution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conv2d {
    /// Kernel geometry.
    pub window: Window,
    /// Input and output channels fall into this many groups; group g of the output reads only group g of the input.
    pub groups: usize,
    /// Shape (output channels, input channels ÷ groups, kernel height, kernel width), row-major.
    pub weights: Vec<i32>,
    /// One per output channel, or empty for none.
    pub bias: Vec<i128>,
}

/// Weights of a dense layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dense {
    /// Shape (outputs, inputs), row-major.
    pub weights: Vec<i32>,
    /// One per output, or empty for none.
    pub bias: Vec<i128>,
}

/// Weights of a sum.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Add {
    /// One multiplier per input, never zero. In suite `shared` the client knows them.
    pub multipliers: Vec<i64>,
    /// One per channel, or empty for none.
    pub bias: Vec<i128>,
}

/// Sums over windows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SumPool {
    /// Geometry, the same for every channel.
    pub window: Window,
    /// `Some(L)`: a window of n pixels inside the image is multiplied by L ÷ n (n divides L), so that
    /// averages over what lies inside the image share one scale. `None`: plain sums.
    pub balance: Option<i64>,
}

impl Op {
    /// The word for the operation in text and errors.
    pub const fn name(&self) -> &'static str {
        match self {
            Op::Input => "input",
            Op::Conv2d(_) => "conv2d",
            Op::Dense(_) => "dense",
            Op::SumPool(_) => "sum_pool",
            Op::Add(_) => "add",
            Op::Concat => "concat",
            Op::Relu => "relu",
            Op::Sign => "sign",
            Op::MaxPool(_) => "max_pool",
            Op::Rescale { .. } => "rescale",
            Op::ReluRescale { .. } => "relu",
            Op::ArgMax => "arg_max",
            Op::Reveal => "reveal",
        }
    }
}

impl From<Vec<i64>> for Add {
    /// Without a constant.
    fn from(multipliers: Vec<i64>) -> Self {
        Self { multipliers, bias: Vec::new() }
    }
}

impl Op {
    /// The weights that the server hides, if it has any: row after row, one per output channel.
    pub fn weights(&self) -> Option<&[i32]> {
        match self {
            Op::Conv2d(conv) => Some(&conv.weights),
            Op::Dense(dense) => Some(&dense.weights),
            _ => None,
        }
    }
}

impl SumPool {
    /// What a window with `inside` pixels inside the image is multiplied by.
    pub fn multiplier(&self, inside: usize) -> i64 {
        self.balance.map_or(1, |common| common / inside.max(1) as i64)
    }
}
