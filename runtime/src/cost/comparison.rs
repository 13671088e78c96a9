//! What one value of an interactive step of suite `shared` takes, roughly, for choices made before there is a plan.

use crate::ot::{Batch, Role};
use crate::plan::{Ring, Shape, UnitCosts};
use crate::protocol::shared::message_schedule::{Communication, MessageSchedule};
use crate::protocol::shared::multiply::Multiply;
use crate::protocol::shared::relu::Relu;
use crate::protocol::shared::sign::Sign;

/// Values over which what a step takes is spread.
const SAMPLE: usize = 4096;

/// What is done to the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// ReLU, with or without truncation; also one comparison of a max-pooling.
    Relu,
    /// A binary activation.
    Sign,
    /// A product of two values.
    Product,
}

/// Seconds for one of many values of `bits` and a sign, without waiting.
pub fn comparison(kind: Comparison, bits: u32, unit: &UnitCosts) -> f64 {
    cost(kind, bits).map_or(f64::INFINITY, |cost| {
        let ots = |role| cost.batches.iter().map(|batch| batch.ots(role)).sum::<usize>();
        let ots = ots(Role::Client) + ots(Role::Server);
        let bytes = cost.bytes() + cost.batches.iter().map(Batch::all_correction_bytes).sum::<u64>();
        (ots as f64 * unit.ot + bytes as f64 * unit.byte) / SAMPLE as f64
    })
}

/// Of a sample of values; `None` where there is no such ring.
fn cost(kind: Comparison, bits: u32) -> Option<Communication> {
    let ring = Ring::new((bits + 1).clamp(2, u64::BITS))?;
    let mut messages = MessageSchedule::new();
    match kind {
        Comparison::Relu => Relu::new(ring, 0, ring)?.schedule(&mut messages, SAMPLE),
        Comparison::Sign => Sign::new(ring, ring)?.schedule(&mut messages, SAMPLE),
        Comparison::Product => {
            Multiply::new(ring, Shape::vector(SAMPLE), Shape::vector(SAMPLE))?.schedule(&mut messages);
        }
    }
    let mut cost = messages.mark();
    cost += messages.finish();
    Some(cost)
}
