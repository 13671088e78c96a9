//! How a step of a schedule is written: both kinds of linear layers as one, with their layout; a ReLU with the bits that
//! it drops, which may be none.

use super::geometry::{Shape, Window};
use super::ids::StepId;
use super::knowledge::Public;
use super::layout::Layout;
use super::ops::{self, Conv2d, Dense, SumPool};
use super::schedule::PublicStep;
use serde::{Deserialize, Serialize};

/// A step as it is written.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Step {
    op: Op,
    inputs: Vec<StepId>,
    shape: Shape,
    bits: u32,
}

#[derive(Clone, Serialize, Deserialize)]
enum Op {
    Input,
    Linear { window: Option<Window>, layout: Layout },
    SumPool(SumPool),
    Add { multipliers: Vec<i64> },
    Concat,
    Relu { dropped: u32 },
    Sign,
    MaxPool(Window),
    Rescale { bits: u32 },
    ArgMax,
    Reveal,
}

impl From<PublicStep> for Step {
    fn from(step: PublicStep) -> Self {
        let PublicStep { op, inputs, shape, bits, layout } = step;
        Self { op: written(op, layout.unwrap_or(Layout::NONE)), inputs, shape, bits }
    }
}

fn written(op: ops::Op<Public>, layout: Layout) -> Op {
    match op {
        ops::Op::Input => Op::Input,
        ops::Op::Conv2d(conv) => Op::Linear { window: Some(conv.window), layout },
        ops::Op::Dense(_) => Op::Linear { window: None, layout },
        ops::Op::SumPool(pool) => Op::SumPool(pool),
        ops::Op::Add(sum) => Op::Add { multipliers: sum.multipliers },
        ops::Op::Concat => Op::Concat,
        ops::Op::Relu => Op::Relu { dropped: 0 },
        ops::Op::ReluRescale { bits } => Op::Relu { dropped: bits },
        ops::Op::Sign => Op::Sign,
        ops::Op::MaxPool(window) => Op::MaxPool(window),
        ops::Op::Rescale { bits } => Op::Rescale { bits },
        ops::Op::ArgMax => Op::ArgMax,
        ops::Op::Reveal => Op::Reveal,
    }
}

impl From<Step> for PublicStep {
    fn from(step: Step) -> Self {
        let Step { op, inputs, shape, bits } = step;
        let layout = if let Op::Linear { layout, .. } = op { Some(layout) } else { None };
        Self { op: read(op), inputs, shape, bits, layout }
    }
}

fn read(op: Op) -> ops::Op<Public> {
    match op {
        Op::Input => ops::Op::Input,
        Op::Linear { window: Some(window), .. } => {
            ops::Op::Conv2d(Conv2d { window, groups: (), weights: (), bias: () })
        }
        Op::Linear { window: None, .. } => ops::Op::Dense(Dense { weights: (), bias: () }),
        Op::SumPool(pool) => ops::Op::SumPool(pool),
        Op::Add { multipliers } => ops::Op::Add(ops::Add { multipliers, bias: () }),
        Op::Concat => ops::Op::Concat,
        Op::Relu { dropped: 0 } => ops::Op::Relu,
        Op::Relu { dropped } => ops::Op::ReluRescale { bits: dropped },
        Op::Sign => ops::Op::Sign,
        Op::MaxPool(window) => ops::Op::MaxPool(window),
        Op::Rescale { bits } => ops::Op::Rescale { bits },
        Op::ArgMax => ops::Op::ArgMax,
        Op::Reveal => ops::Op::Reveal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Masks;

    /// Where these bytes change, `FORMAT_VERSION` and `PROTOCOL_VERSION` must.
    #[test]
    fn steps_are_written_as_ever() {
        let window = Window::dense([3, 3]);
        let layout = Layout { tile: [2, 3], slot_bits: 40, masks: Masks::PerSlot, results: 5, stacked: 6 };
        let conv = ops::Op::Conv2d(Conv2d { window, groups: (), weights: (), bias: () });
        let dense = ops::Op::Dense(Dense { weights: (), bias: () });
        let sum = ops::Op::Add(ops::Add { multipliers: vec![1, -2], bias: () });
        let (in_tiles, after) = ([2, 3, 40, 1, 5, 6], [1, 7, 4, 4, 4, 20]);
        let cases = [
            (ops::Op::Input, None, vec![0]),
            (conv, Some(layout), [&[1, 1, 3, 3, 1, 1, 1, 1, 0, 0, 0, 0], &in_tiles[..]].concat()),
            (dense, Some(layout), [&[1, 0], &in_tiles[..]].concat()),
            (sum, None, vec![3, 2, 2, 3]),
            (ops::Op::Concat, None, vec![4]),
            (ops::Op::Relu, None, vec![5, 0]),
            (ops::Op::ReluRescale { bits: 9 }, None, vec![5, 9]),
            (ops::Op::Sign, None, vec![6]),
            (ops::Op::MaxPool(window), None, vec![7, 3, 3, 1, 1, 1, 1, 0, 0, 0, 0]),
            (ops::Op::Rescale { bits: 3 }, None, vec![8, 3]),
            (ops::Op::ArgMax, None, vec![9]),
            (ops::Op::Reveal, None, vec![10]),
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
