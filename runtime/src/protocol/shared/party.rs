//! A party to an inference on shares: its correlations, its messages, and the products of shares that activations are made
//! of.
//!
//! ```text
//! client                                     server
//! gates   masked bits                  ◀─▶   masked bits                     (ot/masked.rs)
//! COT     where its choices depart,    ◀─▶   where its choices depart,
//!         masked differences                 masked differences              (ot/correlated.rs)
//! ```
//!
//! Messages of a step do not depend on each other, so that it takes one flight (see [`super::message_schedule`]).
//!
//! # Who learns what
//!
//! Nothing, as the modules of [`crate::ot`] argue: every masked word is hidden by randomness of OTs used once.

use super::dialogue::{Dialogue, Flights};
use super::message_schedule::MessageSchedule;
use crate::channel::Traffic;
use crate::error::{Error, Result};
use crate::ot::correlated::{self, CotReceiver, CotSender};
use crate::ot::{Bits, CorrelationKind, Formula, Packed, PerParty, Role, Supply, Width, masked, pack};

/// A party in one dialogue with its peer, which any number of protocols make up.
pub struct Party<'c> {
    pub(super) supply: Supply,
    pub(super) dialogue: Dialogue<'c>,
}

/// A party's side of products c·δ modulo 2^`width`, c a bit of one party's and δ a number of the other's.
pub(super) struct Operands<V> {
    pub(super) width: Width,
    pub(super) values: V,
}

impl<'c> Party<'c> {
    /// Begins a dialogue in which the peer will send `to_receive` bytes and `supply` is used up.
    pub fn new(flights: impl Flights + 'c, supply: Supply, to_receive: u64) -> Self {
        let dialogue = Dialogue::new(flights, supply.role(), to_receive);
        Self { supply, dialogue }
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

    /// Its shares of the results of formulas of both parties' bits, batch by batch; inputs and results stand place by place.
    pub(super) fn evaluate(&mut self, batches: Vec<(Formula, Vec<Bits>)>) -> Result<Vec<Vec<Bits>>> {
        let mut openings = Vec::with_capacity(batches.len());
        for (formula, inputs) in batches {
            let count = inputs.first().map_or(0, Bits::len);
            let (opening, message) = self.supply.masked(formula, count)?.open(inputs);
            self.dialogue.queue(message);
            openings.push((opening, masked::opening_bytes(formula, count)));
        }
        let role = self.role();
        let mut close =
            |(opening, length): (masked::Opening, u64)| opening.close(role, &self.dialogue.receive(length)?);
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
        let mut masked = Vec::with_capacity(numbers.len());
        for (sender, Operands { values, .. }) in senders.into_iter().zip(numbers) {
            let (sender, message) = sender.mask(values);
            self.dialogue.queue(message);
            masked.push(sender);
        }
        let mut of_numbers = Vec::with_capacity(numbers.len());
        for sender in masked {
            let departures = self.dialogue.receive(correlated::departure_bytes(count))?;
            of_numbers.push(sender.receive(&departures)?);
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
    /// [`Party::evaluate`] for batches of so many evaluations.
    pub(super) fn evaluate(&mut self, batches: &[(Formula, usize)]) {
        let bytes = batches.iter().map(|&(formula, count)| masked::opening_bytes(formula, count)).sum();
        self.both(PerParty { client: bytes, server: bytes });
        batches.iter().for_each(|&(formula, count)| self.uses(CorrelationKind::Masked(formula), count));
    }

    /// [`Party::correlate`] for `count` products in each batch, batches being given by who chooses.
    pub(super) fn correlate(&mut self, count: usize, batches: PerParty<&[Width]>) {
        let sent = |role: Role| -> u64 {
            let departures = batches.get(role).len() as u64 * correlated::departure_bytes(count);
            let differences = batches.get(role.peer()).iter();
            departures + differences.map(|&width| correlated::difference_bytes(count, width)).sum::<u64>()
        };
        self.both(PerParty { client: sent(Role::Client), server: sent(Role::Server) });
        for chooser in [Role::Client, Role::Server] {
            batches
                .get(chooser)
                .iter()
                .for_each(|&width| self.uses(CorrelationKind::Cot(chooser, width), count));
        }
    }
}
