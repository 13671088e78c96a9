//! Which carries of blocks are combined, in which order.
//!
//! The n low bits of two numbers are cut into blocks of up to four bits, none of which crosses bit t. Of a span of
//! blocks
//!
//! * g, *generate*: the span's sum carries out, without a carry into it;
//! * p, *propagate*: it carries out if and only if one comes in, being all ones.
//!
//! Neighbours 0 … s − 1, the lowest first, are joined at once: g = g_(s−1) ⊕ p_(s−1)·g_(s−2) ⊕ … ⊕ p_(s−1)·…·p_1·g_0 and
//! p = p_(s−1)·…·p_0. Of a span that begins with the lowest block only g, the carry, is wanted. The t low bits are a span of
//! the last join, so that their carry is there a level before that out of all n bits.
//!
//! A level of joins takes a flight, more spans in a join take more products of masks: of all trees of a depth the one is
//! taken whose evaluation takes the fewest bits ([`super::tree_shape`]); the depth, see [`super::carry_trees`].

use super::tree_shape::{Shape, SpanShape};
use crate::ot::Formula;

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
    /// The number of the span that it makes.
    pub(super) makes: usize,
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
    /// The level that makes it, or the first one.
    pub(super) low_level: usize,
    /// The span whose carry comes out of all n bits.
    pub(super) all: usize,
    /// The bits that a number's carries take, ahead and online.
    pub(super) price: usize,
}

impl CarryTree {
    /// For the carries out of `bits` low bits, one at least, and out of the `low` lowest of them, at most `depth` joins one
    /// after another; none where so few do not do.
    pub(super) fn new(bits: u32, low: u32, depth: u32) -> Option<Self> {
        let Shape { price, spans: tops } = Shape::cheapest(bits, low, depth)?;
        let mut tree = Self { levels: Vec::new(), spans: 0, low: None, low_level: 0, all: 0, price };
        let mut start = 0;
        let tops: Vec<(usize, usize)> = tops.iter().map(|span| tree.add(span, &mut start)).collect();
        if low > 0 {
            let (number, level) = tops[0];
            (tree.low, tree.low_level) = (Some(number), level);
        }
        tree.all = tree.join_lowest(&tops);
        Some(tree)
    }

    /// Adds a span that begins at bit `start`, which is moved to its end: its number and level.
    fn add(&mut self, shape: &SpanShape, start: &mut u32) -> (usize, usize) {
        let lowest = *start == 0;
        match shape {
            &SpanShape::Block(bits) => {
                let operands = Operands::Block(Block { start: *start, bits });
                *start += bits;
                (self.gate(Formula::Sum { bits: bits as u8 }, operands, 0), 0)
            }
            SpanShape::Join(parts) => {
                let parts: Vec<(usize, usize)> = parts.iter().map(|part| self.add(part, start)).collect();
                let level = 1 + highest(&parts);
                let number = if lowest {
                    self.join_lowest(&parts)
                } else {
                    let spans = parts.iter().map(|&(number, _)| number).collect();
                    let formula = Formula::Join { spans: parts.len() as u8 };
                    self.gate(formula, Operands::Spans(spans), level)
                };
                (number, level)
            }
        }
    }

    /// Joins the lowest spans, one at least: the number of what they make.
    fn join_lowest(&mut self, parts: &[(usize, usize)]) -> usize {
        let spans: Vec<usize> = parts.iter().map(|&(number, _)| number).collect();
        if let [only] = *spans {
            return only;
        }
        let formula = Formula::Lowest { spans: spans.len() as u8 };
        self.gate(formula, Operands::Spans(spans), 1 + highest(parts))
    }

    /// Adds a gate at a level: the number of the span that it makes.
    fn gate(&mut self, formula: Formula, operands: Operands, level: usize) -> usize {
        let makes = self.spans;
        self.spans += 1;
        if self.levels.len() <= level {
            self.levels.resize_with(level + 1, Vec::new);
        }
        let groups = &mut self.levels[level];
        let gate = Gate { operands, makes };
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
                ranges[*makes] = match operands {
                    Operands::Block(block) => {
                        assert_eq!(*formula, Formula::Sum { bits: block.bits as u8 });
                        block.start..block.start + block.bits
                    }
                    Operands::Spans(spans) => {
                        let spans: Vec<Range<u32>> = spans.iter().map(|&span| ranges[span].clone()).collect();
                        assert!(spans.windows(2).all(|pair| pair[0].end == pair[1].start));
                        let (first, count) = (spans[0].start, spans.len() as u8);
                        let lowest = if first == 0 {
                            Formula::Lowest { spans: count }
                        } else {
                            Formula::Join { spans: count }
                        };
                        assert_eq!(*formula, lowest);
                        first..spans[spans.len() - 1].end
                    }
                };
            }
        }
        ranges
    }

    proptest! {
        #[test]
        fn spans_join_neighbours_up_to_both_carries(bits in 1u32..=64, low: u32, depth in 1u32..=4) {
            let low = low % (bits + 1);
            let tree = CarryTree::new(bits, low, depth);
            prop_assert!(tree.is_some() || depth < 3);
            if let Some(tree) = tree {
                let ranges = ranges(&tree);
                prop_assert_eq!(&ranges[tree.all], &(0..bits));
                prop_assert_eq!(tree.low.map(|span| ranges[span].clone()), (low > 0).then_some(0..low));
                prop_assert!(tree.levels.len() as u32 <= depth + 1 && (tree.low_level as u32) < depth);
                prop_assert!(tree.levels.iter().all(|groups| !groups.is_empty()));
            }
        }
    }

    /// Two joins, one after the other, do for the rings of networks, and one for the bits that they drop.
    #[test]
    fn trees_can_be_flat() {
        assert!((4..=36).all(|bits| (0..=bits.min(16)).all(|low| CarryTree::new(bits, low, 2).is_some())));
    }
}
