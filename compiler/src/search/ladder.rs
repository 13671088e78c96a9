//! The choices of width and sparsity for each linear layer, and of width for each truncated value, with time and error.

use super::labelled::Labelled;
use super::price::LayerPrices;
use super::sensitivity::sensitivity;
use crate::error::Result;
use crate::graph::{Graph, NodeId, Op, Real};
use crate::options::LayerChoice;
use crate::options::{ACTIVATION_BITS, CompileOptions};
use crate::passes::{Choices, Noise, Precision, Preparation, Rounding};
use crate::pipeline;
use std::collections::BTreeMap;

/// Widths that are considered.
const BITS: [u32; 6] = [8, 6, 5, 4, 3, 2];
/// Shares of zeros that are considered.
const SPARSITIES: [f64; 14] = [0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.93, 0.96];
/// Bits that a value may keep beyond the usual.
const MORE_BITS: i32 = 2;
/// log2 of the Lagrange multiplier of the error: seconds + 2^m · error is minimised. Higher is more accurate and dearer.
pub(super) type LogMultiplier = f64;

/// The choices of every layer and of every value that loses bits.
pub(super) struct Ladder {
    layers: BTreeMap<NodeId, Vec<Rung<LayerChoice>>>,
    /// Bits that values keep beyond the usual, or fewer.
    values: BTreeMap<NodeId, Vec<Rung<i32>>>,
}

#[derive(Clone, Copy, Debug)]
struct Rung<T> {
    choice: T,
    /// Predicted time, as a share of that of all layers at 8 bits without zeros.
    seconds: f64,
    /// Predicted squared error of the logits, as a share of its variance.
    error: f64,
}

impl Ladder {
    /// Measures the choices of every linear layer and every truncated value of the prepared graph.
    ///
    /// # Errors
    /// Where scales do not agree.
    pub(super) fn new(
        preparation: &Preparation<'_>,
        labelled: &Labelled,
        options: &CompileOptions,
    ) -> Result<Self> {
        let graph = preparation.graph();
        let usual = pipeline::integers(preparation, &dense(), options, &mut pipeline::Silent)?;
        let rounded: Vec<&Noise> =
            usual.quantized.noise().iter().filter(|noise| noise.rounding == Rounding::Value).collect();
        let narrowed = rounded.iter().map(|noise| noise.node).collect();
        let (prices, float) = (LayerPrices::new(graph, narrowed, options), labelled.logits(graph));
        let mut layers = BTreeMap::new();
        for id in graph.ids_in_order().into_iter().filter(|&id| is_linear(graph, id)) {
            let sensitivity = sensitivity(preparation, &float, labelled, options, id)?;
            let rung = |choice| {
                let error = sensitivity * preparation.error(id, choice);
                Rung { choice, seconds: prices.layer(id, choice), error }
            };
            layers.insert(id, grid().map(rung).collect::<Vec<_>>());
        }
        let values = rounded.into_iter().map(|noise| (noise.node, of_value(noise, &prices, options)));
        let mut ladder = Self { layers, values: values.collect() };
        let total: f64 = ladder.layers.values().map(|rungs| rungs[0].seconds).sum();
        ladder.layers.values_mut().flatten().for_each(|rung| rung.seconds /= total);
        ladder.values.values_mut().flatten().for_each(|rung| rung.seconds /= total);
        Ok(ladder)
    }

    /// The layers and values, those first whose cost at this multiplier, or at their own, is largest.
    pub(super) fn dearest_first(
        &self,
        multiplier: LogMultiplier,
        own: &BTreeMap<NodeId, LogMultiplier>,
    ) -> Vec<NodeId> {
        let multiplier = |id| own.get(id).copied().unwrap_or(multiplier);
        let mut seconds: BTreeMap<NodeId, f64> =
            self.layers.iter().map(|(id, rungs)| (*id, best(rungs, multiplier(id)).seconds)).collect();
        for (id, rungs) in &self.values {
            *seconds.entry(*id).or_default() += best(rungs, multiplier(id)).seconds;
        }
        let mut nodes: Vec<(f64, NodeId)> = seconds.into_iter().map(|(id, seconds)| (seconds, id)).collect();
        nodes.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        nodes.into_iter().map(|(_, id)| id).collect()
    }

    /// The choices that minimise seconds plus 2^`multiplier` times error; some nodes have a multiplier of their `own`.
    pub(super) fn choices(
        &self,
        multiplier: LogMultiplier,
        own: &BTreeMap<NodeId, LogMultiplier>,
    ) -> Precision {
        let multiplier = |id| own.get(id).copied().unwrap_or(multiplier);
        let mut precision = dense();
        for (id, rungs) in &self.layers {
            precision.choices.set(*id, best(rungs, multiplier(id)).choice);
        }
        precision.values =
            self.values.iter().map(|(id, rungs)| (*id, best(rungs, multiplier(id)).choice)).collect();
        precision.values.retain(|_, bits| *bits != 0);
        precision
    }
}

/// 8 bits and no zeros for all layers, the usual bits for all values.
pub(super) fn dense() -> Precision {
    let choices = Choices::uniform(LayerChoice { bits: BITS[0], sparsity: 0.0 });
    Precision { choices, values: BTreeMap::new() }
}

fn is_linear(graph: &Graph<Real>, id: NodeId) -> bool {
    matches!(graph.op(id), Op::Conv(_) | Op::Dense(_))
}

/// All pairs of width and sparsity, 8 bits without zeros first.
fn grid() -> impl Iterator<Item = LayerChoice> {
    BITS.iter().flat_map(|&bits| SPARSITIES.iter().map(move |&sparsity| LayerChoice { bits, sparsity }))
}

/// The choices for the value whose truncation makes this noise: each bit less quadruples the squared error. The usual
/// number of bits comes first.
fn of_value(noise: &Noise, prices: &LayerPrices<'_>, options: &CompileOptions) -> Vec<Rung<i32>> {
    let usual = options.activation_bits as i32;
    let least = *ACTIVATION_BITS.start() as i32 - usual;
    let most = (*ACTIVATION_BITS.end() as i32 - usual).min(MORE_BITS);
    let per_bit = prices.kept_bit(noise.node);
    let rung = |bits: i32| Rung {
        choice: bits,
        seconds: f64::from(usual + bits) * per_bit,
        error: noise.error * (-2.0 * f64::from(bits)).exp2(),
    };
    std::iter::once(0).chain((least..0).rev()).chain(1..=most).map(rung).collect()
}

fn best<T: Copy>(rungs: &[Rung<T>], multiplier: LogMultiplier) -> Rung<T> {
    let price = |rung: &Rung<T>| rung.seconds + multiplier.exp2() * rung.error;
    let cheaper = |best: Rung<T>, rung: &Rung<T>| if price(rung) < price(&best) { *rung } else { best };
    rungs.iter().fold(rungs[0], cheaper)
}
