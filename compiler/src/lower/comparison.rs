//! What one value of an interactive step of suite `shared` takes, roughly, for choices made before there is a plan.

use runtime::plan::{Ring, UnitCosts};
use runtime::protocol::shared::relu::Relu;
use runtime::protocol::shared::sign::Sign;

/// Values over which what a step takes is spread.
const SAMPLE: usize = 4096;

/// What is done to the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// ReLU, with or without truncation; also one comparison of a max-pooling.
    Relu,
    /// A binary activation.
    Sign,
}

/// Seconds for one of many values of `bits` and a sign, without waiting.
pub fn comparison(kind: Comparison, bits: u32, unit: &UnitCosts) -> f64 {
    let ring = |bits: u32| Ring::new(bits.clamp(2, u64::BITS));
    let cost = match (kind, ring(bits + 1)) {
        (Comparison::Relu, Some(ring)) => Relu::new(ring, 0, ring).map(|relu| relu.cost(SAMPLE)),
        (Comparison::Sign, Some(from)) => {
            ring(bits + 1).and_then(|to| Sign::new(from, to)).map(|sign| sign.cost(SAMPLE))
        }
        (_, None) => None,
    };
    cost.map_or(f64::INFINITY, |cost| {
        let ots = cost.choices.client + cost.choices.server;
        (ots as f64 * unit.ot + cost.bytes() as f64 * unit.byte) / SAMPLE as f64
    })
}
