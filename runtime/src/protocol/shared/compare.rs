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
//! The AND of one bit with two is one triple. A level takes one flight: who has received the other's masked factors of a
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
use super::message_schedule::MessageSchedule;
use super::party::{Factors, Party};
use crate::error::Result;
use crate::ot::{Bits, CHUNK, CorrelationKind, Role, Width, sixteen};
use rayon::prelude::*;

/// Widths of messages about a block, and of products: g alone, and g in bit 0 with p in bit 1.
const WIDTHS: [Width; 2] = [Width::BIT, Width::PAIR];

/// Shares of carries, one per number.
pub(super) struct Carries {
    /// Carries out of the t low bits.
    pub(super) low: Bits,
    /// Carries out of all bits.
    pub(super) all: Bits,
}

/// The planes of shares of one span, one bit per number in each: g, and p if it is wanted.
type Shares = Vec<Bits>;

impl CarryTree {
    /// Shares of the carries out of the sums of `numbers` with the peer's.
    pub(super) fn carries(&self, party: &mut Party<'_>, numbers: &[u64]) -> Result<Carries> {
        let mut spans = match party.role() {
            Role::Client => self.choose_blocks(party, numbers)?,
            Role::Server => self.offer_blocks(party, numbers)?,
        };
        spans.resize_with(self.spans.len(), Shares::new);
        for level in 1..=self.depth() {
            self.join(party, level, numbers.len(), &mut spans)?;
        }
        let carries = |span: usize| spans[span][0].slice(0, numbers.len());
        Ok(Carries {
            low: self.low.map_or_else(|| Bits::zeros(numbers.len()), carries),
            all: carries(self.all),
        })
    }

    /// What [`carries`](Self::carries) says for `count` numbers.
    pub(super) fn schedule(&self, messages: &mut MessageSchedule, count: usize) {
        let groups = self.groups().map(|(width, blocks)| (width, blocks.len() * count));
        let departures = groups.map(|(_, choices)| sixteen::departure_bytes(choices));
        messages.sends(Role::Client, departures.iter().sum());
        let masked = groups.map(|(width, choices)| sixteen::masked_bytes(choices, width));
        messages.sends(Role::Server, masked.iter().sum());
        for (width, choices) in groups {
            messages.uses(CorrelationKind::Sixteen(Role::Client, width), choices);
        }
        for level in 1..=self.depth() {
            let [lowest, others] = self.level(level).map(|joins| joins.len() * count);
            messages.multiply(&[(Width::BIT, lowest), (Width::PAIR, others)]);
        }
    }

    /// Blocks of which only g is wanted, and the others.
    fn groups(&self) -> [(Width, &[Block]); 2] {
        let (lowest, others) = self.blocks.split_at(1);
        [(WIDTHS[0], lowest), (WIDTHS[1], others)]
    }

    /// Steps 1 and 4.
    fn choose_blocks(&self, party: &mut Party<'_>, numbers: &[u64]) -> Result<Vec<Shares>> {
        let mut chosen = Vec::new();
        for (width, blocks) in self.groups() {
            let choices = by_block(blocks, numbers, |block, &number| block.extract(number));
            let receiver = party.supply.sixteen_receiver(width, choices.len())?;
            let (receiver, departures) = receiver.choose(&choices);
            party.dialogue.queue(departures);
            chosen.push((width, blocks.len(), receiver));
        }
        let (mut spans, count) = (Vec::new(), numbers.len());
        for (width, blocks, receiver) in chosen {
            let masked = party.dialogue.receive(sixteen::masked_bytes(blocks * count, width))?;
            let received = receiver.receive(&masked)?;
            for block in 0..blocks {
                let of_block = &received[block * count..][..count];
                let plane = |plane| Bits::from_fn(count, |index| of_block[index] >> plane & 1 == 1);
                spans.push((0..width.bits()).map(plane).collect());
            }
        }
        Ok(spans)
    }

    /// Steps 2 and 3.
    fn offer_blocks(&self, party: &mut Party<'_>, numbers: &[u64]) -> Result<Vec<Shares>> {
        let mut spans = Vec::new();
        for (width, blocks) in self.groups() {
            let sender = party.supply.sixteen_sender(width, blocks.len() * numbers.len())?;
            let departures =
                party.dialogue.receive(sixteen::departure_bytes(blocks.len() * numbers.len()))?;
            let mut draw = |_: &Block| -> Shares {
                (0..width.bits()).map(|_| Bits::random(numbers.len(), party.rng)).collect()
            };
            let mut ours: Vec<Shares> = blocks.iter().map(&mut draw).collect();
            party.dialogue.queue(sender.mask(&departures, messages(width, blocks, numbers, &ours))?);
            spans.append(&mut ours);
        }
        Ok(spans)
    }

    /// Step 5 for one level.
    fn join(&self, party: &mut Party<'_>, level: usize, count: usize, spans: &mut [Shares]) -> Result<()> {
        let groups = self.level(level);
        let factors = |(width, joins): (Width, &Vec<(usize, [usize; 2])>)| {
            let plane = |half: usize, plane: usize| {
                Bits::concat(joins.iter().map(|(_, halves)| &spans[halves[half]][plane]))
            };
            let planes = (0..width.bits() as usize).map(|index| plane(1, index)).collect();
            Factors { width, bits: plane(0, 1), planes }
        };
        let factors: Vec<Factors> = WIDTHS.into_iter().zip(&groups).map(factors).collect();
        let products = party.multiply(&factors)?;
        for (joins, products) in groups.iter().zip(products) {
            for (place, &(span, [high, _])) in joins.iter().enumerate() {
                let mut joined: Shares =
                    products.iter().map(|plane| plane.slice(place * count, count)).collect();
                joined[0] = joined[0].xor(&spans[high][0]);
                spans[span] = joined;
            }
        }
        Ok(())
    }
}

/// Something about every number for block after block.
fn by_block<V: Send>(blocks: &[Block], numbers: &[u64], of: impl Fn(Block, &u64) -> V + Sync) -> Vec<V> {
    let mut values = Vec::with_capacity(blocks.len() * numbers.len());
    for &block in blocks {
        values.par_extend(numbers.par_iter().with_min_len(CHUNK).map(|number| of(block, number)));
    }
    values
}

/// Step 3: one word of sixteen messages for every block and number.
fn messages(width: Width, blocks: &[Block], numbers: &[u64], shares: &[Shares]) -> Vec<u32> {
    let mut words = by_block(blocks, numbers, |block, &number| block.sums(width, block.extract(number)));
    let of_blocks = words.chunks_mut(numbers.len().max(1)).zip(shares);
    for (words, planes) in of_blocks {
        let share = |index| {
            (0..).zip(planes).fold(0, |share, (place, plane)| share | u32::from(plane.get(index)) << place)
        };
        let words = words.par_iter_mut().enumerate().with_min_len(CHUNK);
        words.for_each(|(index, word)| *word ^= sixteen::replicate(width, share(index)));
    }
    words
}

impl Block {
    /// g, or g and p, of the sums of this value with 0 to 15.
    fn sums(self, width: Width, value: u8) -> u32 {
        let ones = u32::from(self.ones());
        // From bit s·w on: of the sum s, which is 30 at most.
        let carries = (u64::MAX << 1) << (ones * width.bits() + width.bits() - 1);
        let of_all = match width {
            Width::BIT => carries,
            _ => carries & 0x5555_5555_5555_5555 | 0b10 << (ones * 2),
        };
        let kept = (1 << (sixteen::MESSAGES as u32 * width.bits())) - 1u64;
        (of_all >> (u32::from(value) * width.bits()) & kept) as u32
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
    fn words_hold_the_generates_and_propagates_of_all_sums() {
        for (bits, ones) in [(1, 1), (2, 3), (3, 7), (4, 15u8)] {
            let block = CarryTree::new(bits, 0).blocks[0];
            for value in 0..=ones {
                for theirs in 0..16 {
                    let (sum, place) = (value + theirs, u32::from(theirs));
                    let (g, p) = (u32::from(sum > ones), u32::from(sum == ones));
                    assert_eq!(block.sums(Width::BIT, value) >> place & 1, g);
                    assert_eq!(block.sums(Width::PAIR, value) >> (2 * place) & 3, p << 1 | g);
                }
            }
        }
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
