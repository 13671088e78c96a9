//! Predicted time of the operations that depend on the widths of values, for either suite.

use crate::graph::{Graph, Integer, NodeId, Op};
use crate::options::CompileOptions;
use runtime::cost::{Comparison, UnitCosts, comparison, exchange};
use runtime::plan::{BlindedParameters, Exchange, ExchangeKind, Suite};
use std::collections::HashMap;

/// Values per priced round; longer rounds take proportionally longer.
const SAMPLE: usize = 64;
/// Bits of a slot beyond those of the results, about.
const SLOT: u32 = 12;

/// Seconds that operations on single values take, by operation and width.
pub(super) struct ValuePrices<'a> {
    options: &'a CompileOptions,
    unit: UnitCosts,
    known: HashMap<(PricedOperation, u32), f64>,
    /// By node: seconds of a linear layer with one value in a ciphertext.
    sums: HashMap<NodeId, f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum PricedOperation {
    Relu,
    Pool,
    Sign,
    Rescale,
    Product,
}

impl<'a> ValuePrices<'a> {
    pub(super) fn new(options: &'a CompileOptions) -> Self {
        Self { options, unit: options.unit_costs(), known: HashMap::new(), sums: HashMap::new() }
    }

    /// Seconds that the operation of `id` takes, which reads values of `read` bits and has results of `bits`, as far as
    /// they depend on these.
    pub(super) fn operation(&mut self, graph: &Graph<Integer>, id: NodeId, read: u32, bits: u32) -> f64 {
        let elements = graph.shape(id).elements() as f64;
        match graph.op(id) {
            Op::Relu => elements * self.value(PricedOperation::Relu, read),
            Op::Sign => elements * self.value(PricedOperation::Sign, read + 1),
            Op::Mul => elements * self.value(PricedOperation::Product, bits),
            Op::MaxPool(window) => {
                let comparisons = window.kernel[0] * window.kernel[1] - 1;
                elements * comparisons as f64 * self.value(PricedOperation::Pool, read + 1)
            }
            Op::Conv(conv) if self.options.has_rings() => self.sums(graph, id, &conv.weights, bits),
            Op::Dense(dense) if self.options.has_rings() => self.sums(graph, id, &dense.weights, bits),
            _ => 0.0,
        }
    }

    /// Seconds that narrowing the value of `id`, which has `bits`, takes in a round of its own.
    pub(super) fn rescale(&mut self, graph: &Graph<Integer>, id: NodeId, bits: u32) -> f64 {
        self.unit.round + graph.shape(id).elements() as f64 * self.value(PricedOperation::Rescale, bits)
    }

    /// Seconds of a linear layer whose slots are as wide as its results: of the ciphertexts that its inputs and outputs
    /// fill, and of all products.
    fn sums(&mut self, graph: &Graph<Integer>, id: NodeId, weights: &[i32], bits: u32) -> f64 {
        let Self { options, unit, sums, .. } = self;
        let one_by_one = *sums.entry(id).or_insert_with(|| one_by_one(graph, id, weights, options, unit));
        one_by_one / (f64::from(options.key_bits.plaintext_bits()) / f64::from(bits + SLOT))
    }

    fn value(&mut self, kind: PricedOperation, bits: u32) -> f64 {
        let Self { options, unit, known, .. } = self;
        *known.entry((kind, bits)).or_insert_with(|| match options.suite {
            Suite::Blinded(parameters) => blinded(kind, bits, parameters, options, unit),
            Suite::Shared(_) => comparison(shared(kind), bits, unit),
        })
    }
}

/// What suite `shared` does.
const fn shared(kind: PricedOperation) -> Comparison {
    match kind {
        PricedOperation::Relu | PricedOperation::Pool | PricedOperation::Rescale => Comparison::Relu,
        PricedOperation::Sign => Comparison::Sign,
        PricedOperation::Product => Comparison::Product,
    }
}

/// Seconds of a linear layer with one value in a ciphertext.
fn one_by_one(
    graph: &Graph<Integer>,
    id: NodeId,
    weights: &[i32],
    options: &CompileOptions,
    unit: &UnitCosts,
) -> f64 {
    let (from, to) = (graph.input_shapes(id)[0], graph.shape(id));
    let used = weights.iter().filter(|&&weight| weight != 0).count();
    let products = used as f64 * (to.elements() / to.channels) as f64;
    let bytes = options.key_bits.ciphertext_bytes() as f64 * unit.byte;
    let up = from.elements() as f64 * (unit.encryption + bytes);
    let down = to.elements() as f64 * (unit.rerandomisation + unit.decryption + bytes);
    products * unit.product + up + down
}

/// Seconds per value in suite `blinded`; infinite where a key's plaintext holds no such value.
fn blinded(
    kind: PricedOperation,
    bits: u32,
    parameters: BlindedParameters,
    options: &CompileOptions,
    unit: &UnitCosts,
) -> f64 {
    let pooling = kind == PricedOperation::Pool;
    let kind = match kind {
        PricedOperation::Relu | PricedOperation::Pool => ExchangeKind::Relu,
        PricedOperation::Sign => ExchangeKind::Sign,
        PricedOperation::Rescale => ExchangeKind::Rescale { bits: 1 },
        PricedOperation::Product => return f64::INFINITY,
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
