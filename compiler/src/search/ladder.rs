//! For each linear layer, the choices worth making, from accurate to cheap.

use super::examples::Examples;
use super::price::Prices;
use super::sensitivity::sensitivity;
use crate::error::Result;
use crate::graph::{Graph, NodeId, Op, Real};
use crate::options::CompileOptions;
use crate::passes::{Choices, LayerChoice, Preparation};
use std::collections::BTreeMap;

/// Widths that are considered.
const BITS: [u32; 6] = [8, 6, 5, 4, 3, 2];
/// Shares of zeros that are considered.
const SPARSITIES: [f64; 14] = [0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.93, 0.96];
/// What a layer's error is worth, as a power of two: the higher, the more accurate and dearer.
pub(super) type Care = f64;

/// The choices of every layer.
pub(super) struct Ladder(BTreeMap<NodeId, Vec<Rung>>);

#[derive(Clone, Copy, Debug)]
struct Rung {
    choice: LayerChoice,
    /// As a share of the seconds of all layers at 8 bits, dense.
    seconds: f64,
    /// Predicted squared error of the logits, as a share of its variance.
    error: f64,
}

impl Ladder {
    /// Of the linear layers of a graph.
    ///
    /// # Errors
    /// Where scales do not agree.
    pub(super) fn new(
        preparation: &Preparation<'_>,
        examples: &Examples,
        options: &CompileOptions,
    ) -> Result<Self> {
        let graph = preparation.graph();
        let (prices, float) = (Prices::new(graph, options), examples.logits(graph));
        let mut ladder = BTreeMap::new();
        for id in graph.ids_in_order().into_iter().filter(|&id| is_linear(graph, id)) {
            let sensitivity = sensitivity(preparation, &float, examples, options, id)?;
            let rung = |choice| {
                let error = sensitivity * preparation.error(id, choice);
                Rung { choice, seconds: prices.layer(id, choice), error }
            };
            let rungs: Vec<Rung> = grid().map(rung).collect();
            ladder.insert(id, rungs);
        }
        let total: f64 = ladder.values().map(|rungs| rungs[0].seconds).sum();
        ladder.values_mut().flatten().for_each(|rung| rung.seconds /= total);
        Ok(Self(ladder))
    }

    /// The layers, those first whose cost at this care, or their own, is largest.
    pub(super) fn dearest_first(&self, care: Care, own: &BTreeMap<NodeId, Care>) -> Vec<NodeId> {
        let care = |id| own.get(id).copied().unwrap_or(care);
        let mut layers: Vec<(f64, NodeId)> =
            self.0.iter().map(|(id, rungs)| (best(rungs, care(id)).seconds, *id)).collect();
        layers.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        layers.into_iter().map(|(_, id)| id).collect()
    }

    /// The choices that weigh cost against error with `care`, or with the layer's own.
    pub(super) fn choices(&self, care: Care, own: &BTreeMap<NodeId, Care>) -> Choices {
        let mut choices = Choices::uniform(LayerChoice { bits: BITS[0], sparsity: 0.0 });
        for (id, rungs) in &self.0 {
            choices.set(*id, best(rungs, own.get(id).copied().unwrap_or(care)).choice);
        }
        choices
    }
}

fn is_linear(graph: &Graph<Real>, id: NodeId) -> bool {
    matches!(graph.op(id), Op::Conv(_) | Op::Dense(_))
}

/// All pairs, 8 bits without zeros first.
fn grid() -> impl Iterator<Item = LayerChoice> {
    BITS.iter().flat_map(|&bits| SPARSITIES.iter().map(move |&sparsity| LayerChoice { bits, sparsity }))
}

fn best(rungs: &[Rung], care: Care) -> Rung {
    let price = |rung: &Rung| rung.seconds + care.exp2() * rung.error;
    let cheaper = |best: Rung, rung: &Rung| if price(rung) < price(&best) { *rung } else { best };
    rungs.iter().fold(rungs[0], cheaper)
}
