//! In what the suites differ for those that choose where values lose bits.

use super::width::widths;
use crate::error::Result;
use crate::graph::{Graph, Integer, NodeId, Op};
use crate::options::CompileOptions;
use runtime::plan::validate::MAX_BITS;
use runtime::plan::{InputSpec, Suite};

/// Bits that the largest integers of a value keep in suite `blinded`, beside their first.
const PRECISION: u32 = 14;
/// Dropping fewer bits is not worth a round.
const LEAST: u32 = 4;
/// Bits of a value in suite `shared`, at most, that leave room for what this is not exact about.
const WIDEST_RING: u32 = 48;
/// Bits by which rings are wider than the middle channel's largest integers, about.
const SPREAD: u32 = 4;

/// What holds in a suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    /// Bits that the largest integers of a value keep, beside their first.
    pub(super) precision: u32,
    /// Bits of a value that are avoided before anything else.
    pub(super) widest: u32,
    /// Values are taken in rings; a ReLU drops bits at no cost.
    rings: bool,
}

impl Terms {
    pub(super) fn of(options: &CompileOptions) -> Self {
        match options.suite {
            Suite::Blinded(_) => Self { precision: PRECISION, widest: MAX_BITS, rings: false },
            Suite::Shared(_) => {
                Self { precision: options.activation_bits - 1, widest: WIDEST_RING, rings: true }
            }
        }
    }

    /// Whether `id` loses bits at no cost: a ReLU alone reads it.
    pub(super) fn is_free(self, graph: &Graph<Integer>, id: NodeId) -> bool {
        let reader = graph.sole_consumer(id).filter(|_| self.rings && id != graph.output());
        reader.is_some_and(|reader| matches!(graph.op(reader), Op::Relu))
    }

    /// The fewest bits that it pays to drop at `id`.
    pub(super) fn least(self, graph: &Graph<Integer>, id: NodeId) -> u32 {
        if self.is_free(graph, id) { 1 } else { LEAST }
    }

    /// Whether branches of a concatenation may lose different numbers of bits. They are then multiplied apart, which
    /// shares allow without encryption.
    pub(super) const fn branches_differ(self) -> bool {
        self.rings
    }

    /// The bits of every value, by node, where nothing is rescaled.
    ///
    /// # Errors
    /// A defect of the graph.
    pub(super) fn widths(self, graph: &Graph<Integer>, input: &InputSpec) -> Result<Vec<u32>> {
        if !self.rings {
            return widths(graph, input);
        }
        let mut widths = vec![0; graph.id_bound()];
        for id in graph.ids() {
            widths[id.index()] = peak_bits(graph, id) + SPREAD;
        }
        Ok(widths)
    }

    /// Bits of `id`'s integers beyond the precision that is kept.
    pub(super) fn spare(self, graph: &Graph<Integer>, id: NodeId) -> u32 {
        peak_bits(graph, id).saturating_sub(self.precision + 1)
    }
}

/// Bits of the middle channel's largest integers on example images; 0 where they are not known.
fn peak_bits(graph: &Graph<Integer>, id: NodeId) -> u32 {
    let bits = graph.node(id).fact.peak.log2();
    if bits >= 0.0 { bits.floor() as u32 + 1 } else { 0 }
}
