//! What is known of a value: its shape and, in the integer graph, its scale, bounds and ring.

use super::Shape;
use runtime::plan::Ring;
use std::fmt;

/// What is known of a value in the float graph.
#[derive(Clone, Debug, PartialEq)]
pub struct RealFact {
    /// Shape without the batch axis.
    pub shape: Shape,
}

/// What is known of a value in the integer graph: real value = integer · scale.
#[derive(Clone, Debug, PartialEq)]
pub struct IntegerFact {
    /// Shape without the batch axis.
    pub shape: Shape,
    /// Real size of one integer.
    pub scale: Scale,
    /// Bounds of each channel that no input can leave (interval arithmetic); one per channel.
    pub range: Vec<Range>,
    /// Suite `shared`: integers are taken in this ring.
    pub ring: Option<Ring>,
    /// Suite `shared`, of maxima: differences are taken in this ring, which is no larger.
    pub compared: Option<Ring>,
    /// How full that ring is, where integers can leave it.
    pub room: Option<Room>,
}

/// How full a ring is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Room {
    /// Share that the largest integer on calibration images takes.
    pub taken: f64,
    /// Estimated chance that an image leaves it; `None` where there are too few images to say.
    pub overflow: Option<f64>,
}

/// Real size of one integer step of a tensor; always positive and finite.
#[derive(Clone, Debug, PartialEq)]
pub enum Scale {
    /// One for all elements.
    PerTensor(f64),
    /// One per channel.
    PerChannel(Vec<f64>),
}

impl Scale {
    /// Real size of one integer step in `channel`.
    pub fn channel(&self, channel: usize) -> f64 {
        match self {
            Scale::PerTensor(scale) => *scale,
            Scale::PerChannel(scales) => scales[channel],
        }
    }

    /// The scale of a tensor of which only `channels` are left.
    pub fn narrowed(&self, channels: &[usize]) -> Self {
        match self {
            Scale::PerTensor(scale) => Scale::PerTensor(*scale),
            Scale::PerChannel(scales) => {
                Scale::PerChannel(channels.iter().map(|&channel| scales[channel]).collect())
            }
        }
    }
}

/// Inclusive bounds of an integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// Smallest integer of the range.
    pub low: i128,
    /// Largest integer of the range.
    pub high: i128,
}

impl Range {
    /// Least b with −2^b < x < 2^b for every x in the range.
    pub fn bits(self) -> u32 {
        let largest = self.low.unsigned_abs().max(self.high.unsigned_abs());
        u128::BITS - largest.leading_zeros()
    }

    /// Smallest range that contains both.
    pub fn hull(self, other: Self) -> Self {
        Self { low: self.low.min(other.low), high: self.high.max(other.high) }
    }
}

impl IntegerFact {
    /// Least b with −2^b < x < 2^b for every element; in a ring of 2^(b+1) elements, b.
    pub fn bits(&self) -> u32 {
        let of_range = || self.range.iter().map(|range| range.bits()).max().unwrap_or(0);
        self.ring.map_or_else(of_range, |ring| ring.bits() - 1)
    }
}

impl AsRef<Shape> for RealFact {
    fn as_ref(&self) -> &Shape {
        &self.shape
    }
}

impl AsRef<Shape> for IntegerFact {
    fn as_ref(&self) -> &Shape {
        &self.shape
    }
}

/// `[-3, 12]`.
impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}, {}]", self.low, self.high)
    }
}

/// `16x24x24`.
impl fmt::Display for RealFact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shape.fmt(f)
    }
}

/// `16x24x24 scale 0.0125 range [-3, 12] bits 4`, or `ring 5` instead of bits; the range is the hull of all channels'
/// ranges.
impl fmt::Display for IntegerFact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} scale {}", self.shape, self.scale)?;
        let hull = self.range.iter().copied().reduce(Range::hull);
        hull.map_or(Ok(()), |hull| write!(f, " range {hull}"))?;
        match self.ring {
            Some(ring) => write!(f, " ring {}", ring.bits())?,
            None if hull.is_some() => write!(f, " bits {}", self.bits())?,
            None => {}
        }
        self.compared.map_or(Ok(()), |compared| write!(f, " compared {}", compared.bits()))
    }
}

/// `0.0125`, or `0.003..0.02 per channel` (smallest and largest).
impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scale::PerTensor(scale) => write!(f, "{}", Rounded(*scale)),
            Scale::PerChannel(scales) => {
                let low = scales.iter().copied().fold(f64::INFINITY, f64::min);
                let high = scales.iter().copied().fold(0.0, f64::max);
                write!(f, "{}..{} per channel", Rounded(low), Rounded(high))
            }
        }
    }
}

/// Four significant digits.
struct Rounded(f64);

impl fmt::Display for Rounded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rounded = format!("{:.3e}", self.0).parse::<f64>().unwrap_or(self.0);
        if rounded == 0.0 || (1e-4..1e6).contains(&rounded.abs()) {
            write!(f, "{rounded}")
        } else {
            write!(f, "{rounded:e}")
        }
    }
}
