//! The differences between the suites that matter where the widths of values are chosen.

use crate::graph::{Domain, Graph, NodeId, Op};
use crate::options::CompileOptions;
use runtime::plan::Suite;
use runtime::plan::validate::MAX_BITS;

/// Bits that values keep in suite `blinded`, where only deep networks drop any.
const PRECISION: u32 = 14;
/// Dropping fewer bits is not worth a round.
const LEAST: u32 = 4;
/// Bits of a value in suite `shared`, at most, that leave room for what prices are not exact about.
const WIDEST_RING: u32 = 48;

/// What holds in a suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    /// B: the rounding noise of a value may be 2^(1−B) of the standard deviation of what its readers give.
    pub(super) precision: u32,
    /// Most bits that a value should have: wider ones are avoided before anything else.
    pub(super) widest: u32,
    /// Values are taken in rings; a ReLU drops bits at no cost, and wide weights cost next to nothing.
    pub(super) rings: bool,
}

impl Terms {
    /// The terms of the suite that `options` name.
    pub(super) fn new(options: &CompileOptions) -> Self {
        match options.suite {
            Suite::Blinded(_) => Self { precision: PRECISION, widest: MAX_BITS, rings: false },
            Suite::Shared(_) => Self { precision: options.activation_bits, widest: WIDEST_RING, rings: true },
        }
    }

    /// Whether `id` loses bits at no cost: a ReLU or a clip alone reads it.
    pub(super) fn is_free<D: Domain>(self, graph: &Graph<D>, id: NodeId) -> bool {
        let reader = graph.sole_consumer(id).filter(|_| self.rings && id != graph.output());
        reader.is_some_and(|reader| matches!(graph.op(reader), Op::Relu | Op::Clip(_)))
    }

    /// The fewest bits that it pays to drop at `id`.
    pub(super) fn least<D: Domain>(self, graph: &Graph<D>, id: NodeId) -> u32 {
        if self.is_free(graph, id) { 1 } else { LEAST }
    }
}
