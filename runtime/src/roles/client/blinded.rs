//! The client in suite `blinded`.

use super::Holder;
use crate::error::{Error, Result};
use crate::observe::{Observer, Phase};
use crate::paillier::Ciphertexts;
use crate::plan::{BlindedParameters, Exchange, Exchanges, KeyBits, Reveal, StepId};
use crate::protocol::blinded::answer::Answering;
use crate::protocol::blinded::reveal;
use crate::protocol::message::Message;
use crate::protocol::stream::{self, Receiving, Sending};
use crate::roles::stopwatch::Named;
use rug::Integer;

/// Encryptions that are one unit of work for a thread.
const ENCRYPTIONS: usize = 16;

/// One inference of a session.
pub(super) struct Session<'a> {
    pub(super) work: &'a Exchanges,
    pub(super) key_bits: KeyBits,
    pub(super) holder: &'a mut Holder,
}

impl Session<'_> {
    /// The revealed integers for those of an image.
    pub(super) fn infer(self, input: &[i64], observer: &mut dyn Observer) -> Result<Vec<i128>> {
        let Self { work, key_bits, holder } = self;
        let named = |step, op| Named { phase: Phase::Online, step: StepId::new(step), op };
        observer.begin(work.rounds.len() + 2);
        holder.step(named(0, "input"), observer, |holder| holder.send_input(input))?;
        for (round, exchange) in (1..).zip(&work.rounds) {
            let answer = |holder: &mut Holder| holder.answer(work.parameters, key_bits, exchange);
            holder.step(named(round, "answer"), observer, answer)?;
        }
        let reveal = |holder: &mut Holder| holder.receive_logits(&work.reveal, key_bits);
        holder.step(named(work.rounds.len() + 1, "reveal"), observer, reveal)
    }
}

impl Holder {
    fn send_input(&mut self, input: &[i64]) -> Result<()> {
        let key = self.key.public();
        let mut message = Sending::begin(&mut self.connection, Message::Input, key, input.len())?;
        for part in input.chunks(stream::part(ENCRYPTIONS)) {
            let integers: Vec<Integer> = part.iter().map(|&x| Integer::from(x)).collect();
            let encrypted = self.key.encrypt(&integers, &mut self.rng);
            let encrypted = encrypted.map_err(|error| Error::Bug(error.to_string()))?;
            message.push(&mut self.connection, key, &encrypted)?;
        }
        Ok(())
    }

    /// Sends the answer to each part of the question before it waits for the next.
    fn answer(&mut self, parameters: BlindedParameters, bits: KeyBits, exchange: &Exchange) -> Result<()> {
        let key = self.key.public();
        let packed = exchange.packed_ciphertexts(parameters, bits);
        let mut answering = Answering::new(&self.key, parameters, exchange);
        let connection = &mut self.connection;
        let mut question = Receiving::begin(connection, Message::Question, key, packed)?;
        let mut answer = Sending::begin(connection, Message::Answer, key, exchange.reply_ciphertexts())?;
        while let Some(part) = question.pull(connection, key, stream::part(1))? {
            answer.push(connection, key, &answering.part(&part, &mut self.faults, &mut self.rng)?)?;
        }
        Ok(())
    }

    fn receive_logits(&mut self, packed: &Reveal, bits: KeyBits) -> Result<Vec<i128>> {
        let (key, connection) = (self.key.public(), &mut self.connection);
        let count = packed.ciphertexts(bits);
        let mut logits = Receiving::begin(connection, Message::Logits, key, count)?;
        let ciphertexts = logits.pull(connection, key, count)?.unwrap_or_else(|| Ciphertexts::new(key));
        reveal::unpack(&self.key, packed, &ciphertexts, &mut self.faults)
    }
}
