//! Ahead: both parties' masks, and shares of their products, from random OTs.
//!
//! Everything is in F₂. For every place i of a [`Formula`] there is a mask λ_i = α_i ⊕ β_i, α being the client's and β the
//! server's; one of the two is 0 where the bit belongs to one party. The parties share λ_S, the product of λ_i for i in S, for
//! all S that the formula takes: λ_S = α_S ⊕ β_S. Where i is the highest place in S and R the others (`recipe.rs`),
//!
//! ```text
//! λ_S = (α_i ⊕ β_i)·(α_R ⊕ β_R) = α_i·α_R ⊕ α_i·β_R ⊕ β_i·α_R ⊕ β_i·β_R
//! ```
//!
//! For α_i·β_R there is an OT in which the client chooses: it has the bit c = α_i and the bit r_c, the server r_0 and r_1.
//!
//! ```text
//! client                                             server
//! 1  α_i = c; others, of an OT in which the          1  β_i likewise
//!    server chooses: α_i = r_0 ⊕ r_1
//!                                             ◀──    2  e = r_0 ⊕ r_1 ⊕ β_R, but where that is 0
//! 3  its share r_c ⊕ α_i·e of α_i·β_R                3  its share r_0
//! 4  α_S = α_i·α_R ⊕ its shares of α_i·β_R, β_i·α_R  4  β_S likewise
//! ```
//!
//! since r_c ⊕ α_i·e ⊕ r_0 = α_i·(r_0 ⊕ r_1 ⊕ e). For β_i·α_R the other way round. Products are made one mask after another,
//! step 2 being due when step 4 has given β_R: so corrections take several flights (`turns.rs`), of all products together.
//!
//! (Products of sums of masks, where both parties have an OT for each: our own. Without corrections, where masks are what OTs
//! happen to give: Asharov, Lindell, Schneider and Zohner, CCS 2013, section 5.1.)
//!
//! # Who learns what
//!
//! Who chooses: e, hidden by the bit of r_0 or r_1 that it does not know, one for each e. Who has the strings: nothing. A
//! party's masks stay uniform to the other: they are choices of OTs, or rest on such a bit that no e has.

use super::bits::Bits;
use super::block::{BLOCK_BITS, Block, words};
use super::chunk::{ReceivedChunk, SentChunk};
use super::correlated::chunk_bits;
use super::formula::{Formula, Places};
use super::masked::Masked;
use super::numbers::Width;
use super::recipe::{Origin, Recipe, Term, split};
use super::transpose::transpose;
use crate::error::Result;
use crate::message::{Message, Role};
use zeroize::Zeroizing;

/// One party's masks, and what its shares of products are made of.
pub(super) struct MaskProducts {
    role: Role,
    formula: Formula,
    count: usize,
    /// α or β, place by place.
    masks: Vec<Bits>,
    terms: Vec<Share>,
}

/// One party's share of a term.
struct Share {
    /// r_c, corrected in step 3, or r_0.
    share: Bits,
    /// r_0 ⊕ r_1; empty of who chooses.
    difference: Bits,
}

/// A party's halves of random OTs in which the peer chooses: the planes of r_0 and r_1.
pub(super) struct MaskSender([Vec<Bits>; 2]);

/// A party's halves of random OTs in which it chooses: its choices and the planes of what they name.
pub(super) struct MaskReceiver {
    choices: Bits,
    strings: Vec<Bits>,
}

/// Random OTs in which `chooser` chooses, for `count` evaluations.
pub(super) fn ots(chooser: Role, formula: Formula, count: usize) -> usize {
    Recipe::of(formula).choices(chooser).len() * stride(count)
}

/// Bytes of step 2's message in a flight, for `count` evaluations.
pub(super) fn correction_bytes(flight: usize, formula: Formula, count: usize) -> u64 {
    Recipe::of(formula).corrected(flight).count() as u64 * Width::BIT.bytes(count)
}

/// Flights of corrections, up to the last one.
pub(super) fn flights(formula: Formula) -> usize {
    Recipe::of(formula).flights()
}

/// Bits that both parties send for an evaluation, ahead and online, an OT taking about one.
pub fn evaluation_bits(formula: Formula) -> usize {
    let recipe = Recipe::of(formula);
    let ots = [Role::Client, Role::Server].map(|role| recipe.choices(role).len());
    let corrections = (0..recipe.flights()).map(|flight| recipe.corrected(flight).count());
    ots.into_iter().chain(corrections).sum::<usize>() + 2 * formula.inputs()
}

/// OTs of one choice: whole blocks.
const fn stride(count: usize) -> usize {
    count.next_multiple_of(BLOCK_BITS)
}

impl MaskSender {
    /// At `role`, of a chunk.
    pub(super) fn from_chunk(role: Role, formula: Formula, chunk: &SentChunk<'_>) -> Self {
        let width = Recipe::of(formula).planes(role.peer());
        Self([0, 1].map(|half| planes(width, chunk.pairs.len(), |index| &chunk.pairs[index][half])))
    }
}

impl MaskReceiver {
    /// At `role`, of a chunk.
    pub(super) fn from_chunk(role: Role, formula: Formula, chunk: &ReceivedChunk<'_>) -> Self {
        let width = Recipe::of(formula).planes(role);
        let strings = planes(width, chunk.blocks.len(), |index| &chunk.blocks[index]);
        Self { choices: chunk_bits(chunk.choices), strings }
    }
}

impl MaskProducts {
    /// Step 1 at `role` for the first `count` evaluations, from the parts of all OTs.
    pub(super) fn new(
        role: Role,
        formula: Formula,
        count: usize,
        sent: &[MaskSender],
        received: &[MaskReceiver],
    ) -> Self {
        let recipe = Recipe::of(formula);
        let choices = Bits::concat(received.iter().map(|part| &part.choices));
        let named = |plane: usize| Bits::concat(received.iter().map(|part| &part.strings[plane]));
        let named: Vec<Bits> = (0..recipe.planes(role)).map(named).collect();
        let half = |half: usize| {
            let plane = |plane: usize| Bits::concat(sent.iter().map(|part| &part.0[half][plane]));
            (0..recipe.planes(role.peer())).map(plane).collect::<Vec<Bits>>()
        };
        let halves = [half(0), half(1)];
        let term = |term: &Term| {
            let start = term.transfer * stride(count);
            if term.chooser == role {
                let share = named[term.plane].slice(start, count);
                return Share { share, difference: Bits::default() };
            }
            let [share, other] = halves.each_ref().map(|planes| planes[term.plane].slice(start, count));
            Share { difference: share.xor(&other), share }
        };
        let terms: Vec<Share> = recipe.terms.iter().map(term).collect();
        let mask = |place| match recipe.origin(role, place) {
            Some(Origin::Choice(transfer)) => choices.slice(transfer * stride(count), count),
            Some(Origin::Difference(term)) => terms[term].difference.slice(0, count),
            None => Bits::zeros(count),
        };
        let masks = (0..formula.places()).map(mask).collect();
        Self { role, formula, count, masks, terms }
    }

    /// Step 2 of a flight of this party's: what it sends, in order.
    pub(super) fn corrections(&self, flight: usize) -> Vec<Bits> {
        let recipe = Recipe::of(self.formula);
        let correction =
            |term: usize| self.terms[term].difference.xor(&self.product(recipe.terms[term].rest));
        recipe.corrected(flight).map(correction).collect()
    }

    /// Step 3 after a flight of the peer's, of which `next` gives so many bytes.
    pub(super) fn correct(
        &mut self,
        flight: usize,
        mut next: impl FnMut(usize) -> Result<Vec<u8>>,
    ) -> Result<()> {
        let recipe = Recipe::of(self.formula);
        for corrected in recipe.corrected(flight) {
            let message = next(Width::BIT.bytes(self.count) as usize)?;
            let correction = Bits::from_bytes(Message::MaskCorrections.name(), &message, self.count)?;
            let mask = &self.masks[usize::from(recipe.terms[corrected].place)];
            let Share { share, .. } = &mut self.terms[corrected];
            *share = share.xor(&mask.and(&correction));
        }
        Ok(())
    }

    /// Step 4: this party's share of a product, when its terms are corrected.
    fn product(&self, product: Places) -> Bits {
        let (place, rest) = split(product);
        let mask = &self.masks[usize::from(place)];
        if rest == 0 {
            return mask.slice(0, self.count);
        }
        let terms = Recipe::of(self.formula).terms.iter().zip(&self.terms);
        let terms = terms.filter(|(term, _)| (term.place, term.rest) == (place, rest));
        terms.fold(mask.and(&self.product(rest)), |sum, (_, term)| sum.xor(&term.share))
    }

    /// After the last flight: this party's masks for evaluations.
    pub(super) fn finish(self) -> Masked {
        let shares = self.formula.products_of(self.role).into_iter().map(|product| self.product(product));
        Masked::new(self.role, self.formula, self.count, shares.collect())
    }
}

/// The first bits of blocks, side by side.
fn planes<'b>(width: usize, count: usize, block: impl Fn(usize) -> &'b Block) -> Vec<Bits> {
    let mut planes: Vec<Vec<u64>> =
        (0..width).map(|_| Vec::with_capacity(2 * count.div_ceil(BLOCK_BITS))).collect();
    for first in (0..count).step_by(BLOCK_BITS) {
        let mut matrix = Zeroizing::new(std::array::from_fn(|index| *block(first + index)));
        transpose(&mut matrix);
        planes.iter_mut().zip(&*matrix).for_each(|(plane, row)| plane.extend(words(row)));
    }
    planes.into_iter().map(|plane| Bits::from_words(plane, count)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ot::testing::{dealt, uniform};
    use crate::ot::{PerParty, turns};

    /// Halves of the OTs in which `chooser` chooses.
    fn halves(chooser: Role, formula: Formula, count: usize) -> (MaskSender, MaskReceiver) {
        let (sent, received) = dealt(ots(chooser, formula, count), 5 + turns::first(chooser) as u64);
        let block = |bits: &[bool]| bits.iter().rev().fold(0u128, |word, &bit| word << 1 | u128::from(bit));
        let choices: Vec<Block> =
            received.choices.chunks(BLOCK_BITS).map(|bits| block(bits).to_le_bytes()).collect();
        let sent = SentChunk { pairs: &sent.blocks };
        let received = ReceivedChunk { choices: &choices, blocks: &received.blocks };
        (
            MaskSender::from_chunk(chooser.peer(), formula, &sent),
            MaskReceiver::from_chunk(chooser, formula, &received),
        )
    }

    /// Both parties after step 1.
    fn parties(formula: Formula, count: usize) -> PerParty<MaskProducts> {
        let (at_server, of_client) = halves(Role::Client, formula, count);
        let (at_client, of_server) = halves(Role::Server, formula, count);
        PerParty {
            client: MaskProducts::new(Role::Client, formula, count, &[at_client], &[of_client]),
            server: MaskProducts::new(Role::Server, formula, count, &[at_server], &[of_server]),
        }
    }

    /// Steps 2 and 3: the number of every term that is corrected, its correction, and the bit r_c of who receives it.
    fn correct(parties: &mut PerParty<MaskProducts>) -> Vec<(usize, Bits, Bits)> {
        let (formula, count) = (parties.client.formula, parties.client.count);
        let mut all = Vec::new();
        for flight in 0..flights(formula) {
            let sender = turns::sender(flight);
            let corrections = parties.get(sender).corrections(flight);
            let receiver = parties.get_mut(sender.peer());
            let named = |term: usize| receiver.terms[term].share.slice(0, count);
            let terms = Recipe::of(formula).corrected(flight);
            let named: Vec<(usize, Bits)> = terms.map(|term| (term, named(term))).collect();
            let mut messages = corrections.iter().map(Bits::to_bytes);
            receiver.correct(flight, |_| Ok(messages.next().unwrap())).unwrap();
            all.extend(named.into_iter().zip(corrections).map(|((term, named), e)| (term, e, named)));
        }
        all
    }

    #[test]
    fn shares_of_products_add_up() {
        for formula in Formula::all() {
            let mut parties = parties(formula, 300);
            correct(&mut parties);
            let PerParty { client, server } = &parties;
            let mask = |place: usize| client.masks[place].xor(&server.masks[place]);
            for product in formula.products() {
                let places = (0..usize::from(formula.places())).filter(|place| product >> place & 1 == 1);
                let expected = places.map(mask).reduce(|product, mask| product.and(&mask)).unwrap();
                let sum = client.product(product).xor(&server.product(product));
                assert_eq!(sum.to_bytes(), expected.to_bytes(), "{formula:?} {product:b}");
            }
        }
    }

    /// A correction is spread alike for all masks of its sender's, for both of the receiver's and for both bits r_c.
    #[test]
    fn corrections_hide_masks() {
        const COUNT: usize = 20_000;
        for formula in [Formula::Sum { bits: 3 }, Formula::Join { spans: 3 }] {
            let mut parties = parties(formula, COUNT);
            let corrections = correct(&mut parties);
            for (term, correction, named) in corrections {
                let Term { chooser, place, .. } = Recipe::of(formula).terms[term];
                let held = *formula.held().get(chooser.peer());
                let senders = parties.get(chooser.peer()).masks.iter().enumerate();
                let senders = senders.filter(|(place, _)| held >> place & 1 == 1).map(|(_, mask)| mask);
                let receivers = &parties.get(chooser).masks[usize::from(place)];
                let seen: Vec<&Bits> = senders.chain([receivers, &named, &correction]).collect();
                let cell = |index| seen.iter().fold(0, |cell, bits| cell << 1 | usize::from(bits.get(index)));
                uniform(1 << seen.len(), (0..COUNT).map(cell));
            }
        }
    }
}
