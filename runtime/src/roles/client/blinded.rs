//! The client in suite `blinded`.

use super::Session;
use crate::error::{Error, PeerFault, Result};
use crate::observe::{Observer, Phase};
use crate::paillier::Ciphertexts;
use crate::plan::{BlindedParameters, Exchange, Exchanges, Reveal, StepId};
use crate::protocol::blinded::answer::Answering;
use crate::protocol::blinded::reveal;
use crate::protocol::message::Message;
use crate::protocol::stream::{self, Receiving, Sending};
use rug::Integer;

/// Encryptions that are one unit of work for a thread.
const ENCRYPTIONS: usize = 16;

impl Session {
    /// The revealed integers for those of an image.
    pub(super) fn infer_blinded(
        &mut self,
        work: &Exchanges,
        input: &[i64],
        observer: &mut dyn Observer,
    ) -> Result<Vec<i128>> {
        observer.begin(work.rounds.len() + 2);
        self.step(observer, (Phase::Online, StepId::new(0), "input"), |session| session.send_input(input))?;
        let mut faults = Vec::new();
        for (round, exchange) in (1..).zip(&work.rounds) {
            let answer = |session: &mut Self| session.answer(work.parameters, exchange);
            faults.extend(self.step(observer, (Phase::Online, StepId::new(round), "answer"), answer)?);
        }
        let last = StepId::new(work.rounds.len() + 1);
        let reveal = |session: &mut Self| session.receive_logits(&work.reveal);
        let integers = self.step(observer, (Phase::Online, last, "reveal"), reveal)?;
        match faults.into_iter().next() {
            Some(fault) => Err(fault.into()), // not earlier: see protocol::blinded::answer
            None => Ok(integers),
        }
    }

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
    fn answer(&mut self, parameters: BlindedParameters, exchange: &Exchange) -> Result<Option<PeerFault>> {
        let key = self.key.public();
        let packed = exchange.packed_ciphertexts(parameters, self.plan.key_bits);
        let mut answering = Answering::new(&self.key, parameters, exchange);
        let connection = &mut self.connection;
        let mut question = Receiving::begin(connection, Message::Question, key, packed)?;
        let mut answer = Sending::begin(connection, Message::Answer, key, exchange.reply_ciphertexts())?;
        while let Some(part) = question.pull(connection, key, stream::part(1))? {
            answer.push(connection, key, &answering.part(&part, &mut self.rng)?)?;
        }
        Ok(answering.fault())
    }

    fn receive_logits(&mut self, packed: &Reveal) -> Result<Vec<i128>> {
        let (key, connection) = (self.key.public(), &mut self.connection);
        let count = packed.ciphertexts(self.plan.key_bits);
        let mut logits = Receiving::begin(connection, Message::Logits, key, count)?;
        let ciphertexts = logits.pull(connection, key, count)?.unwrap_or_else(|| Ciphertexts::new(key));
        reveal::unpack(&self.key, packed, &ciphertexts)
    }
}
