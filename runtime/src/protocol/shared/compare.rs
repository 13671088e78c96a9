//! Carries of the sum of two parties' numbers, as shared bits: the millionaires' protocol, for many numbers at once.
//!
//! A carry out of a + b is the comparison a > 2^n − 1 − b. Notation of [`super::carry_tree`]; a_j and b_j are the
//! values of block j, of w bits; [x] means that the parties hold bits whose sum in F₂ is x.
//!
//! ```text
//! client (a)                                         server (b)
//! 1  chooses message a_j of block j           ──▶
//!                                                    2  draws its shares γ_j of g_j, π_j of p_j
//!                                             ◀──    3  message i of block j, for i = 0 … 15:
//!                                                       γ_j ⊕ (i + b_j ≥ 2^w), π_j ⊕ (i + b_j = 2^w − 1)
//! 4  its shares of g_j and p_j are what it receives
//! 5  for every level of the tree, all spans at once:
//!       [z] = [p_high]·[g_low], [p_low] (AND) ◀─▶
//!       [g] = [g_high] ⊕ z_g, [p] = z_p
//! ```
//!
//! The AND of one bit with two is one triple. A level takes one flight: who has heard the other's masked factors of a
//! level goes on with the next. The server sends the long messages of step 3, for downloads are the faster way mostly.
//!
//! (Rathee, Rathee, Kumar, Chandran, Gupta, Rastogi and Sharma, "CrypTFlow2", CCS 2020, section 3.1, with carries in
//! place of less-than and two roots of one tree; trees of g and p: Brent and Kung, "A Regular Layout for Parallel
//! Adders", IEEE Trans. Comput. 1982. Flights that overlap: our own.)
//!
//! # Who learns what
//!
//! Nothing: the server sees departures and masked factors, of which [`crate::ot`] argues that they tell nothing; the
//! client masked factors, and one message of each block, hidden by the uniform γ_j and π_j.

use super::carry_tree::{Block, CarryTree};
use super::party::{Factors, Party};
use super::transcript::{Role, Transcript};
use crate::channel::Transport;
use crate::error::Result;
use crate::ot::choose::departure_bytes;
use crate::ot::{Width, sixteen};

/// g alone.
const CARRY: Width = Width::BIT;

/// g in bit 0, p in bit 1.
const PAIR: Width = match Width::new(2) {
    Some(width) => width,
    None => unreachable!(),
};

/// Shares of carries, one per number.
pub(super) struct Carries {
    /// Out of the t low bits.
    pub(super) low: Vec<bool>,
    /// Out of all bits.
    pub(super) all: Vec<bool>,
}

/// Shares of g and p of one span, one byte per number.
type Shares = Vec<u8>;

impl CarryTree {
    /// Shares of the carries out of the sums of `numbers` with the peer's.
    pub(super) fn carries<T: Transport>(&self, party: &mut Party<'_, T>, numbers: &[u64]) -> Result<Carries> {
        let mut spans = match party.role() {
            Role::Client => self.choose_blocks(party, numbers)?,
            Role::Server => self.offer_blocks(party, numbers)?,
        };
        spans.resize(self.spans.len(), Shares::new());
        for level in 1..=self.depth() {
            self.join(party, level, numbers.len(), &mut spans)?;
        }
        let carries = |span: usize| spans[span].iter().map(|&share| is_set(share, 0)).collect();
        Ok(Carries {
            low: self.low.map_or_else(|| vec![false; numbers.len()], carries),
            all: carries(self.all),
        })
    }

    /// What [`carries`](Self::carries) says for `count` numbers.
    pub(super) fn script(&self, transcript: &mut Transcript, count: usize) {
        let groups = self.groups().map(|(width, blocks)| (width, blocks.len() * count));
        let departures = groups.map(|(_, choices)| departure_bytes(sixteen::OTS * choices));
        transcript.says(Role::Client, departures.iter().sum());
        let masked = groups.map(|(width, choices)| sixteen::masked_bytes(choices, width));
        transcript.says(Role::Server, masked.iter().sum());
        transcript.chooses(Role::Client, sixteen::OTS * self.blocks.len() * count);
        for level in 1..=self.depth() {
            let [lowest, others] = self.level(level).map(|joins| joins.len() * count);
            transcript.multiply(&[(CARRY, lowest), (PAIR, others)]);
        }
    }

    /// Blocks of which only g is wanted, and the others.
    fn groups(&self) -> [(Width, &[Block]); 2] {
        let (lowest, others) = self.blocks.split_at(1);
        [(CARRY, lowest), (PAIR, others)]
    }

    /// Steps 1 and 4.
    fn choose_blocks<T: Transport>(&self, party: &mut Party<'_, T>, numbers: &[u64]) -> Result<Vec<Shares>> {
        let mut chosen = Vec::new();
        for (width, blocks) in self.groups() {
            let choices: Vec<u8> =
                blocks.iter().flat_map(|block| numbers.iter().map(|&number| block.of(number))).collect();
            let ots = party.choosing(sixteen::OTS * choices.len())?;
            let (ots, departures) = ots.choose(&sixteen::choice_bits(&choices));
            party.dialogue.say(departures);
            chosen.push((width, choices.len(), ots));
        }
        let mut shares = Vec::new();
        for (width, count, ots) in chosen {
            let masked = party.dialogue.hear(sixteen::masked_bytes(count, width))?;
            shares.append(&mut ots.unmask_sixteen(width, &masked)?);
        }
        Ok(self.by_block(&shares, numbers.len()))
    }

    /// Steps 2 and 3.
    fn offer_blocks<T: Transport>(&self, party: &mut Party<'_, T>, numbers: &[u64]) -> Result<Vec<Shares>> {
        let mut shares = Vec::new();
        for (width, blocks) in self.groups() {
            let ots = party.offering(sixteen::OTS * blocks.len() * numbers.len())?;
            let departures = party.dialogue.hear(departure_bytes(ots.len()))?;
            let mut ours = vec![0; blocks.len() * numbers.len()];
            party.rng.fill(&mut ours);
            ours.iter_mut().for_each(|share| *share &= width.mask() as u8);
            let values = blocks.iter().flat_map(|block| numbers.iter().map(move |&number| (*block, number)));
            let messages: Vec<_> =
                values.zip(&ours).map(|((block, b), &share)| messages(block, b, share)).collect();
            party.dialogue.say(ots.offer(&departures)?.mask_sixteen(width, &messages));
            shares.append(&mut ours);
        }
        Ok(self.by_block(&shares, numbers.len()))
    }

    fn by_block(&self, shares: &[u8], count: usize) -> Vec<Shares> {
        (0..self.blocks.len()).map(|block| shares[block * count..][..count].to_vec()).collect()
    }

    /// Step 5 for one level.
    fn join<T: Transport>(
        &self,
        party: &mut Party<'_, T>,
        level: usize,
        count: usize,
        spans: &mut [Shares],
    ) -> Result<()> {
        let groups = self.level(level);
        let factors = |(width, joins): (Width, &Vec<(usize, [usize; 2])>)| {
            let of = |half: usize| joins.iter().flat_map(move |(_, halves)| [halves[half]]);
            let bits = of(0).flat_map(|high| spans[high].iter().map(|&share| is_set(share, 1))).collect();
            let numbers = of(1).flat_map(|low| spans[low].iter().map(|&share| share.into())).collect();
            Factors { width, bits, numbers }
        };
        let factors: Vec<Factors> = [CARRY, PAIR].into_iter().zip(&groups).map(factors).collect();
        let products = party.multiply(&factors)?;
        for (joins, products) in groups.iter().zip(products) {
            for (place, &(span, [high, _])) in joins.iter().enumerate() {
                let products = &products[place * count..][..count];
                let join = |(&product, &high): (&u64, &u8)| product as u8 ^ (high & 1);
                spans[span] = products.iter().zip(&spans[high]).map(join).collect();
            }
        }
        Ok(())
    }
}

/// Step 3 for one block of the server's number.
fn messages(block: Block, number: u64, share: u8) -> [u8; sixteen::MESSAGES] {
    let (ours, ones) = (block.of(number), block.ones());
    std::array::from_fn(|theirs| {
        let sum = ours + theirs as u8;
        share ^ (u8::from(sum > ones) | u8::from(sum == ones) << 1)
    })
}

const fn is_set(share: u8, bit: u32) -> bool {
    share >> bit & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::super::testing::{both, shares_of};
    use super::*;
    use proptest::prelude::*;

    /// The carries out of the sums of pairs.
    fn run(bits: u32, low: u32, pairs: &[[u64; 2]], seed: u64) -> Vec<[bool; 2]> {
        let tree = CarryTree::new(bits, low);
        let cost = Transcript::cost(|transcript| tree.script(transcript, pairs.len()));
        let [ours, theirs] =
            both(&cost, seed, shares_of(pairs), |party, numbers| tree.carries(party, numbers));
        let xor = |ours: Vec<bool>, theirs: Vec<bool>| ours.into_iter().zip(theirs).map(|(x, y)| x ^ y);
        xor(ours.low, theirs.low).zip(xor(ours.all, theirs.all)).map(|(low, all)| [low, all]).collect()
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
