//! The operations of a graph.

use super::Window;
use super::curve::Curve;
use super::domain::Domain;
use super::gather::Gather;

/// What a node computes. Tensors are channels × height × width; a vector has height and width 1.
#[derive(Clone, Debug, PartialEq)]
pub enum Op<D: Domain> {
    /// The image, preprocessed.
    Input,
    /// Cross-correlation.
    Conv(Conv<D>),
    /// Matrix times flattened input.
    Dense(Dense<D>),
    /// Per channel scale·x + shift. Only in the float graph; folded or turned into a depthwise convolution.
    Affine(Affine),
    /// In the float graph averages; in the integer graph sums, the divisor moved into the scale.
    AveragePool(Pool),
    /// Maximum over windows; padding is ignored.
    MaxPool(Window),
    /// max(x, 0).
    Relu,
    /// min(max(x, 0), high). Only in the float graph; becomes two ReLUs, the second over a narrow ring.
    Clip(Clip),
    /// A function of each element. Only in the float graph; becomes a sum of ReLUs.
    Activation(Curve),
    /// 1 for x > 0, else 0; the affine map to the model's two values stands in the [`Op::Affine`] after it.
    Sign,
    /// Weighted sum of inputs of one shape.
    Add(Add<D>),
    /// Products of two values, element by element; the second may have one element for each channel of the first.
    Mul,
    /// Channels one after the other.
    Concat,
    /// All elements in one vector, row-major.
    Flatten,
    /// Elements at other places, some several times, others not at all; and zeros.
    Gather(Gather),
    /// ⌊x ÷ 2^bits⌋ or one more; the reference rounds to nearest. Only in the integer graph, where it
    /// multiplies the scale by 2^bits.
    Rescale(Rescale),
}

/// Parameters of a 2-D convolution, grouped or not.
#[derive(Clone, Debug, PartialEq)]
pub struct Conv<D: Domain> {
    /// Kernel size, stride, padding and dilation.
    pub window: Window,
    /// Group g of the output channels reads group g of the input channels.
    pub groups: usize,
    /// Shape (output channels, input channels ÷ groups, kernel height, kernel width), row-major.
    pub weights: Vec<D::Weight>,
    /// Added to each output channel; one entry per output channel.
    pub bias: Vec<D::Bias>,
}

/// Parameters of a fully connected layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Dense<D: Domain> {
    /// Shape (outputs, inputs), row-major.
    pub weights: Vec<D::Weight>,
    /// Added to each output; one entry per output.
    pub bias: Vec<D::Bias>,
}

/// Parameters of the map x ↦ scale·x + shift, channel by channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Affine {
    /// Factor of each channel.
    pub scale: Vec<f32>,
    /// Summand of each channel.
    pub shift: Vec<f32>,
}

/// A ReLU with an upper bound: min(max(x, 0), high).
#[derive(Clone, Debug, PartialEq)]
pub struct Clip {
    /// Largest value, above 0; one per channel.
    pub high: Vec<f32>,
}

/// A sum or average over windows.
#[derive(Clone, Debug, PartialEq)]
pub struct Pool {
    /// Kernel size, stride, padding and dilation.
    pub window: Window,
    /// What an average divides by.
    pub divisor: PoolDivisor,
}

/// What an average divides by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolDivisor {
    /// The kernel's size, padding counted.
    Kernel,
    /// The number of pixels inside the image.
    Inside,
}

/// Weights of the branches of a sum.
#[derive(Clone, Debug, PartialEq)]
pub struct Add<D: Domain> {
    /// One per input; 1 in imported graphs (−1 for a subtraction).
    pub multipliers: Vec<D::Multiplier>,
}

/// How many low bits a value loses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rescale {
    /// Number of low bits that are dropped, at least 1: the integer is divided by 2^bits.
    pub bits: u32,
}

impl<D: Domain> Op<D> {
    /// The word for the operation in printed graphs and errors.
    pub const fn name(&self) -> &'static str {
        match self {
            Op::Input => "input",
            Op::Conv(_) => "conv",
            Op::Dense(_) => "dense",
            Op::Affine(_) => "affine",
            Op::AveragePool(_) => "average_pool",
            Op::MaxPool(_) => "max_pool",
            Op::Relu => "relu",
            Op::Clip(_) => "clip",
            Op::Activation(_) => "activation",
            Op::Sign => "sign",
            Op::Add(_) => "add",
            Op::Mul => "mul",
            Op::Concat => "concat",
            Op::Flatten => "flatten",
            Op::Gather(_) => "gather",
            Op::Rescale(_) => "rescale",
        }
    }
}
