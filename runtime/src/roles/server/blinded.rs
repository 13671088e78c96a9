//! The server in suite `blinded`.
//!
//! # Memory
//!
//! A session holds the ciphertexts of the layers that a later step still reads, and those of the step under
//! way: a linear step's inputs and outputs; for an interactive step one ciphertext per value, because a
//! result takes the place of the value that no other step reads, and those of the parts under way
//! ([`Round`]). Of a message no more than a part is held, but for a question that the client does not yet
//! take.

use super::super::stopwatch::{Named, Stopwatch};
use super::super::values::Values;
use super::super::watch::Done;
use super::CHECKS;
use super::visit::Visit;
use super::work::Expected;
use crate::channel::Connection;
use crate::error::{Error, Result};
use crate::observe::{Observer, Phase};
use crate::ot::Role;
use crate::paillier::{Ciphertexts, SecureRng, weighted_sums};
use crate::plan::{Exchange, IndexMap, Op, Plan, Step, StepId, Window};
use crate::protocol::blinded::max_pool::Tournament;
use crate::protocol::blinded::round::Round;
use crate::protocol::blinded::{ServerContext, linear, reveal};
use crate::protocol::message::Message;
use crate::protocol::stream::{self, Receiving, Sending};

/// One client's session after the handshake.
pub(super) struct Session<'a> {
    pub(super) plan: &'a Plan,
    pub(super) connection: &'a mut Connection,
    pub(super) context: ServerContext,
    pub(super) rng: SecureRng,
    pub(super) visit: &'a mut Visit,
}

impl Session<'_> {
    /// Answers images until the client closes the connection; how many.
    pub(super) fn serve(mut self, observer: &mut dyn Observer) -> Result<u64> {
        let mut answered = 0;
        while self.infer(observer)? {
            self.visit.did(self.connection, Done::Answered(1));
            answered += 1;
        }
        Ok(answered)
    }

    /// Answers one image; `false` if the client closed the connection instead of sending one.
    fn infer(&mut self, observer: &mut dyn Observer) -> Result<bool> {
        let Some(input) = self.receive_input()? else { return Ok(false) };
        let mut values = Values::new(self.plan.steps.iter().map(|step| &*step.inputs));
        values.define(StepId::new(0), &[], input);
        observer.begin(self.plan.steps.len());
        for (id, step) in self.plan.steps().skip(1) {
            let watch = Stopwatch::start(self.connection.traffic());
            let value = self.execute(id, step, &mut values)?;
            values.define(id, &step.inputs, value);
            let named = Named { phase: Phase::Online, step: id, op: step.op.name() };
            watch.report(Role::Server, named, self.connection.traffic(), observer);
        }
        Ok(true)
    }

    fn receive_input(&mut self) -> Result<Option<Ciphertexts>> {
        let (connection, key) = (&mut *self.connection, &self.context.key);
        let count = self.plan.input.shape.elements();
        self.visit.wait(connection)?;
        let message = Receiving::begin_or_end(connection, Message::Input, key, count);
        let Some(mut message) = self.visit.heard(message)? else { return Ok(None) };
        let expected = Expected::of(&self.plan.online_cost(), 1, self.plan.key_bits);
        self.visit.work(connection, Done::Answered(1), expected)?;
        let mut input = Ciphertexts::with_capacity(key, count);
        while let Some(part) = message.pull(connection, key, stream::part(CHECKS))? {
            input.append(&part);
        }
        Ok(Some(input))
    }

    fn execute(&mut self, id: StepId, step: &Step, values: &mut Values<Ciphertexts>) -> Result<Ciphertexts> {
        if let Some(rows) = linear::rows(self.plan, id) {
            return Ok(weighted_sums(&self.context.key, &values.inputs(&step.inputs)?, &*rows));
        }
        match &step.op {
            Op::Concat => Ok(self.concat(&values.inputs(&step.inputs)?)),
            Op::Gather(gather) => Ok(self.gather(&gather.map, values.inputs(&step.inputs)?[0])),
            Op::Relu | Op::Sign | Op::Rescale { .. } => {
                let exchange = self.exchange(id)?;
                self.round(exchange, values.take(id, &step.inputs)?)
            }
            Op::MaxPool(pool) => self.max_pool(id, &pool.window, &values.take(id, &step.inputs)?),
            Op::Reveal => self.reveal(&values.take(id, &step.inputs)?),
            op => Err(Error::Bug(format!("{id}: {} is no operation of its own here", op.name()))),
        }
    }

    fn concat(&self, inputs: &[&Ciphertexts]) -> Ciphertexts {
        Ciphertexts::gather(&self.context.key, inputs.iter().flat_map(|input| input.iter()))
    }

    /// Copies; a 0 is its trivial encryption, and like all that is asked about it is masked and re-randomised before it is sent.
    fn gather(&self, map: &IndexMap, input: &Ciphertexts) -> Ciphertexts {
        let zero = Ciphertexts::ones(&self.context.key, 1);
        let copies =
            map.positions().map(|position| position.map_or(zero.get(0), |position| input.get(position)));
        Ciphertexts::gather(&self.context.key, copies)
    }

    fn max_pool(&mut self, id: StepId, window: &Window, values: &Ciphertexts) -> Result<Ciphertexts> {
        let step = self.plan.step(id);
        let image = self.plan.step(step.inputs[0]).shape;
        let mut tournament = Tournament::new(values, window, image, step.shape);
        for exchange in self.plan.exchanges(id) {
            let differences = tournament.differences(&self.context);
            let winners = self.round(exchange, differences)?;
            tournament.advance(&self.context, &winners);
        }
        Ok(tournament.into_maxima())
    }

    fn reveal(&mut self, values: &Ciphertexts) -> Result<Ciphertexts> {
        let packed = reveal::pack(&self.context, &self.plan.reveal(), values, &mut self.rng);
        let (connection, key) = (&mut *self.connection, &self.context.key);
        Sending::begin(connection, Message::Logits, key, packed.len())?.push(connection, key, &packed)?;
        Ok(packed)
    }

    /// The one exchange of an activation.
    fn exchange(&self, id: StepId) -> Result<Exchange> {
        let exchange = self.plan.exchanges(id).first().copied();
        exchange.ok_or_else(|| Error::Bug(format!("{id} has no exchange")))
    }

    /// One round: every part of the question is sent when it is ready, every part of the answer used when it
    /// has come.
    fn round(&mut self, exchange: Exchange, values: Ciphertexts) -> Result<Ciphertexts> {
        let (connection, context) = (&mut *self.connection, &self.context);
        let key = &context.key;
        let mut round = Round::new(context, exchange, values, &mut self.rng);
        let packed = exchange.packed_ciphertexts(context.parameters, key.bits());
        let mut question = Sending::begin(connection, Message::Question, key, packed)?;
        while let Some(part) = round.ask(stream::part(1), &mut self.rng) {
            question.push(connection, key, &part)?;
        }
        let mut answer = Receiving::begin(connection, Message::Answer, key, exchange.reply_ciphertexts())?;
        let replies = Round::values_per_part() * exchange.kind.replies();
        while let Some(part) = answer.pull(connection, key, replies)? {
            round.finish(&part);
        }
        Ok(round.into_results())
    }
}
