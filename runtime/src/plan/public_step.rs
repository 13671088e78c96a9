//! A step of a schedule, and how it is written: both kinds of linear layers as one, with their layout; a ReLU with the
//! bits that it drops, which may be none.

use super::geometry::{Shape, Window};
use super::ids::StepId;
use super::knowledge::Public;
use super::layout::Layout;
use super::ops::{Add, Conv2d, Dense, Gather, MaxPool, Op, SumPool};
use super::ring::Ring;
use super::scores::Scores;
use super::tiling::Tiling;
use serde::{Deserialize, Serialize};

/// A step without its weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct PublicStep {
    /// The operation, without its weights.
    pub op: Op<Public>,
    /// The steps whose values are read.
    pub inputs: Vec<StepId>,
    /// Shape of the value that the step defines.
    pub shape: Shape,
    /// The value is taken modulo 2^(bits+1).
    pub bits: u32,
    /// How a step with weights is evaluated under encryption.
    pub layout: Option<Layout>,
}

/// A linear layer without its weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Linear {
    /// Of a convolution; `None` for a dense layer, which reads all elements.
    pub window: Option<Window>,
    /// How it is evaluated under encryption.
    pub layout: Layout,
}

impl Linear {
    /// The tiles over an image of `from`; `None` where window or tile do not fit.
    pub fn tiling(&self, from: Shape) -> Option<Tiling> {
        match self.window {
            Some(window) => Tiling::new(window, from, self.layout.tile),
            None => Tiling::new(Window::dense([1, 1]), from.flattened(), self.layout.tile),
        }
    }
}

impl PublicStep {
    /// The linear layer that it is, if it is one: of a valid schedule, those alone have layouts.
    pub fn linear(&self) -> Option<Linear> {
        let window = if let Op::Conv2d(conv) = &self.op { Some(conv.window) } else { None };
        self.layout.map(|layout| Linear { window, layout })
    }

    /// The ring of the value.
    ///
    /// # Panics
    /// If `bits` is more than 63; a valid plan's are fewer.
    pub const fn ring(&self) -> Ring {
        Ring::new(self.bits + 1).expect("a valid plan's rings have at most 64 bits")
    }
}

impl Linear {
    /// Planes of an image of `from`, or elements.
    pub fn inputs(&self, from: Shape, tiling: &Tiling) -> usize {
        let channels = if self.window.is_some() { from.channels } else { from.elements() };
        channels * tiling.planes()
    }

    /// Ciphertexts of the masks of [`Layout::images`] images of `from`.
    pub fn masks(&self, from: Shape, tiling: &Tiling) -> usize {
        self.inputs(from, tiling).div_ceil(self.layout.stacked)
    }

    /// Ciphertexts that come back for `channels` channels of results, of as many images.
    pub fn products(&self, channels: usize, tiling: &Tiling) -> usize {
        (channels * tiling.results()).div_ceil(self.layout.results)
    }
}

/// A step as it is written.
#[derive(Clone, Serialize, Deserialize)]
struct Written {
    op: WrittenOp,
    inputs: Vec<StepId>,
    shape: Shape,
    bits: u32,
}

#[derive(Clone, Serialize, Deserialize)]
enum WrittenOp {
    Input,
    Linear { window: Option<Window>, layout: Layout },
    SumPool(SumPool),
    Add { multipliers: Vec<i64> },
    Concat,
    Gather(Gather),
    Relu { dropped: u32 },
    Sign,
    MaxPool(MaxPool),
    Rescale { bits: u32 },
    ArgMax(Scores),
    Reveal,
    Mul,
}

impl From<PublicStep> for Written {
    fn from(step: PublicStep) -> Self {
        let PublicStep { op, inputs, shape, bits, layout } = step;
        Self { op: written(op, layout.unwrap_or(Layout::NONE)), inputs, shape, bits }
    }
}

fn written(op: Op<Public>, layout: Layout) -> WrittenOp {
    match op {
        Op::Input => WrittenOp::Input,
        Op::Conv2d(conv) => WrittenOp::Linear { window: Some(conv.window), layout },
        Op::Dense(_) => WrittenOp::Linear { window: None, layout },
        Op::SumPool(pool) => WrittenOp::SumPool(pool),
        Op::Add(sum) => WrittenOp::Add { multipliers: sum.multipliers },
        Op::Concat => WrittenOp::Concat,
        Op::Gather(gather) => WrittenOp::Gather(gather),
        Op::Relu => WrittenOp::Relu { dropped: 0 },
        Op::ReluRescale { bits } => WrittenOp::Relu { dropped: bits },
        Op::Sign => WrittenOp::Sign,
        Op::MaxPool(pool) => WrittenOp::MaxPool(pool),
        Op::Rescale { bits } => WrittenOp::Rescale { bits },
        Op::ArgMax(scores) => WrittenOp::ArgMax(scores),
        Op::Reveal => WrittenOp::Reveal,
        Op::Mul => WrittenOp::Mul,
    }
}

impl From<Written> for PublicStep {
    fn from(step: Written) -> Self {
        let Written { op, inputs, shape, bits } = step;
        let layout = if let WrittenOp::Linear { layout, .. } = op { Some(layout) } else { None };
        Self { op: read(op), inputs, shape, bits, layout }
    }
}

fn read(op: WrittenOp) -> Op<Public> {
    match op {
        WrittenOp::Input => Op::Input,
        WrittenOp::Linear { window: Some(window), .. } => {
            Op::Conv2d(Conv2d { window, groups: (), weights: (), bias: () })
        }
        WrittenOp::Linear { window: None, .. } => Op::Dense(Dense { weights: (), bias: () }),
        WrittenOp::SumPool(pool) => Op::SumPool(pool),
        WrittenOp::Add { multipliers } => Op::Add(Add { multipliers, bias: () }),
        WrittenOp::Concat => Op::Concat,
        WrittenOp::Gather(gather) => Op::Gather(gather),
        WrittenOp::Relu { dropped: 0 } => Op::Relu,
        WrittenOp::Relu { dropped } => Op::ReluRescale { bits: dropped },
        WrittenOp::Sign => Op::Sign,
        WrittenOp::MaxPool(pool) => Op::MaxPool(pool),
        WrittenOp::Rescale { bits } => Op::Rescale { bits },
        WrittenOp::ArgMax(scores) => Op::ArgMax(scores),
        WrittenOp::Reveal => Op::Reveal,
        WrittenOp::Mul => Op::Mul,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::IndexMap;

    /// Where these bytes change, `FORMAT_VERSION` and `PROTOCOL_VERSION` must.
    #[test]
    fn steps_are_written_as_ever() {
        let window = Window::dense([3, 3]);
        let layout = Layout { tile: [2, 3], slot_bits: 40, fraction: 1, results: 5, stacked: 6, images: 1 };
        let conv = Op::Conv2d(Conv2d { window, groups: (), weights: (), bias: () });
        let dense = Op::Dense(Dense { weights: (), bias: () });
        let sum = Op::Add(Add { multipliers: vec![1, -2], bias: () });
        let gather =
            Gather { map: IndexMap::from_positions(Shape::vector(4), [None, None, Some(3), Some(1)]) };
        let (in_tiles, after) = ([2, 3, 40, 1, 5, 6, 1], [1, 7, 4, 4, 4, 20]);
        let cases = [
            (Op::Input, None, vec![0]),
            (conv, Some(layout), [&[1, 1, 3, 3, 1, 1, 1, 1, 0, 0, 0, 0], &in_tiles[..]].concat()),
            (dense, Some(layout), [&[1, 0], &in_tiles[..]].concat()),
            (sum, None, vec![3, 2, 2, 3]),
            (Op::Concat, None, vec![4]),
            (Op::Gather(gather), None, vec![5, 2, 0, 2, 1, 3, 1, 2, 3, 0]),
            (Op::Relu, None, vec![6, 0]),
            (Op::ReluRescale { bits: 9 }, None, vec![6, 9]),
            (Op::Sign, None, vec![7]),
            (Op::MaxPool(MaxPool { window, compared: 9 }), None, vec![8, 3, 3, 1, 1, 1, 1, 0, 0, 0, 0, 9]),
            (Op::Rescale { bits: 3 }, None, vec![9, 3]),
            (Op::ArgMax(Scores { classes: 5, inner: 2 }), None, vec![10, 5, 2]),
            (Op::Reveal, None, vec![11]),
            (Op::Mul, None, vec![12]),
        ];
        for (op, layout, bytes) in cases {
            let (inputs, shape) = (vec![StepId::new(7)], Shape::new(4, 4, 4));
            let step = PublicStep { op, inputs, shape, bits: 20, layout };
            let written = postcard::to_stdvec(&step).unwrap();
            assert_eq!(written, [&bytes[..], &after].concat());
            assert_eq!(postcard::from_bytes::<PublicStep>(&written), Ok(step));
        }
    }
}
