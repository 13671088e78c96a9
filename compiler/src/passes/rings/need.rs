//! The ring that each value needs for itself and for what its readers do with it.

use super::{enter, half, reached, too_wide};
use crate::error::Result;
use crate::graph::position_bits;
use crate::graph::{Graph, Integer, NodeId, Op, Rescale};
use crate::options::CompileOptions;
use runtime::plan::interval::Interval;
use runtime::plan::validate::MAX_RING_BITS;
use runtime::plan::{InputSpec, Revealed, Ring};

/// Gives every value the smallest ring that it needs, and every maximum that of its differences, and returns the bits of
/// values, one less than their rings', by node. `seen` are the expected ranges.
pub(super) fn enter_least(
    graph: &mut Graph<Integer>,
    input: &InputSpec,
    seen: &[Vec<Interval>],
    options: &CompileOptions,
) -> Result<Vec<u32>> {
    let mut bits = vec![0; graph.id_bound()];
    let mut all_expected = vec![Vec::new(); graph.id_bound()];
    for id in graph.ids_in_order() {
        let sound = reached(graph, id, input, options)?;
        let expected: Vec<Interval> = match graph.op(id) {
            Op::Input => sound,
            _ => sound.iter().zip(&seen[id.index()]).map(|(sound, seen)| within(*seen, *sound)).collect(),
        };
        bits[id.index()] = bits_needed(graph, id, &expected);
        if id == graph.output() && options.reveal == Revealed::Label {
            let all = expected.iter().copied().reduce(Interval::hull);
            bits[id.index()] = bits[id.index()].max(widest(all.as_slice(), difference));
            check_positions(graph, id, bits[id.index()], options)?;
        }
        if let Op::MaxPool(_) = graph.op(id) {
            let candidates: &[Interval] = &all_expected[graph.sole_input(id).index()];
            graph.node_mut(id).fact.compared = Ring::new(widest(candidates, difference).max(1) + 1);
        }
        enter(graph, id, bits[id.index()], input, options)?;
        all_expected[id.index()] = expected;
    }
    Ok(bits)
}

/// Refuses `id` unless its integers and their positions fit one ring together.
fn check_positions(graph: &Graph<Integer>, id: NodeId, bits: u32, options: &CompileOptions) -> Result<()> {
    let positions = position_bits(graph.shape(id).elements());
    let fits = bits + positions <= MAX_RING_BITS;
    if fits { Ok(()) } else { Err(too_wide(graph, id, bits + positions, options)) }
}

/// The expected range as far as it lies within the sound one, which takes its place where the two do not overlap.
fn within(seen: Interval, sound: Interval) -> Interval {
    let both = Interval::new(seen.low.max(sound.low), seen.high.min(sound.high));
    if both.low <= both.high { both } else { sound }
}

/// Bits for the integers of `id`, which are in `values`, and for what its readers compute from them.
fn bits_needed(graph: &Graph<Integer>, id: NodeId, values: &[Interval]) -> u32 {
    let readers = graph.consumers(id).into_iter().map(|(reader, _)| graph.op(reader));
    readers.map(|reader| for_reader(reader, values)).fold(widest(values, |x| x), u32::max).max(1)
}

fn for_reader(reader: &Op<Integer>, values: &[Interval]) -> u32 {
    match *reader {
        Op::Rescale(Rescale { bits }) => {
            widest(values, |x| Interval::new(x.low, x.high + half(bits))).max(bits)
        }
        Op::MaxPool(_) => widest(values, difference),
        Op::Sign => widest(values, |x| Interval::new(x.low - 1, x.high)),
        _ => 0,
    }
}

/// What is taken of two numbers to compare them; as much as of a number and 0, since other images may have other numbers.
pub(super) fn difference(x: Interval) -> Interval {
    let x = x.hull(Interval::new(0, 0));
    Interval::new(x.low - x.high, x.high - x.low)
}

fn widest(values: &[Interval], map: impl Fn(Interval) -> Interval) -> u32 {
    values.iter().map(|&x| map(x).bits()).max().unwrap_or(0)
}
