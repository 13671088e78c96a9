//! A party to an inference on shares: its correlations, its messages, and the products of shares that activations are made
//! of.
//!
//! ```text
//! client                                     server
//! gates, products of bits
//!         masked bits                  ◀─▶   masked bits                     (ot/masked.rs, ot/bit_product.rs)
//! products of numbers
//!         masked numbers               ◀─▶   masked numbers                  (ot/number_product.rs)
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
use crate::ot::supply::Begun;
use crate::ot::{
    Batch, Bits, CorrelationKind, Formula, Inputs, Packed, PerParty, Products, Role, Supply, Width,
    correlated, pack,
};

/// A party in one dialogue with its peer, which any number of protocols make up.
pub struct Party<'c> {
    pub(super) supply: Supply,
    pub(super) dialogue: Dialogue<'c>,
}

/// A party's shares of what [`Party::evaluate`] evaluates, batch by batch.
pub(super) struct Evaluated {
    /// Results of formulas, place by place.
    pub(super) bits: Vec<Vec<Bits>>,
    /// Products.
    pub(super) numbers: Vec<Vec<u64>>,
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

    /// Its shares of the results of formulas of both parties' bits, batch by batch, inputs and results standing place by
    /// place; and of the products of its bits with the peer's, as numbers. What was told ahead is not told again.
    pub(super) fn evaluate(&mut self, inputs: &Inputs) -> Result<Evaluated> {
        let Inputs { formulas, products } = inputs;
        let mut evaluations = Vec::with_capacity(formulas.len());
        for (formula, bits) in formulas {
            let begun = self.supply.evaluate(*formula, bits)?;
            evaluations.push(self.tell(begun));
        }
        let mut multiplications = Vec::with_capacity(products.len());
        for (width, bits) in products {
            let begun = self.supply.multiply(*width, bits)?;
            multiplications.push(self.tell(begun));
        }
        let role = self.role();
        let mut told = |told: Option<Vec<u8>>, length| told.map_or_else(|| self.dialogue.receive(length), Ok);
        let bits = evaluations.into_iter().map(|begun| begun.opening.close(&told(begun.told, begun.length)?));
        let bits = bits.collect::<Result<_>>()?;
        let numbers = multiplications
            .into_iter()
            .map(|begun| begun.opening.close(role, &told(begun.told, begun.length)?));
        let numbers = numbers.collect::<Result<_>>()?;
        Ok(Evaluated { bits, numbers })
    }

    /// Queues what is to be told.
    fn tell<O>(&mut self, mut begun: Begun<O>) -> Begun<O> {
        begun.message.take().into_iter().for_each(|message| self.dialogue.queue(message));
        begun
    }

    /// Its shares of the products of shared numbers, of which it has these shares.
    ///
    /// # Errors
    /// The peer sends something else or hung up, or the supply has something else next.
    pub(super) fn multiply(&mut self, products: Products, x: &[u64], y: &[u64]) -> Result<Vec<u64>> {
        let (opening, message) = self.supply.number_products(products, x.len())?.open(x, y);
        self.dialogue.queue(message);
        let told = self.dialogue.receive(products.opening_bytes(x.len()))?;
        opening.close(self.role(), &told)
    }

    /// Its shares of the products of its bits with the peer's, modulo 2^width.
    pub(super) fn multiply_bits(&mut self, products: Vec<(Width, Bits)>) -> Result<Vec<Vec<u64>>> {
        Ok(self.evaluate(&Inputs { formulas: Vec::new(), products })?.numbers)
    }

    /// Its shares of the products of its bits with the peer's numbers, and of its numbers with the peer's bits, modulo
    /// 2^`width`.
    pub(super) fn correlate(&mut self, width: Width, bits: &Bits, numbers: &[u64]) -> Result<[Vec<u64>; 2]> {
        let count = numbers.len();
        let (receiver, sender) = match self.role() {
            Role::Client => {
                let receiver = self.supply.cot_receiver(width, count)?;
                (receiver, self.supply.cot_sender(width, count)?)
            }
            Role::Server => {
                let sender = self.supply.cot_sender(width, count)?;
                (self.supply.cot_receiver(width, count)?, sender)
            }
        };
        let (receiver, departures) = receiver.choose(bits);
        let (sender, differences) = sender.mask(numbers);
        self.dialogue.queue(departures);
        self.dialogue.queue(differences);
        let departures = self.dialogue.receive(correlated::departure_bytes(count))?;
        let differences = self.dialogue.receive(correlated::difference_bytes(count, width))?;
        Ok([receiver.receive(&differences)?, sender.receive(&departures)?])
    }
}

impl MessageSchedule {
    /// [`Party::evaluate`] for formulas that are evaluated so often, and for `count` products in each batch.
    pub(super) fn evaluate(&mut self, formulas: &[(Formula, usize)], count: usize, products: &[Width]) {
        let of_formulas =
            formulas.iter().map(|&(formula, count)| Batch { kind: CorrelationKind::Masked(formula), count });
        let of_products =
            products.iter().map(|&width| Batch { kind: CorrelationKind::BitProduct(width), count });
        self.opens(of_formulas.chain(of_products).collect());
    }

    /// [`Party::multiply_bits`] for `count` products in each batch.
    pub(super) fn multiply_bits(&mut self, count: usize, widths: &[Width]) {
        self.evaluate(&[], count, widths);
    }

    /// [`Party::multiply`] for `count` products.
    pub(super) fn multiply(&mut self, products: Products, count: usize) {
        let bytes = products.opening_bytes(count);
        self.both(PerParty { client: bytes, server: bytes });
        self.uses(CorrelationKind::NumberProduct(products), count);
    }

    /// [`Party::correlate`] for `count` products each way.
    pub(super) fn correlate(&mut self, count: usize, width: Width) {
        let bytes = correlated::departure_bytes(count) + correlated::difference_bytes(count, width);
        self.both(PerParty { client: bytes, server: bytes });
        for chooser in [Role::Client, Role::Server] {
            self.uses(CorrelationKind::Cot(chooser, width), count);
        }
    }
}
