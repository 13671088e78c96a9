//! The ring of every value, for suite `shared`.
//!
//! # What it does
//! The ring of a value holds its range on the calibration images times a margin, also that on some of them made brighter or
//! richer in contrast, and is never larger than interval arithmetic requires; those of logits are larger again. Margins are chosen, ring by ring, such that
//! the estimated chance that an image leaves any ring is at most 10^-4. Readers may need more: the half that is added before
//! low bits are dropped, the differences that max-pooling compares, and, for what is computed on shares alone, at least the
//! bits of its own ring. Integers that do not fit wrap around.
//!
//! # Requires
//! An integer graph.
//!
//! # Guarantees
//! Every value has a ring that a plan may have ([`runtime::plan::validate`], P6). On the calibration images nothing
//! wraps around, as far as the dequantised graph shows. Ranges are sound: no image makes a value leave its own.
//!
//! # Example
//! See the test `a_residual_block`.

mod need;
mod readers;
mod spread;
mod tail;
#[cfg(test)]
mod tests;

use crate::calibration::{self, Calibration};
use crate::error::{Error, Result};
use crate::graph::{Graph, Integer, NodeId, Op, Range, Rescale, Room};
use crate::options::CompileOptions;
use crate::passes::range::{bounds, diagnostic};
use runtime::plan::interval::Interval;
use runtime::plan::validate::MAX_RING_BITS;
use runtime::plan::{InputSpec, Ring};
use spread::Spread;
use tail::Tail;

/// Chance that an image leaves one of the rings.
const OVERFLOW: f64 = 1e-4;
/// Rings are at least so much larger than what many calibration images need.
const LEAST_MARGIN: f64 = 2.0;
/// The same for fewer: this divided by the square root of their number is added.
const FEW: f64 = 8.0;
/// Rings of what is not compared before it is revealed are so much larger again: they cost little, and where weights cancel,
/// as those of a fitted last layer do, some images need far more than others.
const LOGITS_MARGIN: f64 = 4.0;
/// The same for images that are brighter, or have more contrast.
const UNUSUAL_MARGIN: f64 = 1.25;
/// The same where there are too few images to tell anything of others.
const MARGIN: f64 = 4.0;
/// The same for synthetic images.
const WIDE_MARGIN: f64 = 8.0;

/// Gives every value its ring and its range.
///
/// # Errors
/// [`Error::Unsupported`] with the node whose ring would be too wide, and how wide; a pixel outside the declared range.
pub fn rings(
    mut graph: Graph<Integer>,
    input: &InputSpec,
    calibration: Option<&Calibration>,
    options: &CompileOptions,
) -> Result<Graph<Integer>> {
    let images = calibration::images(calibration, input)?;
    let spreads = Spread::measure(&graph, &images);
    let chance = OVERFLOW / graph.len() as f64;
    let margin = |spread: &Spread| match (options.margin_bits, calibration) {
        (Some(bits), _) => f64::from(bits).exp2(),
        (None, None) => WIDE_MARGIN,
        (None, Some(_)) => {
            let least = LEAST_MARGIN + FEW / (images.len() as f64).sqrt();
            let bound = spread.tail.bound(chance);
            let needed = bound.map(|bound| (bound / spread.tail.largest()).max(least));
            needed.filter(|margin| margin.is_finite()).unwrap_or(MARGIN)
        }
    };
    let uncompared = uncompared(&graph);
    let expected = |(spread, uncompared): (&Spread, &bool)| {
        let more = if *uncompared && options.margin_bits.is_none() { LOGITS_MARGIN } else { 1.0 };
        spread.expected(more * margin(spread))
    };
    let mut expected: Vec<Vec<Interval>> = spreads.iter().zip(&uncompared).map(expected).collect();
    if options.margin_bits.is_none() && calibration.is_some() {
        let unusual = Spread::measure(&graph, &calibration::unusual(&images, input));
        for (known, spread) in expected.iter_mut().zip(unusual) {
            let others = spread.expected(UNUSUAL_MARGIN);
            known.iter_mut().zip(others).for_each(|(known, other)| *known = known.hull(other));
        }
    }
    let mut bits = need::enter_least(&mut graph, input, &expected, options)?;
    readers::serve(&graph, &mut bits);
    for id in graph.ids_in_order() {
        let fits = enter(&mut graph, id, bits[id.index()], input, options)?;
        let overflows = match compared(&graph, id) {
            Some((source, compared)) if !compared.fits => {
                Some(room(compared.bits, &spreads[source.index()].tail))
            }
            _ if fits => None,
            _ => Some(room(bits[id.index()], &spreads[id.index()].tail)),
        };
        graph.node_mut(id).fact.room = overflows;
    }
    Ok(graph)
}

/// By node: whether the logits come from it without a comparison, and without another layer's weights.
fn uncompared(graph: &Graph<Integer>) -> Vec<bool> {
    let mut uncompared = vec![false; graph.id_bound()];
    let mut reached = vec![graph.output()];
    while let Some(id) = reached.pop() {
        match graph.op(id) {
            Op::Input | Op::Relu | Op::Clip(_) | Op::Sign | Op::MaxPool(_) | Op::Mul | Op::Activation(_) => {
                continue;
            }
            Op::Conv(_) | Op::Dense(_) => {}
            Op::Flatten
            | Op::AveragePool(_)
            | Op::Add(_)
            | Op::Concat
            | Op::Gather(_)
            | Op::Rescale(_)
            | Op::Affine(_) => {
                reached.extend(graph.inputs(id));
            }
        }
        uncompared[id.index()] = true;
    }
    uncompared
}

/// What a maximum compares.
struct Compared {
    /// Bits of differences, one less than their ring's.
    bits: u32,
    /// Whether no difference ever leaves that ring.
    fits: bool,
}

/// What `id` compares, and of which value, if it is a maximum.
fn compared(graph: &Graph<Integer>, id: NodeId) -> Option<(NodeId, Compared)> {
    let bits = graph.node(id).fact.compared?.bits() - 1;
    let source = graph.sole_input(id);
    let candidates = graph.node(source).fact.range.iter().map(|range| Interval::new(range.low, range.high));
    let fits = candidates.map(need::difference).all(|difference| difference.bits() <= bits);
    Some((source, Compared { bits, fits }))
}

/// How full the ring of 2^(`bits` + 1) elements is.
fn room(bits: u32, seen: &Tail) -> Room {
    let capacity = f64::from(bits).exp2();
    Room { taken: seen.largest() / capacity, overflow: seen.chance(capacity) }
}

/// Gives `id` the ring of 2^(`bits` + 1) elements, and its range there; returns whether it can never leave the ring.
fn enter(
    graph: &mut Graph<Integer>,
    id: NodeId,
    bits: u32,
    input: &InputSpec,
    options: &CompileOptions,
) -> Result<bool> {
    let ring = Ring::new(bits + 1).filter(|_| bits <= MAX_RING_BITS);
    let ring = ring.ok_or_else(|| too_wide(graph, id, bits, options))?;
    let range = reached(graph, id, input, options)?;
    let fits = range.iter().all(|x| x.bits() <= bits);
    let fact = &mut graph.node_mut(id).fact;
    fact.range =
        range.into_iter().map(|x| if x.bits() <= bits { x } else { all_of(ring) }).map(from).collect();
    fact.ring = Some(ring);
    Ok(fits)
}

/// Bounds of `id` before they wrap around, from its inputs' ranges and rings.
fn reached(
    graph: &Graph<Integer>,
    id: NodeId,
    input: &InputSpec,
    options: &CompileOptions,
) -> Result<Vec<Interval>> {
    let result = bounds(graph, id, input)
        .map_err(|overflow| Error::Unsupported(vec![diagnostic(graph, id, overflow.to_string(), options)]))?;
    let Op::Rescale(Rescale { bits }) = *graph.op(id) else { return Ok(result) };
    let source = &graph.node(graph.sole_input(id)).fact;
    let Some(ring) = source.ring else { return Ok(result) };
    let wraps = |range: &Range| range.high + half(bits) > all_of(ring).high;
    let whole = Interval::new(all_of(ring).low >> bits, all_of(ring).high >> bits);
    Ok(result.into_iter().zip(&source.range).map(|(x, range)| if wraps(range) { whole } else { x }).collect())
}

/// What is added before `bits` low bits are dropped.
const fn half(bits: u32) -> i128 {
    1 << (bits - 1)
}

/// The numbers of a ring.
const fn all_of(ring: Ring) -> Interval {
    Interval::new(-(1 << (ring.bits() - 1)), (1 << (ring.bits() - 1)) - 1)
}

fn from(interval: Interval) -> Range {
    Range { low: interval.low, high: interval.high }
}

fn too_wide(graph: &Graph<Integer>, id: NodeId, bits: u32, options: &CompileOptions) -> Error {
    let what = format!("its integers need a ring of {} bits, more than {}", bits + 1, MAX_RING_BITS + 1);
    Error::Unsupported(vec![diagnostic(graph, id, what, options)])
}
