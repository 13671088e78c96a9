//! What the rounds of a graph take, given the widths of the values exchanged.

use crate::graph::{Graph, Integer, NodeId, Op};
use crate::options::CompileOptions;
use runtime::plan::{Exchange, ExchangeKind, Suite, UnitCosts};
use runtime::protocol::blinded::cost::exchange;
use std::collections::HashMap;

/// Values per priced round; longer rounds take proportionally longer.
const SAMPLE: usize = 64;

/// Prices of single values, by what happens to them and their bits.
pub(super) struct Prices<'a> {
    options: &'a CompileOptions,
    unit: UnitCosts,
    known: HashMap<(Kind, u32), f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Relu,
    Pool,
    Sign,
    Rescale,
}

impl<'a> Prices<'a> {
    pub(super) fn new(options: &'a CompileOptions) -> Self {
        Self { options, unit: UnitCosts::typical(options.key_bits), known: HashMap::new() }
    }

    /// Seconds that the interactive operation of `id` takes, if it is one that reads values of `bits`.
    pub(super) fn operation(&mut self, graph: &Graph<Integer>, id: NodeId, bits: u32) -> f64 {
        let elements = graph.shape(id).elements() as f64;
        match graph.op(id) {
            Op::Relu => elements * self.value(Kind::Relu, bits),
            Op::Sign => elements * self.value(Kind::Sign, bits + 1),
            Op::MaxPool(window) => {
                let comparisons = window.kernel[0] * window.kernel[1] - 1;
                elements * comparisons as f64 * self.value(Kind::Pool, bits + 1)
            }
            _ => 0.0,
        }
    }

    /// Seconds that narrowing the value of `id`, which has `bits`, takes.
    pub(super) fn rescale(&mut self, graph: &Graph<Integer>, id: NodeId, bits: u32) -> f64 {
        self.unit.round + graph.shape(id).elements() as f64 * self.value(Kind::Rescale, bits)
    }

    fn value(&mut self, kind: Kind, bits: u32) -> f64 {
        let Self { options, unit, known } = self;
        *known.entry((kind, bits)).or_insert_with(|| price(kind, bits, options, unit))
    }
}

/// Infinite where a key's plaintext holds no such value.
fn price(kind: Kind, bits: u32, options: &CompileOptions, unit: &UnitCosts) -> f64 {
    let Suite::Blinded(parameters) = options.suite;
    let pooling = kind == Kind::Pool;
    let kind = match kind {
        Kind::Relu | Kind::Pool => ExchangeKind::Relu,
        Kind::Sign => ExchangeKind::Sign,
        Kind::Rescale => ExchangeKind::Rescale { bits: 1 },
    };
    let one = Exchange { kind, count: 1, bits };
    let capacity = one.per_ciphertext(parameters, options.key_bits);
    if capacity == 0 {
        return f64::INFINITY;
    }
    let count = SAMPLE.next_multiple_of(capacity);
    let cost = exchange(&Exchange { count, ..one }, pooling, parameters, options.key_bits);
    (cost.seconds(unit) - unit.round) / count as f64
}
