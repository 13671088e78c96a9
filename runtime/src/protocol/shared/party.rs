//! A party to activations: its OTs, its words, and the two products of shares that all of them are made of.
//!
//! ```text
//! client                                     server
//! AND     masked factors               ◀─▶   masked factors         (ot/triples.rs)
//! COT     where its choices depart     ◀─▶   where its choices depart
//!         masked differences           ◀─▶   masked differences     (ot/correlated.rs)
//! ```
//!
//! Both directions of a step are independent, so that a step of AND takes one flight and COTs in both directions two
//! (see [`super::transcript`]).
//!
//! # Who learns what
//!
//! Nothing, as the modules of [`crate::ot`] argue: every masked word is hidden by randomness of OTs used once.

use super::dialogue::Dialogue;
use super::transcript::{Cost, Each, Role, Transcript};
use crate::channel::{Connection, Transport};
use crate::error::Result;
use crate::ot::choose::{ChosenOts, departure_bytes};
use crate::ot::{ReceivedOts, SentOts, Triples, Turn, Width, correlated, triples};
use crate::paillier::SecureRng;

/// A party's halves of random OTs, which protocols take from. Both parties must have the matching halves.
#[derive(Default)]
pub struct Supply {
    /// In which this party has two blocks.
    pub sent: SentOts,
    /// In which it has one of them.
    pub received: ReceivedOts,
}

/// A party while it speaks.
pub struct Party<'c, T: Transport> {
    role: Role,
    supply: &'c mut Supply,
    pub(super) rng: &'c mut SecureRng,
    pub(super) dialogue: Dialogue<'c, T>,
}

/// Shared bits and shared numbers of `width` bits, to be multiplied in F₂.
pub(super) struct Factors {
    pub(super) width: Width,
    pub(super) bits: Vec<bool>,
    pub(super) numbers: Vec<u64>,
}

/// A party's side of products c·δ modulo 2^`width`, c a bit of one party's and δ a number of the other's.
pub(super) struct Operands<V> {
    pub(super) width: Width,
    pub(super) values: Vec<V>,
}

impl<'c, T: Transport> Party<'c, T> {
    /// Lets a party do `what`, which costs `cost`, and sends its last words. The peer does the same.
    ///
    /// # Errors
    /// The peer says something else or hung up, or `supply` is less than the cost says.
    pub fn act<R>(
        role: Role,
        connection: &mut Connection<T>,
        supply: &mut Supply,
        rng: &mut SecureRng,
        cost: &Cost,
        what: impl FnOnce(&mut Party<'_, T>) -> Result<R>,
    ) -> Result<R> {
        let dialogue = Dialogue::new(connection, cost.heard_by(role));
        let mut party = Party { role, supply, rng, dialogue };
        let result = what(&mut party)?;
        party.dialogue.finish()?;
        Ok(result)
    }

    /// Which one it is.
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Whether it is the one that adds public constants.
    pub(super) fn adds_constants(&self) -> bool {
        self.role == Role::Server
    }

    /// OTs in which it chooses.
    pub(super) fn choosing(&mut self, count: usize) -> Result<ReceivedOts> {
        self.supply.received.take(count)
    }

    /// OTs in which the peer chooses.
    pub(super) fn offering(&mut self, count: usize) -> Result<SentOts> {
        self.supply.sent.take(count)
    }

    /// Its shares of the products of shared factors, batch by batch.
    pub(super) fn multiply(&mut self, batches: &[Factors]) -> Result<Vec<Vec<u64>>> {
        let turn = if self.role == Role::Client { Turn::First } else { Turn::Second };
        let mut openings = Vec::with_capacity(batches.len());
        for Factors { width, bits, numbers } in batches {
            let triples = Triples::new(*width, self.offering(bits.len())?, self.choosing(bits.len())?)?;
            let (opening, message) = triples.open(bits, numbers);
            self.dialogue.say(message);
            openings.push(opening);
        }
        let close = |(opening, factors): (triples::Opening, &Factors)| {
            let length = triples::opening_bytes(factors.bits.len(), factors.width);
            opening.close(turn, &self.dialogue.hear(length)?)
        };
        openings.into_iter().zip(batches).map(close).collect()
    }

    /// Its shares of the products of its bits with the peer's numbers, batch by batch, and of its numbers with the
    /// peer's bits. They add up to the products.
    pub(super) fn correlate(
        &mut self,
        bits: &[Operands<bool>],
        numbers: &[Operands<u64>],
    ) -> Result<[Vec<Vec<u64>>; 2]> {
        let mut chosen: Vec<ChosenOts> = Vec::with_capacity(bits.len());
        for Operands { values, .. } in bits {
            let (ots, message) = self.choosing(values.len())?.choose(values);
            self.dialogue.say(message);
            chosen.push(ots);
        }
        let mut offered = Vec::with_capacity(numbers.len());
        for Operands { values, .. } in numbers {
            let departures = self.dialogue.hear(departure_bytes(values.len()))?;
            offered.push(self.offering(values.len())?.offer(&departures)?);
        }
        let mut of_numbers = Vec::with_capacity(numbers.len());
        for (offered, Operands { width, values }) in offered.into_iter().zip(numbers) {
            let (shares, message) = offered.correlate(*width, values);
            self.dialogue.say(message);
            of_numbers.push(shares.into_iter().map(|share| share.wrapping_neg() & width.mask()).collect());
        }
        let unmask = |(chosen, operands): (ChosenOts, &Operands<bool>)| {
            let length = correlated::difference_bytes(operands.values.len(), operands.width);
            chosen.correlate(operands.width, &self.dialogue.hear(length)?)
        };
        let of_bits = chosen.into_iter().zip(bits).map(unmask).collect::<Result<_>>()?;
        Ok([of_bits, of_numbers])
    }
}

impl Transcript {
    /// [`Party::multiply`] for batches of so many factors.
    pub(super) fn multiply(&mut self, batches: &[(Width, usize)]) {
        let bytes = batches.iter().map(|&(width, count)| triples::opening_bytes(count, width)).sum();
        self.both(Each { client: bytes, server: bytes });
        let ots = batches.iter().map(|&(_, count)| count).sum();
        self.chooses(Role::Client, ots);
        self.chooses(Role::Server, ots);
    }

    /// [`Party::correlate`] for `count` products in each batch, batches being given by who chooses.
    pub(super) fn correlate(&mut self, count: usize, batches: Each<&[Width]>) {
        let departures = |role| batches.of(role).len() as u64 * departure_bytes(count);
        self.both(Each { client: departures(Role::Client), server: departures(Role::Server) });
        let differences = |chooser| -> u64 {
            batches.of(chooser).iter().map(|&width| correlated::difference_bytes(count, width)).sum()
        };
        self.both(Each { client: differences(Role::Server), server: differences(Role::Client) });
        self.chooses(Role::Client, count * batches.client.len());
        self.chooses(Role::Server, count * batches.server.len());
    }
}
