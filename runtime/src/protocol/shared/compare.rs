//! Carries of the sum of two parties' numbers, as shared bits: the millionaires' protocol, for many numbers at once.
//!
//! A carry out of a + b is the comparison a > 2^n − 1 − b. Notation of [`super::carry_tree`]; [x] means that the
//! parties hold bits whose sum in F₂ is x.
//!
//! ```text
//! client (a)                                         server (b)
//! 1  its bits of every block, masked          ◀─▶    its bits, masked
//!       [g], [p] of every block (ot/masked.rs)
//! 2  for every level of the tree, all joins at once:
//!       its shares of g and p, masked         ◀─▶    likewise
//!       [g ⊕ g_high], [p] of every join
//!       [g] = [g ⊕ g_high] ⊕ [g_high]
//! ```
//!
//! Where the lowest spans are joined, p is not wanted. Steps take one flight each: who has received the other's masked bits of
//! a level goes on with the next. Products that are wanted besides ([`Along`]) travel with a level: of known bits with the
//! first, of the shares of c0 with the one after that which gives c0.
//!
//! (Comparison by a tree of generates and propagates: Rathee, Rathee, Kumar, Chandran, Gupta, Rastogi and Sharma,
//! "CrypTFlow2", CCS 2020, section 3.1, with carries in place of less-than; Brent and Kung, "A Regular Layout for
//! Parallel Adders", IEEE Trans. Comput. 1982. Gates of several inputs that open one bit for each: Patra, Schneider, Suresh
//! and Yalame, "ABY2.0", USENIX Security 2021.)
//!
//! # Who learns what
//!
//! Nothing: both see masked bits, of which [`crate::ot::masked`] argues that they tell nothing.

use super::carry_tree::{Block, CarryTree, Gate, Group, Operands};
use super::message_schedule::MessageSchedule;
use super::party::{Evaluated, Party};
use crate::error::Result;
use crate::ot::{Bits, Formula, Inputs, Width};

/// Products of both parties' bits, modulo powers of two, that are taken along with carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Along {
    /// Of bits that are known before.
    pub(super) known: Option<Width>,
    /// Of the shares of the carries out of the t low bits.
    pub(super) low: Option<Width>,
}

/// Shares of carries, one per number, and of products.
pub(super) struct Carries {
    /// Carries out of the t low bits.
    pub(super) low: Bits,
    /// Carries out of all bits.
    pub(super) all: Bits,
    /// Products of the known bits; empty where they are not wanted.
    pub(super) known_products: Vec<u64>,
    /// Products of shares of low carries; empty where they are not wanted.
    pub(super) low_products: Vec<u64>,
}

/// A party's shares of g and p of the spans so far, one bit per number in each; empty where p is not wanted.
struct Spans {
    generates: Vec<Bits>,
    propagates: Vec<Bits>,
}

impl CarryTree {
    /// Shares of the carries out of the sums of `numbers` with the peer's, and of the products that `along` wants,
    /// those of bits that are known being `known`.
    pub(super) fn carries(
        &self,
        party: &mut Party<'_>,
        numbers: &[u64],
        along: Along,
        known: &Bits,
    ) -> Result<Carries> {
        let mut spans = Spans::new(self.spans);
        let (mut known_products, mut low_products) = (Vec::new(), Vec::new());
        for flight in 0..self.flights(along) {
            let groups = self.level(flight);
            let Along { known: known_width, low: low_width } = self.due(along, flight);
            let inputs = match flight {
                0 => self.first_inputs(numbers, along, known),
                _ => {
                    let low_factors =
                        low_width.zip(self.low.map(|span| spans.generates[span].slice(0, numbers.len())));
                    let formulas = groups.iter().map(|group| (group.formula, group.inputs(&spans, numbers)));
                    Inputs { formulas: formulas.collect(), products: low_factors.into_iter().collect() }
                }
            };
            let Evaluated { bits, numbers: products } = party.evaluate(&inputs)?;
            for (group, results) in groups.iter().zip(bits) {
                group.store(&mut spans, numbers.len(), &results);
            }
            let mut products = products.into_iter();
            known_products.extend(known_width.and_then(|_| products.next()).into_iter().flatten());
            low_products.extend(low_width.and_then(|_| products.next()).into_iter().flatten());
        }
        let carries = |span: usize| spans.generates[span].slice(0, numbers.len());
        Ok(Carries {
            low: self.low.map_or_else(|| Bits::zeros(numbers.len()), carries),
            all: carries(self.all),
            known_products,
            low_products,
        })
    }

    /// What [`carries`](Self::carries) opens first.
    pub(super) fn first_inputs(&self, numbers: &[u64], along: Along, known: &Bits) -> Inputs {
        let spans = Spans::new(self.spans);
        let formulas = self.level(0).iter().map(|group| (group.formula, group.inputs(&spans, numbers)));
        let known = along.known.map(|width| (width, known.slice(0, known.len())));
        Inputs { formulas: formulas.collect(), products: known.into_iter().collect() }
    }

    /// What [`carries`](Self::carries) says for `count` numbers.
    pub(super) fn schedule(&self, messages: &mut MessageSchedule, count: usize, along: Along) {
        for flight in 0..self.flights(along) {
            let groups = self.level(flight).iter();
            let formulas: Vec<(Formula, usize)> =
                groups.map(|group| (group.formula, group.gates.len() * count)).collect();
            let Along { known, low } = self.due(along, flight);
            let products: Vec<Width> = known.into_iter().chain(low).collect();
            messages.evaluate(&formulas, count, &products);
        }
    }

    /// How often bits are told.
    fn flights(&self, along: Along) -> usize {
        let Along { known, low } = along;
        let of_low = low.map_or(0, |_| self.low_level + 2);
        self.levels.len().max(of_low).max(usize::from(known.is_some()))
    }

    /// The gates of a flight.
    fn level(&self, flight: usize) -> &[Group] {
        self.levels.get(flight).map_or(&[], Vec::as_slice)
    }

    /// What of `along` a flight has.
    fn due(&self, along: Along, flight: usize) -> Along {
        let Along { known, low } = along;
        Along { known: known.filter(|_| flight == 0), low: low.filter(|_| flight == self.low_level + 1) }
    }
}

impl Along {
    /// Nothing.
    pub(super) const NONE: Self = Self { known: None, low: None };
}

impl Group {
    /// Place by place this party's inputs, gate after gate.
    fn inputs(&self, spans: &Spans, numbers: &[u64]) -> Vec<Bits> {
        let of_gates: Vec<Vec<Bits>> =
            self.gates.iter().map(|gate| gate.inputs(self.formula, spans, numbers)).collect();
        let place = |place: usize| Bits::concat(of_gates.iter().map(|inputs| &inputs[place]));
        (0..self.formula.inputs()).map(place).collect()
    }

    /// Keeps the results, gate after gate in each.
    fn store(&self, spans: &mut Spans, count: usize, results: &[Bits]) {
        for (place, gate) in self.gates.iter().enumerate() {
            let results = results.iter().map(|result| result.slice(place * count, count)).collect();
            gate.store(spans, results);
        }
    }
}

impl Gate {
    /// This party's inputs, place by place as [`Formula`] says.
    fn inputs(&self, formula: Formula, spans: &Spans, numbers: &[u64]) -> Vec<Bits> {
        match &self.operands {
            Operands::Block(block) => block.bits_of(numbers),
            Operands::Spans(parts) => {
                let lowest = matches!(formula, Formula::Lowest { .. });
                let generates = parts[..parts.len() - 1].iter().map(|&span| &spans.generates[span]);
                let propagates = parts[usize::from(lowest)..].iter().map(|&span| &spans.propagates[span]);
                generates.chain(propagates).map(|bits| bits.slice(0, bits.len())).collect()
            }
        }
    }

    /// Keeps the results.
    fn store(&self, spans: &mut Spans, results: Vec<Bits>) {
        let mut results = results.into_iter();
        let generate = results.next().unwrap_or_default();
        let highest = match &self.operands {
            Operands::Block(_) => None,
            Operands::Spans(parts) => parts.last(),
        };
        spans.generates[self.makes] = match highest {
            Some(&highest) => generate.xor(&spans.generates[highest]),
            None => generate,
        };
        spans.propagates[self.makes] = results.next().unwrap_or_default();
    }
}

impl Spans {
    fn new(count: usize) -> Self {
        let [generates, propagates] = [(); 2].map(|()| (0..count).map(|_| Bits::default()).collect());
        Self { generates, propagates }
    }
}

impl Block {
    /// The bits of this block in every number, place by place.
    fn bits_of(self, numbers: &[u64]) -> Vec<Bits> {
        let place = |place| Bits::from_fn(numbers.len(), |index| numbers[index] >> place & 1 == 1);
        (self.start..self.start + self.bits).map(place).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{both, cost, shares_of};
    use super::*;
    use proptest::prelude::*;

    /// The carries out of the sums of pairs.
    fn run(tree: &CarryTree, low: u32, pairs: &[[u64; 2]], seed: u64) -> Vec<[bool; 2]> {
        let width = Width::new(5);
        let along = Along { known: width, low: width.filter(|_| low > 0) };
        let cost = cost(|messages| tree.schedule(messages, pairs.len(), along));
        let odd = |numbers: &[u64]| Bits::from_fn(numbers.len(), |index| numbers[index] & 1 == 1);
        let [ours, theirs] = both(&cost, seed, shares_of(pairs), |party, numbers| {
            tree.carries(party, numbers, along, &odd(numbers))
        });
        let sum = |[ours, theirs]: [&Vec<u64>; 2], index: usize| {
            let sum = ours.get(index)?.wrapping_add(theirs[index]);
            Some(sum & 31)
        };
        for (index, [a, b]) in pairs.iter().enumerate() {
            let known = sum([&ours.known_products, &theirs.known_products], index);
            assert_eq!(known, Some(a & b & 1));
            let lows = sum([&ours.low_products, &theirs.low_products], index);
            let shared = ours.low.get(index) && theirs.low.get(index);
            assert_eq!(lows, (low > 0).then_some(shared.into()));
        }
        let (low, all) = (ours.low.xor(&theirs.low), ours.all.xor(&theirs.all));
        (0..pairs.len()).map(|index| [low.get(index), all.get(index)]).collect()
    }

    fn carry(bits: u32, [a, b]: [u64; 2]) -> bool {
        let mask = (1 << bits) - 1;
        (a & mask) + (b & mask) > mask
    }

    #[test]
    fn all_pairs_of_five_bits() {
        let pairs: Vec<[u64; 2]> = (0..1 << 10).map(|pair| [pair & 31, pair >> 5]).collect();
        for low in 0..=5 {
            let carries = run(&CarryTree::new(5, low, 2).unwrap(), low, &pairs, low.into());
            for (pair, carries) in pairs.iter().zip(carries) {
                assert_eq!(carries, [carry(low, *pair), carry(5, *pair)], "{low} {pair:?}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(30))]
        #[test]
        fn carries_are_those_of_the_sums(
            bits in 1u32..=63,
            low: u32,
            mut pairs in prop::collection::vec(any::<[u64; 2]>(), 0..20),
            depth in 2u32..=4,
            seed: u64,
        ) {
            let low = low % (bits + 1);
            // All ones propagate through all blocks.
            let complements: Vec<_> = pairs.iter().flat_map(|&[a, _]| [[a, !a], [a, (!a).wrapping_add(1)]]).collect();
            pairs.extend(complements);
            let tree = (depth..).find_map(|depth| CarryTree::new(bits, low, depth)).unwrap();
            for (pair, carries) in pairs.iter().zip(run(&tree, low, &pairs, seed)) {
                prop_assert_eq!(carries, [carry(low, *pair), carry(bits, *pair)]);
            }
        }
    }
}
