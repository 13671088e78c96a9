//! A party to an inference on shares: its correlations, its messages, and the products of shares that activations are made
//! of.
//!
//! ```text
//! client                                     server
//! AND     masked factors               ◀─▶   masked factors         (ot/triples.rs)
//! COT     where its choices depart     ◀─▶   where its choices depart
//!         masked differences           ◀─▶   masked differences     (ot/correlated.rs)
//! ```
//!
//! Both directions of a step are independent, so that a step of AND takes one flight and COTs in both directions two
//! (see [`super::message_schedule`]).
//!
//! # Who learns what
//!
//! Nothing, as the modules of [`crate::ot`] argue: every masked word is hidden by randomness of OTs used once.

use super::dialogue::{Dialogue, Flights};
use super::message_schedule::MessageSchedule;
use crate::channel::Traffic;
use crate::error::{Error, Result};
use crate::ot::correlated::{self, CotReceiver, CotSender};
use crate::ot::{Bits, CorrelationKind, Packed, PerParty, Role, Supply, Width, pack, triples};
use crate::paillier::SecureRng;

/// A party in one dialogue with its peer, which any number of protocols make up.
pub struct Party<'c> {
    pub(super) supply: Supply,
    pub(super) rng: &'c mut SecureRng,
    pub(super) dialogue: Dialogue<'c>,
}

/// Shared bits and the planes of shared numbers, to be multiplied in F₂.
pub(super) struct Factors {
    /// Bits of each number: so many planes there are.
    pub(super) width: Width,
    pub(super) bits: Bits,
    pub(super) planes: Vec<Bits>,
}

/// A party's side of products c·δ modulo 2^`width`, c a bit of one party's and δ a number of the other's.
pub(super) struct Operands<V> {
    pub(super) width: Width,
    pub(super) values: V,
}

impl<'c> Party<'c> {
    /// Begins a dialogue in which the peer will send `to_receive` bytes and `supply` is used up.
    pub fn new(flights: impl Flights + 'c, supply: Supply, rng: &'c mut SecureRng, to_receive: u64) -> Self {
        let dialogue = Dialogue::new(flights, supply.role(), to_receive);
        Self { supply, rng, dialogue }
    }

    /// Sends the last messages; what went over the connection in all.
    ///
    /// # Errors
    /// The peer hung up or sent less than agreed, or not all that it sent was received; or some of the supply is left.
    pub fn finish(self) -> Result<Traffic> {
        let traffic = self.dialogue.finish()?;
        if self.supply.is_empty() {
            return Ok(traffic);
        }
        Err(Error::Bug("correlations are left".into()))
    }

    /// Whether this is the client or the server.
    pub const fn role(&self) -> Role {
        self.supply.role()
    }

    /// What went over its connection so far.
    pub fn traffic(&self) -> Traffic {
        self.dialogue.traffic()
    }

    /// Sends numbers with the next flight, of each the low bits.
    pub fn send_numbers(&mut self, width: Width, numbers: &[u64]) {
        self.dialogue.queue(pack(width, numbers.len(), |index| numbers[index]));
    }

    /// The peer's next `count` numbers.
    ///
    /// # Errors
    /// The peer sends something else or hung up.
    pub fn receive_numbers(&mut self, width: Width, count: usize) -> Result<Vec<u64>> {
        let bytes = self.dialogue.receive(width.bytes(count))?;
        Ok(Packed::new("numbers", &bytes, width, count)?.numbers())
    }

    /// Whether it is the one that adds public constants.
    pub fn adds_constants(&self) -> bool {
        self.role() == Role::Server
    }

    /// The planes of its shares of the products of shared factors, batch by batch.
    pub(super) fn multiply(&mut self, batches: &[Factors]) -> Result<Vec<Vec<Bits>>> {
        let mut openings = Vec::with_capacity(batches.len());
        for Factors { width, bits, planes } in batches {
            let (opening, message) = self.supply.triples(*width, bits.len())?.open(bits, planes);
            self.dialogue.queue(message);
            openings.push((opening, triples::opening_bytes(bits.len(), *width)));
        }
        let role = self.role();
        let mut close =
            |(opening, length): (triples::Opening, u64)| opening.close(role, &self.dialogue.receive(length)?);
        openings.into_iter().map(&mut close).collect()
    }

    /// Its shares of the products of its bits with the peer's numbers, batch by batch, and of its numbers with the
    /// peer's bits, `count` in each batch.
    pub(super) fn correlate(
        &mut self,
        count: usize,
        bits: &[Operands<&Bits>],
        numbers: &[Operands<Vec<u64>>],
    ) -> Result<[Vec<Vec<u64>>; 2]> {
        let (receivers, senders) = self.cots(count, bits, numbers)?;
        let mut chosen = Vec::with_capacity(bits.len());
        for (receiver, Operands { values, .. }) in receivers.into_iter().zip(bits) {
            let (receiver, message) = receiver.choose(values);
            self.dialogue.queue(message);
            chosen.push(receiver);
        }
        let departures: Vec<_> = numbers
            .iter()
            .map(|_| self.dialogue.receive(correlated::departure_bytes(count)))
            .collect::<Result<_>>()?;
        let mut of_numbers = Vec::with_capacity(numbers.len());
        for ((sender, departures), Operands { values, .. }) in
            senders.into_iter().zip(departures).zip(numbers)
        {
            let (shares, message) = sender.answer(&departures, values)?;
            self.dialogue.queue(message);
            of_numbers.push(shares);
        }
        let mut of_bits = Vec::with_capacity(bits.len());
        for (receiver, Operands { width, .. }) in chosen.into_iter().zip(bits) {
            let message = self.dialogue.receive(correlated::difference_bytes(count, *width))?;
            of_bits.push(receiver.receive(&message)?);
        }
        Ok([of_bits, of_numbers])
    }

    /// Its shares of the products of its bits with the peer's, `count` in each batch, modulo 2^width.
    pub(super) fn multiply_bits(
        &mut self,
        count: usize,
        batches: &[(Width, &Bits)],
    ) -> Result<Vec<Vec<u64>>> {
        let [of_bits, of_numbers] = match self.role() {
            Role::Client => {
                let bits = batches.iter().map(|&(width, values)| Operands { width, values });
                self.correlate(count, &bits.collect::<Vec<_>>(), &[])?
            }
            Role::Server => {
                let numbers = |bits: &Bits| (0..count).map(|index| bits.get(index).into()).collect();
                let numbers = batches.iter().map(|&(width, bits)| Operands { width, values: numbers(bits) });
                self.correlate(count, &[], &numbers.collect::<Vec<_>>())?
            }
        };
        Ok(of_bits.into_iter().chain(of_numbers).collect())
    }

    /// Those of [`correlate`](Self::correlate): of the products of the client's bits first.
    fn cots<B, N>(
        &mut self,
        count: usize,
        bits: &[Operands<B>],
        numbers: &[Operands<N>],
    ) -> Result<(Vec<CotReceiver>, Vec<CotSender>)> {
        let (mut receivers, mut senders) = (Vec::new(), Vec::new());
        for chooser in [Role::Client, Role::Server] {
            if chooser == self.role() {
                let take = |operands: &Operands<B>| self.supply.cot_receiver(operands.width, count);
                receivers = bits.iter().map(take).collect::<Result<_>>()?;
            } else {
                let take = |operands: &Operands<N>| self.supply.cot_sender(operands.width, count);
                senders = numbers.iter().map(take).collect::<Result<_>>()?;
            }
        }
        Ok((receivers, senders))
    }
}

impl MessageSchedule {
    /// [`Party::multiply`] for batches of so many factors.
    pub(super) fn multiply(&mut self, batches: &[(Width, usize)]) {
        let bytes = batches.iter().map(|&(width, count)| triples::opening_bytes(count, width)).sum();
        self.both(PerParty { client: bytes, server: bytes });
        batches.iter().for_each(|&(width, count)| self.uses(CorrelationKind::Triples(width), count));
    }

    /// [`Party::correlate`] for `count` products in each batch, batches being given by who chooses.
    pub(super) fn correlate(&mut self, count: usize, batches: PerParty<&[Width]>) {
        let departures = |role| batches.get(role).len() as u64 * correlated::departure_bytes(count);
        self.both(PerParty { client: departures(Role::Client), server: departures(Role::Server) });
        let differences = |chooser| -> u64 {
            batches.get(chooser).iter().map(|&width| correlated::difference_bytes(count, width)).sum()
        };
        self.both(PerParty { client: differences(Role::Server), server: differences(Role::Client) });
        for chooser in [Role::Client, Role::Server] {
            batches
                .get(chooser)
                .iter()
                .for_each(|&width| self.uses(CorrelationKind::Cot(chooser, width), count));
        }
    }
}
