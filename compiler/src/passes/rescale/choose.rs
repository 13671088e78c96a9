//! Searches the values whose truncation saves more time than it takes.

use super::exponents::Exponents;
use super::price::ValuePrices;
use super::sites::{Site, sites};
use super::width::widths;
use crate::error::Result;
use crate::graph::{Graph, Integer, NodeId, Op, Real};
use crate::options::CompileOptions;
use crate::passes::terms::Terms;
use crate::passes::{Places, Quantized};
use runtime::plan::InputSpec;

/// Seconds that a bit beyond the widest counts as: more than anything else.
const TOO_WIDE: f64 = 1e12;
/// Bits by which rings are wider than the largest integer seen, about.
const MARGIN: u32 = 2;

/// The values of `float` that should be truncated although it takes a round, by the prices of its `draft`.
///
/// # Errors
/// A defect of the graph.
pub fn choose(
    draft: &Quantized,
    float: &Graph<Real>,
    input: &InputSpec,
    options: &CompileOptions,
) -> Result<Places> {
    let graph = &draft.graph;
    let order = graph.ids_in_order();
    let sources = sources(draft, float);
    let candidates: Vec<NodeId> = order
        .iter()
        .copied()
        .filter(|&id| is_candidate(graph, id) && sources[id.index()].is_some())
        .collect();
    let spare = draft.estimates().iter().map(|estimate| estimate.spare).collect();
    let terms = Terms::new(options);
    let widths = if terms.rings { expected_widths(draft) } else { widths(graph, input)? };
    let chosen = vec![false; graph.id_bound()];
    let prices = ValuePrices::new(options);
    let sites = sites(graph, terms);
    let mut search = Search { graph, order, sites, candidates, widths, spare, prices, chosen, terms };
    search.run();
    let places = search.places().filter_map(|id| sources[id.index()]).collect();
    Ok(Places::At(places))
}

/// By node of the draft: the node of `float` whose value it is.
fn sources(draft: &Quantized, float: &Graph<Real>) -> Vec<Option<NodeId>> {
    let mut sources = vec![None; draft.graph.id_bound()];
    for id in float.ids() {
        if let Some(counterpart) = draft.counterpart(id) {
            sources[counterpart.index()] = Some(id);
        }
    }
    sources
}

/// Bits of the rings that values will need, about, by node.
fn expected_widths(draft: &Quantized) -> Vec<u32> {
    let bits = |peak: f64| if peak >= 1.0 { peak.log2() as u32 + 1 } else { 1 };
    draft.estimates().iter().map(|estimate| bits(estimate.peak) + MARGIN).collect()
}

fn is_candidate(graph: &Graph<Integer>, id: NodeId) -> bool {
    let changes = matches!(
        graph.op(id),
        Op::Conv(_)
            | Op::Dense(_)
            | Op::AveragePool(_)
            | Op::Add(_)
            | Op::Mul
            | Op::Relu
            | Op::MaxPool(_)
            | Op::Concat
    );
    changes && !graph.consumers(id).is_empty()
}

struct Search<'a> {
    graph: &'a Graph<Integer>,
    order: Vec<NodeId>,
    sites: Vec<Site>,
    candidates: Vec<NodeId>,
    widths: Vec<u32>,
    spare: Vec<u32>,
    prices: ValuePrices<'a>,
    chosen: Vec<bool>,
    terms: Terms,
}

impl Search<'_> {
    /// Flips, again and again, the choice whose change saves most, until none saves anything.
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

    fn exponents(&self) -> Exponents {
        Exponents::new(self.graph, &self.order, &self.sites, &self.chosen, &self.spare)
    }

    /// Predicted seconds of all that widths matter for, and what widths beyond the limit count as.
    fn seconds(&mut self) -> f64 {
        let exponents = self.exponents();
        (0..self.order.len()).map(|index| self.of_node(self.order[index], &exponents)).sum()
    }

    fn of_node(&mut self, id: NodeId, exponents: &Exponents) -> f64 {
        let (own, site) = (exponents.own[id.index()], &self.sites[id.index()]);
        if own > 0 && own < site.least {
            return f64::INFINITY;
        }
        let bits = self.widths[id.index()].saturating_sub(exponents.before[id.index()]);
        let widest = self.terms.widest;
        let excess = f64::from(bits.saturating_sub(widest)) * TOO_WIDE;
        let takes_round = own > 0 && !site.is_free;
        let rescale = if takes_round { self.prices.rescale(self.graph, id, bits.min(widest)) } else { 0.0 };
        let read = site
            .read
            .map_or(0, |input| self.widths[input.index()].saturating_sub(exponents.after(input)).min(widest));
        excess + rescale + self.prices.operation(self.graph, id, read, bits.min(widest))
    }

    fn places(&self) -> impl Iterator<Item = NodeId> {
        let own = self.exponents().own;
        self.order.clone().into_iter().filter(move |id| own[id.index()] > 0)
    }
}
