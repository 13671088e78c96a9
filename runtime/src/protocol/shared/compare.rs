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
//! Where the lowest spans are joined there is a result for the two, the three, … lowest, and no p. Steps take one
//! flight each: who has received the other's masked bits of a level goes on with the next.
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
use super::party::Party;
use crate::error::Result;
use crate::ot::{Bits, Formula};

/// Shares of carries, one per number.
pub(super) struct Carries {
    /// Carries out of the t low bits.
    pub(super) low: Bits,
    /// Carries out of all bits.
    pub(super) all: Bits,
}

/// A party's shares of g and p of the spans so far, one bit per number in each; empty where p is not wanted.
struct Spans {
    generates: Vec<Bits>,
    propagates: Vec<Bits>,
}

impl CarryTree {
    /// Shares of the carries out of the sums of `numbers` with the peer's.
    pub(super) fn carries(&self, party: &mut Party<'_>, numbers: &[u64]) -> Result<Carries> {
        let mut spans = Spans::new(self.spans);
        for groups in &self.levels {
            let inputs = groups.iter().map(|group| (group.formula, group.inputs(&spans, numbers)));
            let results = party.evaluate(inputs.collect())?;
            for (group, results) in groups.iter().zip(results) {
                group.store(&mut spans, numbers.len(), &results);
            }
        }
        let carries = |span: usize| spans.generates[span].slice(0, numbers.len());
        Ok(Carries {
            low: self.low.map_or_else(|| Bits::zeros(numbers.len()), carries),
            all: carries(self.all),
        })
    }

    /// What [`carries`](Self::carries) says for `count` numbers.
    pub(super) fn schedule(&self, messages: &mut MessageSchedule, count: usize) {
        for groups in &self.levels {
            let batches = groups.iter().map(|group| (group.formula, group.gates.len() * count));
            messages.evaluate(&batches.collect::<Vec<_>>());
        }
    }
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
            gate.store(self.formula, spans, results);
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
    fn store(&self, formula: Formula, spans: &mut Spans, mut results: Vec<Bits>) {
        if let (Formula::Sum { .. } | Formula::Join { .. }, [made]) = (formula, &*self.makes) {
            spans.propagates[*made] = results.split_off(1).swap_remove(0);
        }
        let first_high = match &self.operands {
            Operands::Block(_) => &[],
            Operands::Spans(parts) => &parts[parts.len() - self.makes.len()..],
        };
        for (place, (&made, result)) in self.makes.iter().zip(results).enumerate() {
            spans.generates[made] = match first_high.get(place) {
                Some(&high) => result.xor(&spans.generates[high]),
                None => result,
            };
        }
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
    fn run(bits: u32, low: u32, pairs: &[[u64; 2]], seed: u64) -> Vec<[bool; 2]> {
        let tree = CarryTree::new(bits, low);
        let cost = cost(|messages| tree.schedule(messages, pairs.len()));
        let [ours, theirs] =
            both(&cost, seed, shares_of(pairs), |party, numbers| tree.carries(party, numbers));
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
            let carries = run(5, low, &pairs, low.into());
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
            seed: u64,
        ) {
            let low = low % (bits + 1);
            // All ones propagate through all blocks.
            let complements: Vec<_> = pairs.iter().flat_map(|&[a, _]| [[a, !a], [a, (!a).wrapping_add(1)]]).collect();
            pairs.extend(complements);
            for (pair, carries) in pairs.iter().zip(run(bits, low, &pairs, seed)) {
                prop_assert_eq!(carries, [carry(low, *pair), carry(bits, *pair)]);
            }
        }
    }
}
