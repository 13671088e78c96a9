//! Which carries of blocks are combined, in which order.
//!
//! The n low bits of two numbers are cut into blocks of up to 4 bits, none of which crosses bit t. Of a span of
//! blocks
//!
//! * g, *generate*: the span's sum carries out, without a carry into it;
//! * p, *propagate*: it carries out if and only if one comes in, being all ones.
//!
//! A span that joins a high and a low one has g = g_high ⊕ p_high·g_low and p = p_high·p_low. Of a span that
//! begins with the lowest block only g, the carry, is wanted.
//!
//! The low one of two spans has as many blocks as the largest power of two that leaves some. So the spans of s
//! blocks are ⌈log2 s⌉ joins deep, and both carries wanted, out of n bits and out of t, share spans.

use std::ops::Range;

/// Bits of a block at most: a block's g and p are chosen among sixteen.
const BLOCK_BITS: u32 = 4;

/// Some bits of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    start: u32,
    bits: u32,
}

impl Block {
    /// The value of these bits.
    pub(super) const fn extract(self, number: u64) -> u8 {
        (number >> self.start & self.ones() as u64) as u8
    }

    /// The block that is all ones.
    pub(super) const fn ones(self) -> u8 {
        (1 << self.bits) - 1
    }
}

/// Blocks that follow each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) blocks: Range<usize>,
    /// Numbers of the high and the low span that it joins, unless it is one block.
    pub(super) joins: Option<[usize; 2]>,
    /// Joins that it is deep.
    level: usize,
}

impl Span {
    /// Whether only its carry is wanted.
    pub(super) const fn is_lowest(&self) -> bool {
        self.blocks.start == 0
    }
}

/// The spans on the way to two carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CarryTree {
    pub(super) blocks: Vec<Block>,
    /// The blocks themselves first; all others after those that they join.
    pub(super) spans: Vec<Span>,
    /// The span whose carry comes out of the t low bits, if there are any.
    pub(super) low: Option<usize>,
    /// The span whose carry comes out of all n bits.
    pub(super) all: usize,
}

impl CarryTree {
    /// For the carries out of `bits` low bits, one at least, and out of the `low` lowest of them.
    pub(super) fn new(bits: u32, low: u32) -> Self {
        let cut = |from: u32, to: u32| {
            (from..to)
                .step_by(BLOCK_BITS as usize)
                .map(move |start| Block { start, bits: BLOCK_BITS.min(to - start) })
        };
        let blocks: Vec<Block> = cut(0, low).chain(cut(low, bits)).collect();
        let leaf = |block| Span { blocks: block..block + 1, joins: None, level: 0 };
        let mut tree = Self { spans: (0..blocks.len()).map(leaf).collect(), blocks, low: None, all: 0 };
        tree.all = tree.span(0..tree.blocks.len());
        let low_blocks = low.div_ceil(BLOCK_BITS) as usize;
        tree.low = (low_blocks > 0).then(|| tree.span(0..low_blocks));
        tree
    }

    /// Joins one after another that cannot be avoided.
    pub(super) fn depth(&self) -> usize {
        self.spans.iter().map(|span| span.level).max().unwrap_or(0)
    }

    /// The spans that are joined at a level, from 1 on: the lowest ones, and the others.
    pub(super) fn level(&self, level: usize) -> [Vec<(usize, [usize; 2])>; 2] {
        let joins = self.spans.iter().enumerate().filter(|(_, span)| span.level == level);
        let joins = joins.filter_map(|(number, span)| Some((span.is_lowest(), number, span.joins?)));
        let (lowest, others): (Vec<_>, Vec<_>) = joins.partition(|&(lowest, ..)| lowest);
        [lowest, others].map(|joins| joins.into_iter().map(|(_, number, halves)| (number, halves)).collect())
    }

    /// The number of the span of `blocks`, made if need be.
    fn span(&mut self, blocks: Range<usize>) -> usize {
        if let Some(number) = self.spans.iter().position(|span| span.blocks == blocks) {
            return number;
        }
        let middle = blocks.start + blocks.len().next_power_of_two() / 2;
        let joins = [middle..blocks.end, blocks.start..middle].map(|half| self.span(half));
        let level = 1 + joins.map(|half| self.spans[half].level).into_iter().max().unwrap_or(0);
        self.spans.push(Span { blocks, joins: Some(joins), level });
        self.spans.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn three_and_eight_blocks_share_their_lowest_pair() {
        let tree = CarryTree::new(32, 12);
        let spans: Vec<(usize, usize)> =
            tree.spans[8..].iter().map(|span| (span.blocks.start, span.blocks.end)).collect();
        assert_eq!(spans, [(6, 8), (4, 6), (4, 8), (2, 4), (0, 2), (0, 4), (0, 8), (0, 3)]);
        assert_eq!((tree.depth(), tree.low, tree.all), (3, Some(15), 14));
        assert_eq!(tree.level(1), [vec![(12, [1, 0])], vec![(8, [7, 6]), (9, [5, 4]), (11, [3, 2])]]);
    }

    proptest! {
        #[test]
        fn blocks_cover_all_bits_and_spans_join_neighbours(bits in 1u32..=63, low: u32) {
            let low = low % (bits + 1);
            let tree = CarryTree::new(bits, low);
            let mut next = 0;
            for block in &tree.blocks {
                prop_assert!(block.start == next && (1..=4).contains(&block.bits));
                next += block.bits;
            }
            prop_assert_eq!(next, bits);
            for (number, span) in tree.spans.iter().enumerate() {
                match span.joins {
                    None => prop_assert_eq!(&span.blocks, &(number..number + 1)),
                    Some([high, low]) => {
                        prop_assert!(high < number && low < number);
                        let (high, low) = (&tree.spans[high].blocks, &tree.spans[low].blocks);
                        prop_assert_eq!(&span.blocks, &(low.start..high.end));
                        prop_assert!(low.end == high.start && high.start > 0);
                    }
                }
            }
            prop_assert_eq!(&tree.spans[tree.all].blocks, &(0..tree.blocks.len()));
            prop_assert_eq!(tree.depth() as u32, tree.blocks.len().next_power_of_two().ilog2());
            match tree.low {
                None => prop_assert_eq!(low, 0),
                Some(span) => {
                    let blocks = &tree.spans[span].blocks;
                    let last = tree.blocks[blocks.end - 1];
                    prop_assert_eq!((blocks.start, last.start + last.bits), (0, low));
                }
            }
        }
    }
}
