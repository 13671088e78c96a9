//! The search for the values that lose bits.

use super::exponents::Exponents;
use super::price::Prices;
use super::terms::Terms;
use crate::error::Result;
use crate::graph::{Graph, Integer, NodeId, Op};
use crate::options::CompileOptions;
use runtime::plan::InputSpec;
use std::collections::BTreeMap;

/// Seconds that a bit beyond the widest counts as: more than anything else.
const TOO_WIDE: f64 = 1e12;

/// Bits that values lose, by node of the integer graph.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shifts(BTreeMap<NodeId, u32>);

impl Shifts {
    /// Whether no value loses any.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The bits that the value of `id` loses.
    pub fn of(&self, id: NodeId) -> Option<u32> {
        self.0.get(&id).copied()
    }

    /// By how much the scale of `id` grows.
    pub fn factor(&self, id: NodeId) -> f64 {
        self.of(id).map_or(1.0, |bits| f64::from(bits).exp2())
    }

    /// The same for other names of the nodes; nodes without another name are left out.
    pub fn renamed(&self, rename: impl Fn(NodeId) -> Option<NodeId>) -> Self {
        Self(self.0.iter().filter_map(|(&id, &bits)| Some((rename(id)?, bits))).collect())
    }
}

impl FromIterator<(NodeId, u32)> for Shifts {
    fn from_iter<I: IntoIterator<Item = (NodeId, u32)>>(shifts: I) -> Self {
        Self(shifts.into_iter().collect())
    }
}

/// The bits that values of `graph` should lose, of those that `may_lose` allows.
///
/// # Errors
/// A defect of the graph.
pub fn choose(
    graph: &Graph<Integer>,
    input: &InputSpec,
    may_lose: impl Fn(NodeId) -> bool,
    options: &CompileOptions,
) -> Result<Shifts> {
    let order = graph.ids_in_order();
    let candidates: Vec<NodeId> =
        order.iter().copied().filter(|&id| is_candidate(graph, id) && may_lose(id)).collect();
    let (terms, mut chosen) = (Terms::of(options), vec![false; graph.id_bound()]);
    candidates.iter().for_each(|&id| chosen[id.index()] = terms.is_free(graph, id));
    let mut search = Search {
        graph,
        order,
        candidates,
        widths: terms.widths(graph, input)?,
        prices: Prices::new(options),
        chosen,
        terms,
    };
    search.run();
    Ok(search.shifts())
}

fn is_candidate(graph: &Graph<Integer>, id: NodeId) -> bool {
    let changes = matches!(
        graph.op(id),
        Op::Conv(_) | Op::Dense(_) | Op::AveragePool(_) | Op::Add(_) | Op::Relu | Op::MaxPool(_) | Op::Concat
    );
    changes && !graph.consumers(id).is_empty()
}

struct Search<'a> {
    graph: &'a Graph<Integer>,
    order: Vec<NodeId>,
    candidates: Vec<NodeId>,
    widths: Vec<u32>,
    prices: Prices<'a>,
    chosen: Vec<bool>,
    terms: Terms,
}

impl Search<'_> {
    /// Turns the choice whose change saves most, until none saves anything.
    fn run(&mut self) {
        let mut seconds = self.seconds();
        loop {
            let changes: Vec<(NodeId, f64)> =
                self.candidates.clone().into_iter().map(|id| (id, self.seconds_with(id))).collect();
            let best = changes.into_iter().min_by(|a, b| a.1.total_cmp(&b.1));
            match best {
                Some((id, least)) if least < seconds * (1.0 - 1e-9) => {
                    self.turn(id);
                    seconds = least;
                }
                _ => return,
            }
        }
    }

    fn turn(&mut self, id: NodeId) {
        self.chosen[id.index()] ^= true;
    }

    fn seconds_with(&mut self, id: NodeId) -> f64 {
        self.turn(id);
        let seconds = self.seconds();
        self.turn(id);
        seconds
    }

    /// Predicted seconds of all that widths matter for, and what widths beyond the limit count as.
    fn seconds(&mut self) -> f64 {
        let Some(exponents) = Exponents::of(self.graph, &self.order, &self.chosen, self.terms) else {
            return f64::INFINITY;
        };
        let mut total = 0.0;
        for index in 0..self.order.len() {
            total += self.of_node(self.order[index], &exponents);
        }
        total
    }

    fn of_node(&mut self, id: NodeId, exponents: &Exponents) -> f64 {
        let bits = self.widths[id.index()].saturating_sub(exponents.before[id.index()]);
        let own = exponents.own[id.index()];
        if own > 0 && own < self.terms.least(self.graph, id) {
            return f64::INFINITY;
        }
        let widest = self.terms.widest;
        let excess = f64::from(bits.saturating_sub(widest)) * TOO_WIDE;
        let rescale = if own > 0 { self.prices.rescale(self.graph, id, bits.min(widest)) } else { 0.0 };
        let read = self.graph.inputs(id).first().map_or(0, |&input| {
            self.widths[input.index()].saturating_sub(exponents.after(input)).min(widest)
        });
        excess + rescale + self.prices.operation(self.graph, id, read, bits.min(widest))
    }

    fn shifts(&self) -> Shifts {
        let exponents = Exponents::of(self.graph, &self.order, &self.chosen, self.terms);
        let own = exponents.map_or_else(Vec::new, |exponents| exponents.own);
        let shift = |id: &NodeId| (*id, own.get(id.index()).copied().unwrap_or(0));
        Shifts(self.order.iter().map(shift).filter(|&(_, bits)| bits > 0).collect())
    }
}
