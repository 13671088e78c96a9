//! Functions of one variable, applied to every element of a value.
//!
//! Models spell activations in many ways: as one operator, or as several that share an input (x·sigmoid(x)). All of
//! them become a [`Curve`], an expression in x; later passes only evaluate it.

use std::fmt;

/// An expression in x; its constants may differ from channel to channel.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Curve {
    /// The element.
    #[default]
    X,
    /// One number for all channels, or one per channel.
    Constant(Vec<f32>),
    /// A function of one operand.
    Unary(Unary, Box<Curve>),
    /// A function of two operands.
    Binary(Binary, Box<[Curve; 2]>),
    /// The second where the first is not 0, else the third.
    Choose(Box<[Curve; 3]>),
}

/// A function of one operand, applied to each element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unary {
    /// e to the power of the operand.
    Exp,
    /// Natural logarithm.
    Ln,
    /// Square root.
    Sqrt,
    /// Hyperbolic tangent.
    Tanh,
    /// 1 ÷ (1 + e^−x).
    Sigmoid,
    /// The error function.
    Erf,
}

/// A function of two operands, applied element by element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    /// Sum.
    Add,
    /// Difference.
    Sub,
    /// Product.
    Mul,
    /// Quotient.
    Div,
    /// The larger one.
    Max,
    /// The smaller one.
    Min,
    /// First to the power of the second.
    Pow,
    /// 1 where the first is less than the second, else 0.
    Less,
}

impl Curve {
    /// A number for all channels.
    pub fn number(value: f32) -> Self {
        Self::Constant(vec![value])
    }

    /// The curve op(f(x)), with f this curve.
    pub fn unary(self, op: Unary) -> Self {
        Self::Unary(op, Box::new(self))
    }

    /// The curve op(f(x), g(x)), with f this curve and g `other`.
    pub fn binary(self, op: Binary, other: Self) -> Self {
        Self::Binary(op, Box::new([self, other]))
    }

    /// What the curve gives for `x` in `channel`.
    pub fn at(&self, channel: usize, x: f64) -> f64 {
        match self {
            Curve::X => x,
            Curve::Constant(values) => f64::from(values[if values.len() == 1 { 0 } else { channel }]),
            Curve::Unary(op, operand) => op.apply(operand.at(channel, x)),
            Curve::Binary(op, operands) => op.apply(operands[0].at(channel, x), operands[1].at(channel, x)),
            Curve::Choose(parts) => {
                let chosen = if parts[0].at(channel, x) != 0.0 { &parts[1] } else { &parts[2] };
                chosen.at(channel, x)
            }
        }
    }

    /// This curve over the values of `inner`.
    pub fn over(&self, inner: &Self) -> Self {
        match self {
            Curve::X => inner.clone(),
            Curve::Constant(_) => self.clone(),
            Curve::Unary(op, operand) => operand.over(inner).unary(*op),
            Curve::Binary(op, operands) => operands[0].over(inner).binary(*op, operands[1].over(inner)),
            Curve::Choose(parts) => Curve::Choose(Box::new(parts.each_ref().map(|part| part.over(inner)))),
        }
    }

    /// The operands of the outermost function.
    pub fn operands(&self) -> &[Self] {
        match self {
            Curve::X | Curve::Constant(_) => &[],
            Curve::Unary(_, operand) => std::slice::from_ref(operand),
            Curve::Binary(_, operands) => &operands[..],
            Curve::Choose(parts) => &parts[..],
        }
    }

    /// Number of functions, constants and x's.
    pub fn size(&self) -> usize {
        1 + self.operands().iter().map(Self::size).sum::<usize>()
    }

    /// All constants, each for all channels or one per channel.
    pub fn constants(&self) -> Vec<&[f32]> {
        match self {
            Curve::Constant(values) => vec![values],
            _ => self.operands().iter().flat_map(Self::constants).collect(),
        }
    }

    /// Whether all channels have the same curve.
    pub fn is_uniform(&self) -> bool {
        self.constants().iter().all(|values| values.len() == 1)
    }

    /// Whether x does not occur.
    pub fn is_constant(&self) -> bool {
        !matches!(self, Curve::X) && self.operands().iter().all(Self::is_constant)
    }
}

impl Unary {
    fn apply(self, x: f64) -> f64 {
        match self {
            Unary::Exp => x.exp(),
            Unary::Ln => x.ln(),
            Unary::Sqrt => x.sqrt(),
            Unary::Tanh => x.tanh(),
            Unary::Sigmoid => 1.0 / (1.0 + (-x).exp()),
            Unary::Erf => erf(x),
        }
    }
}

impl Binary {
    fn apply(self, a: f64, b: f64) -> f64 {
        match self {
            Binary::Add => a + b,
            Binary::Sub => a - b,
            Binary::Mul => a * b,
            Binary::Div => a / b,
            Binary::Max => a.max(b),
            Binary::Min => a.min(b),
            Binary::Pow => a.powf(b),
            Binary::Less => f64::from(u8::from(a < b)),
        }
    }
}

/// Abramowitz and Stegun 7.1.26; wrong by at most 1.5e-7.
fn erf(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.327_591_1 * x.abs());
    let terms = [0.254_829_592, -0.284_496_736, 1.421_413_741, -1.453_152_027, 1.061_405_429];
    let sum = terms.iter().rev().fold(0.0, |sum, term| (sum + term) * t);
    (1.0 - sum * (-x * x).exp()).copysign(x)
}

/// `max(x, 0)`, `(x * sigmoid(x))`; constants per channel as their number, `[3]`.
impl fmt::Display for Curve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Curve::X => write!(f, "x"),
            Curve::Constant(values) if values.len() == 1 => write!(f, "{}", values[0]),
            Curve::Constant(values) => write!(f, "[{}]", values.len()),
            Curve::Unary(op, operand) => write!(f, "{}({operand})", format!("{op:?}").to_lowercase()),
            Curve::Binary(op, operands) => {
                let [a, b] = &**operands;
                match op {
                    Binary::Add => write!(f, "({a} + {b})"),
                    Binary::Sub => write!(f, "({a} - {b})"),
                    Binary::Mul => write!(f, "({a} * {b})"),
                    Binary::Div => write!(f, "({a} / {b})"),
                    Binary::Pow => write!(f, "({a} ^ {b})"),
                    Binary::Less => write!(f, "({a} < {b})"),
                    Binary::Max => write!(f, "max({a}, {b})"),
                    Binary::Min => write!(f, "min({a}, {b})"),
                }
            }
            Curve::Choose(parts) => write!(f, "({} ? {} : {})", parts[0], parts[1], parts[2]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_compose_and_print() {
        let silu = Curve::X.binary(Binary::Mul, Curve::X.unary(Unary::Sigmoid));
        let scaled = Curve::X.binary(Binary::Mul, Curve::Constant(vec![1.0, 2.0]));
        let both = silu.over(&scaled);
        assert_eq!(both.to_string(), "((x * [2]) * sigmoid((x * [2])))");
        assert!(!both.is_uniform() && silu.is_uniform());
        assert_eq!(both.at(1, 1.5), silu.at(0, 3.0));
        assert_eq!(both.size(), 8);
    }

    #[test]
    fn the_error_function_is_close() {
        for (x, value) in
            [(0.0, 0.0), (0.5, 0.520_499_877_8), (-1.0, -0.842_700_792_9), (3.0, 0.999_977_909_5)]
        {
            assert!((erf(x) - value).abs() < 2e-7, "{x}");
        }
    }
}
