//! Which carries of blocks are combined, in which order.
//!
//! The n low bits of two numbers are cut into blocks of up to three bits, none of which crosses bit t. Of a span of
//! blocks
//!
//! * g, *generate*: the span's sum carries out, without a carry into it;
//! * p, *propagate*: it carries out if and only if one comes in, being all ones.
//!
//! Neighbours 0 … s − 1, the lowest first, are joined at once: g = g_(s−1) ⊕ p_(s−1)·g_(s−2) ⊕ … ⊕ p_(s−1)·…·p_1·g_0 and
//! p = p_(s−1)·…·p_0. Of a span that begins with the lowest block only g, the carry, is wanted; there a join gives
//! those of the two, the three, … lowest of its spans too, so that the last one gives both carries wanted, out of n bits and out of t.
//!
//! A level of joins takes a flight, more spans in a join take more products of masks: of all trees that are two
//! joins deep (three, where two do not do) the one is taken whose evaluation takes the fewest bits, ahead and online.

use crate::ot::{Formula, MAX_ADDED, MAX_JOINED, masked};
use std::sync::LazyLock;

/// Joins one after another, where they do.
const DEPTH: u32 = 2;

/// Some bits of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) start: u32,
    pub(super) bits: u32,
}

/// What a gate reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Operands {
    /// Both parties' bits of a block.
    Block(Block),
    /// The shares of neighbouring spans, by their numbers, the lowest first.
    Spans(Vec<usize>),
}

/// One evaluation of a formula for each number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Gate {
    pub(super) operands: Operands,
    /// The numbers of the spans that it makes.
    pub(super) makes: Vec<usize>,
}

/// Gates of one formula.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) formula: Formula,
    pub(super) gates: Vec<Gate>,
}

/// The spans on the way to two carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CarryTree {
    /// What is evaluated at once, level after level.
    pub(super) levels: Vec<Vec<Group>>,
    /// The number of spans.
    pub(super) spans: usize,
    /// The span whose carry comes out of the t low bits, if there are any.
    pub(super) low: Option<usize>,
    /// The span whose carry comes out of all n bits.
    pub(super) all: usize,
}

impl CarryTree {
    /// For the carries out of `bits` low bits, one at least, and out of the `low` lowest of them.
    pub(super) fn new(bits: u32, low: u32) -> Self {
        let shape = (DEPTH..).find_map(|depth| Shape::cheapest(bits, low, depth));
        let Shape { low: low_spans, spans: tops, .. } = shape.expect("joins that are deep enough join all");
        let mut tree = Self { levels: Vec::new(), spans: 0, low: None, all: 0 };
        let mut start = 0;
        let tops: Vec<(usize, usize)> = tops.iter().map(|span| tree.add(span, &mut start)).collect();
        let prefixes = tree.join_lowest(&tops);
        tree.low = low_spans.checked_sub(1).map(|last| prefixes[last]);
        tree.all = prefixes[tops.len() - 1];
        tree
    }

    /// Adds a span that begins at bit `start`, which is moved to its end: its number and level.
    fn add(&mut self, shape: &SpanShape, start: &mut u32) -> (usize, usize) {
        let lowest = *start == 0;
        match shape {
            &SpanShape::Block(bits) => {
                let operands = Operands::Block(Block { start: *start, bits });
                *start += bits;
                (self.gate(Formula::Sum { bits: bits as u8 }, operands, 1, 0)[0], 0)
            }
            SpanShape::Join(parts) => {
                let parts: Vec<(usize, usize)> = parts.iter().map(|part| self.add(part, start)).collect();
                let level = 1 + highest(&parts);
                let number = if lowest {
                    self.join_lowest(&parts)[parts.len() - 1]
                } else {
                    let spans = parts.iter().map(|&(number, _)| number).collect();
                    let formula = Formula::Join { spans: parts.len() as u8 };
                    self.gate(formula, Operands::Spans(spans), 1, level)[0]
                };
                (number, level)
            }
        }
    }

    /// Joins the lowest spans: the numbers of the span of the lowest one, of the lowest two, ….
    fn join_lowest(&mut self, parts: &[(usize, usize)]) -> Vec<usize> {
        let spans: Vec<usize> = parts.iter().map(|&(number, _)| number).collect();
        let mut prefixes = vec![spans[0]];
        if spans.len() > 1 {
            let formula = Formula::Lowest { spans: spans.len() as u8 };
            let makes = spans.len() - 1;
            prefixes.extend(self.gate(formula, Operands::Spans(spans), makes, 1 + highest(parts)));
        }
        prefixes
    }

    /// Adds a gate at a level: the numbers of the spans that it makes.
    fn gate(&mut self, formula: Formula, operands: Operands, makes: usize, level: usize) -> Vec<usize> {
        let makes: Vec<usize> = (self.spans..self.spans + makes).collect();
        self.spans += makes.len();
        if self.levels.len() <= level {
            self.levels.resize_with(level + 1, Vec::new);
        }
        let groups = &mut self.levels[level];
        let gate = Gate { operands, makes: makes.clone() };
        match groups.iter_mut().find(|group| group.formula == formula) {
            Some(group) => group.gates.push(gate),
            None => groups.push(Group { formula, gates: vec![gate] }),
        }
        makes
    }
}

/// The highest level of spans with their levels.
fn highest(spans: &[(usize, usize)]) -> usize {
    spans.iter().map(|&(_, level)| level).max().unwrap_or(0)
}

/// A tree, and what it takes.
struct Shape {
    /// The bits that a number's evaluation takes.
    price: usize,
    /// How many of the spans make up the t low bits.
    low: usize,
    /// The spans that the last join joins.
    spans: Vec<SpanShape>,
}

/// How a span is made.
#[derive(Clone)]
enum SpanShape {
    /// As a block of so many bits.
    Block(u32),
    /// From neighbours, the lowest first.
    Join(Vec<SpanShape>),
}

impl Shape {
    /// The cheapest for carries out of `bits` and out of `low` bits, at most `depth` joins deep.
    fn cheapest(bits: u32, low: u32, depth: u32) -> Option<Self> {
        let counts = (0..=MAX_JOINED).flat_map(|low| (0..=MAX_JOINED - low).map(move |high| [low, high]));
        let shape = |[of_low, of_high]: [u8; 2]| {
            let (low_price, mut spans) = parts(low, of_low, depth - 1, true)?;
            let (high_price, high) = parts(bits - low, of_high, depth - 1, low == 0)?;
            let joined = spans.len();
            spans.extend(high);
            let join = if spans.len() > 1 { price(Formula::Lowest { spans: spans.len() as u8 }) } else { 0 };
            Some(Self { price: low_price + high_price + join, low: joined, spans })
        };
        counts.filter_map(shape).min_by_key(|shape| shape.price)
    }
}

/// The price of `bits` bits in `count` spans, at most `depth` joins deep, and these; none for no bits. `lowest`: whether they
/// begin with the lowest bit.
fn parts(bits: u32, count: u8, depth: u32, lowest: bool) -> Option<(usize, Vec<SpanShape>)> {
    let count = u32::from(count);
    if (bits == 0) != (count == 0) || bits < count {
        return None;
    }
    let size = |part: u32| bits * (part + 1) / count - bits * part / count;
    let mut whole = (0, Vec::new());
    for part in 0..count {
        let (price, shape) = span(size(part), depth, lowest && part == 0)?;
        whole.0 += price;
        whole.1.push(shape);
    }
    Some(whole)
}

/// The price of a span of `bits` bits, at most `depth` joins deep, and its cheapest shape.
fn span(bits: u32, depth: u32, lowest: bool) -> Option<(usize, SpanShape)> {
    let block = u8::try_from(bits).ok().filter(|&bits| bits <= MAX_ADDED);
    let block = block.map(|bits| (price(Formula::Sum { bits }), SpanShape::Block(bits.into())));
    let join = |spans: u8| {
        let (parts, shapes) = parts(bits, spans, depth.checked_sub(1)?, lowest)?;
        let formula = if lowest { Formula::Lowest { spans } } else { Formula::Join { spans } };
        Some((parts + price(formula), SpanShape::Join(shapes)))
    };
    block.into_iter().chain((2..=MAX_JOINED).filter_map(join)).min_by_key(|&(price, _)| price)
}

/// The bits that both parties send for a formula, an OT taking about one.
fn price(formula: Formula) -> usize {
    static PRICES: LazyLock<[Vec<usize>; 3]> = LazyLock::new(|| {
        let joined = 2..=MAX_JOINED;
        [
            (1..=MAX_ADDED).map(|bits| masked::bits(Formula::Sum { bits })).collect(),
            joined.clone().map(|spans| masked::bits(Formula::Join { spans })).collect(),
            joined.map(|spans| masked::bits(Formula::Lowest { spans })).collect(),
        ]
    });
    let [sums, joins, lowest] = &*PRICES;
    match formula {
        Formula::Sum { bits } => sums[usize::from(bits) - 1],
        Formula::Join { spans } => joins[usize::from(spans) - 2],
        Formula::Lowest { spans } => lowest[usize::from(spans) - 2],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::ops::Range;

    /// The bits of every span, and whether its neighbours were joined in order.
    fn ranges(tree: &CarryTree) -> Vec<Range<u32>> {
        let mut ranges = vec![0..0; tree.spans];
        for Group { formula, gates } in tree.levels.iter().flatten() {
            for Gate { operands, makes } in gates {
                let made: Vec<Range<u32>> = match operands {
                    Operands::Block(block) => {
                        assert_eq!(*formula, Formula::Sum { bits: block.bits as u8 });
                        vec![block.start..block.start + block.bits]
                    }
                    Operands::Spans(spans) => {
                        let spans: Vec<Range<u32>> = spans.iter().map(|&span| ranges[span].clone()).collect();
                        assert!(spans.windows(2).all(|pair| pair[0].end == pair[1].start));
                        let first = spans[0].start;
                        match *formula {
                            Formula::Lowest { spans: count } => {
                                assert_eq!((first, usize::from(count)), (0, spans.len()));
                                spans[1..].iter().map(|span| 0..span.end).collect()
                            }
                            Formula::Join { spans: count } => {
                                assert!(first > 0 && usize::from(count) == spans.len());
                                vec![first..spans[spans.len() - 1].end]
                            }
                            Formula::Sum { .. } => panic!("a sum of spans"),
                        }
                    }
                };
                assert_eq!(made.len(), makes.len());
                makes.iter().zip(made).for_each(|(&span, range)| ranges[span] = range);
            }
        }
        ranges
    }

    proptest! {
        #[test]
        fn spans_join_neighbours_up_to_both_carries(bits in 1u32..=64, low: u32) {
            let low = low % (bits + 1);
            let tree = CarryTree::new(bits, low);
            let ranges = ranges(&tree);
            prop_assert_eq!(&ranges[tree.all], &(0..bits));
            prop_assert_eq!(tree.low.map(|span| ranges[span].clone()), (low > 0).then_some(0..low));
            prop_assert!(tree.levels.len() <= 4 && tree.levels.iter().all(|groups| !groups.is_empty()));
        }
    }

    /// Two joins, one after the other, do for the rings of networks.
    #[test]
    fn trees_are_flat() {
        for bits in 4..=36 {
            for low in 0..=bits {
                assert!(CarryTree::new(bits, low).levels.len() <= 3, "{low} of {bits}");
            }
        }
    }
}
