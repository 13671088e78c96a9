//! The cheapest of all trees of joins of a depth: that whose evaluation takes the fewest bits, ahead and online.

use crate::ot::{Formula, MAX_ADDED, MAX_JOINED, evaluation_bits};
use std::collections::HashMap;

/// A tree, and what it takes.
pub(super) struct Shape {
    /// The bits that a number's evaluation takes.
    pub(super) price: usize,
    /// The spans that the last join joins; the first is that of the t low bits, if there are any.
    pub(super) spans: Vec<SpanShape>,
}

/// How a span is made.
pub(super) enum SpanShape {
    /// As a block of so many bits.
    Block(u32),
    /// From neighbours, the lowest first.
    Join(Vec<SpanShape>),
}

/// Neighbours of so many bits together.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Row {
    bits: u32,
    spans: u8,
    /// At most so many joins in each, one after another.
    depth: u32,
    /// Whether they begin with the lowest bit.
    lowest: bool,
}

/// How a span is made cheapest.
enum Cut {
    Block,
    Join(Row),
}

/// The cheapest first span of every row so far, and the row's price; none where a row is too wide for its depth.
#[derive(Default)]
struct Search(HashMap<Row, Option<(usize, u32)>>);

impl Shape {
    /// The cheapest for carries out of `bits` and out of `low` bits, at most `depth` joins deep; none where so few do not do.
    pub(super) fn cheapest(bits: u32, low: u32, depth: u32) -> Option<Self> {
        let mut search = Search::default();
        let spans_of_low = u8::from(low > 0);
        let of_low = Row { bits: low, spans: spans_of_low, depth: depth - 1, lowest: true };
        let of_high = (0..=MAX_JOINED - spans_of_low).map(|spans| Row {
            bits: bits - low,
            spans,
            depth: depth - 1,
            lowest: low == 0,
        });
        let priced = of_high.filter_map(|of_high| {
            let spans = spans_of_low + of_high.spans;
            let join = if spans > 1 { evaluation_bits(Formula::Lowest { spans }) } else { 0 };
            Some((search.price(of_low)? + search.price(of_high)? + join, of_high))
        });
        let (price, of_high) = priced.min_by_key(|&(price, _)| price)?;
        let spans = search.shapes(of_low).into_iter().chain(search.shapes(of_high)).collect();
        Some(Self { price, spans })
    }
}

impl Search {
    fn price(&mut self, row: Row) -> Option<usize> {
        match (row.bits, row.spans) {
            (0, 0) => Some(0),
            _ => self.first(row).map(|(price, _)| price),
        }
    }

    /// The price of a row, and the bits of its first span.
    fn first(&mut self, row: Row) -> Option<(usize, u32)> {
        if let Some(&known) = self.0.get(&row) {
            return known;
        }
        let spans = u32::from(row.spans);
        let fair = row.bits.checked_div(spans)?;
        // Spans are about as wide as their neighbours.
        let firsts = fair.saturating_sub(1).max(1)..=(fair + 2).min(row.bits.saturating_sub(spans - 1));
        let priced = firsts.filter_map(|first| {
            let (span, _) = self.span(first, row.depth, row.lowest)?;
            Some((span + self.price(row.after(first))?, first))
        });
        let cheapest = priced.min();
        self.0.insert(row, cheapest);
        cheapest
    }

    /// The price of a span, and how it is made.
    fn span(&mut self, bits: u32, depth: u32, lowest: bool) -> Option<(usize, Cut)> {
        let block = u8::try_from(bits).ok().filter(|&bits| bits <= MAX_ADDED);
        let block = block.map(|bits| (evaluation_bits(Formula::Sum { bits }), Cut::Block));
        let join = |spans: u8| {
            let row = Row { bits, spans, depth: depth.checked_sub(1)?, lowest };
            let formula = if lowest { Formula::Lowest { spans } } else { Formula::Join { spans } };
            Some((self.price(row)? + evaluation_bits(formula), Cut::Join(row)))
        };
        block.into_iter().chain((2..=MAX_JOINED).filter_map(join)).min_by_key(|&(price, _)| price)
    }

    /// The spans of a row.
    fn shapes(&mut self, mut row: Row) -> Vec<SpanShape> {
        let mut shapes = Vec::new();
        while let Some((_, first)) = self.first(row) {
            shapes.extend(self.shape(first, row.depth, row.lowest));
            row = row.after(first);
        }
        shapes
    }

    fn shape(&mut self, bits: u32, depth: u32, lowest: bool) -> Option<SpanShape> {
        Some(match self.span(bits, depth, lowest)?.1 {
            Cut::Block => SpanShape::Block(bits),
            Cut::Join(row) => SpanShape::Join(self.shapes(row)),
        })
    }
}

impl Row {
    /// What follows the first span.
    const fn after(self, first: u32) -> Self {
        Self { bits: self.bits - first, spans: self.spans - 1, lowest: false, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deeper_trees_take_fewer_bits() {
        let prices = |bits, low| [1, 2, 3, 4].map(|depth| Some(Shape::cheapest(bits, low, depth)?.price));
        assert_eq!(prices(23, 10), [None, Some(269), Some(203), Some(193)]);
        assert_eq!(prices(32, 12), [None, Some(412), Some(290), Some(276)]);
    }
}
