//! Rough times of layers and of the comparisons after them: enough to weigh layers against each other before anything
//! is compiled.

use super::outcome::size;
use crate::graph::{Graph, NodeId, Op, Real};
use crate::options::CompileOptions;
use crate::options::LayerChoice;
use runtime::cost::{self, UnitCosts};
use runtime::plan::{Exchange, ExchangeKind, Suite};
use std::collections::BTreeSet;

/// Share of the weights that rounding alone makes zero, by width.
const ROUNDED_AWAY: [(u32, f64); 6] = [(8, 0.02), (6, 0.05), (5, 0.1), (4, 0.18), (3, 0.3), (2, 0.5)];
/// Width of a typical value, and the step by which the price of one more bit is taken.
const USUAL_BITS: u32 = 32;
const MORE_BITS: u32 = 8;
/// Suite `shared`: width of a typical ring, and of a typical slot.
const USUAL_RING: u32 = 20;
const USUAL_SLOT: u32 = 32;
/// Values of a typical exchange.
const USUAL_COUNT: usize = 512;

/// Prices of the layers and values of a float graph, in seconds of one core.
pub(super) struct LayerPrices<'a> {
    graph: &'a Graph<Real>,
    product: f64,
    comparison: f64,
    /// By node: seconds that one more bit of the ring of what it reads, or of its slots, takes.
    per_bit: Vec<f64>,
    /// Values that lose bits.
    narrowed: BTreeSet<NodeId>,
}

impl<'a> LayerPrices<'a> {
    /// Prices for `graph`, whose values `narrowed` are truncated.
    pub(super) fn new(graph: &'a Graph<Real>, narrowed: BTreeSet<NodeId>, options: &CompileOptions) -> Self {
        let unit = options.unit_costs();
        let (comparison, usual_bits) = (
            |bits| match options.suite {
                Suite::Blinded(parameters) => {
                    let values = Exchange { kind: ExchangeKind::Relu, count: USUAL_COUNT, bits };
                    cost::exchange(&values, false, parameters, options.key_bits).seconds(&unit)
                        / USUAL_COUNT as f64
                }
                Suite::Shared(_) => cost::comparison(cost::Comparison::Relu, bits, &unit),
            },
            usual_bits(options),
        );
        let usual = comparison(usual_bits);
        let bit = (comparison(usual_bits + MORE_BITS) - usual) / f64::from(MORE_BITS);
        let mut per_bit = vec![0.0; graph.id_bound()];
        for id in graph.ids() {
            per_bit[id.index()] = bit * comparisons(graph, id) + slots(graph, id, options, &unit);
        }
        Self { graph, product: unit.product / pixels(options), comparison: usual, per_bit, narrowed }
    }

    /// Seconds that one bit of the value of `id` takes in its readers, and on until values are truncated.
    fn of_bit(&self, id: NodeId) -> f64 {
        let (mut seen, mut pending, mut seconds) = (BTreeSet::new(), self.readers(id), 0.0);
        while let Some(reader) = pending.pop() {
            if seen.insert(reader) {
                seconds += self.per_bit[reader.index()];
                if !self.narrowed.contains(&reader) {
                    pending.extend(self.readers(reader));
                }
            }
        }
        seconds
    }

    /// Seconds that one more bit takes which the truncated value of `id` keeps. A ReLU reads the value before
    /// truncation, so its time stays the same.
    pub(super) fn kept_bit(&self, id: NodeId) -> f64 {
        let is_relu = |reader: &NodeId| matches!(self.graph.op(*reader), Op::Relu);
        let relus = self.readers(id).into_iter().filter(is_relu).map(|reader| self.per_bit[reader.index()]);
        self.of_bit(id) - relus.sum::<f64>()
    }

    /// Seconds of the linear layer `id`, and of what its width adds to the comparisons after it.
    pub(super) fn layer(&self, id: NodeId, choice: LayerChoice) -> f64 {
        let (weights, rows) = size(self.graph, id).unwrap_or_default();
        let positions = (self.graph.shape(id).elements() / rows.max(1)) as f64;
        let rounded =
            ROUNDED_AWAY.iter().find(|(bits, _)| *bits == choice.bits).map_or(0.0, |&(_, zero)| zero);
        let left = weights as f64 * (1.0 - choice.sparsity.max(rounded));
        let buckets = rows as f64 * f64::from(1u32 << (choice.bits - 1).min(4));
        positions * (left + buckets) * self.product + f64::from(choice.bits) * self.of_bit(id)
    }

    /// Seconds that one output channel of the linear layer `id` takes, in the layer, in comparisons, and in its
    /// readers.
    pub(super) fn channel(&self, id: NodeId) -> f64 {
        let channels = self.graph.shape(id).channels.max(1) as f64;
        let own = self.products(id);
        let mut pending: Vec<NodeId> = self.readers(id);
        let (mut comparing, mut reading) = (0.0, 0.0);
        while let Some(reader) = pending.pop() {
            if matches!(self.graph.op(reader), Op::Conv(_) | Op::Dense(_)) {
                reading += self.products(reader);
            } else {
                comparing += comparisons(self.graph, reader);
                pending.extend(self.readers(reader));
            }
        }
        ((own + reading) * self.product + comparing * self.comparison) / channels
    }

    fn readers(&self, id: NodeId) -> Vec<NodeId> {
        self.graph.consumers(id).into_iter().map(|(reader, _)| reader).collect()
    }

    fn products(&self, id: NodeId) -> f64 {
        let (weights, rows) = size(self.graph, id).unwrap_or_default();
        (weights * (self.graph.shape(id).elements() / rows.max(1))) as f64
    }
}

fn usual_bits(options: &CompileOptions) -> u32 {
    if options.has_rings() { USUAL_RING } else { USUAL_BITS }
}

/// How many positions of a layer share a product.
fn pixels(options: &CompileOptions) -> f64 {
    if options.has_rings() { f64::from(options.key_bits.plaintext_bits() / USUAL_SLOT) } else { 1.0 }
}

/// Suite `shared`: seconds that one more bit of its results takes a linear layer, whose slots are as wide as its
/// results.
fn slots(graph: &Graph<Real>, id: NodeId, options: &CompileOptions, unit: &UnitCosts) -> f64 {
    let is_linear = matches!(graph.op(id), Op::Conv(_) | Op::Dense(_));
    if !is_linear || !options.has_rings() {
        return 0.0;
    }
    let bytes = options.key_bits.ciphertext_bytes() as f64 * unit.byte;
    let up = graph.input_shapes(id)[0].elements() as f64 * (unit.encryption + bytes);
    let down = graph.shape(id).elements() as f64 * (unit.rerandomisation + unit.decryption + bytes);
    (up + down) / f64::from(options.key_bits.plaintext_bits())
}

fn comparisons(graph: &Graph<Real>, id: NodeId) -> f64 {
    let elements = graph.shape(id).elements() as f64;
    match graph.op(id) {
        Op::Relu | Op::Sign => elements,
        Op::Clip(_) => 2.0 * elements,
        Op::MaxPool(window) => elements * (window.kernel[0] * window.kernel[1] - 1) as f64,
        _ => 0.0,
    }
}
