//! The server: holds the plan, serves clients.
//!
//! # Memory
//!
//! A session holds the ciphertexts of the layers that a later step still reads, and those of the step under
//! way: a linear step's inputs and outputs; for an interactive step one ciphertext per value, because a
//! result takes the place of the value that no other step reads, and those of the parts under way
//! ([`Round`]). Of a message no more than a part is held, but for a question that the client does not yet
//! take.

use crate::channel::{Connection, Limit, Transport};
use crate::error::{Error, PeerFault, Result};
use crate::observe::{Observer, StepReport};
use crate::paillier::{Ciphertexts, Pool, PublicKey, PublicRandomisers, SecureRng, weighted_sums};
use crate::plan::{Exchange, Op, Plan, Step, StepId, ValidPlan, Window, codec};
use crate::protocol::blinded::max_pool::Tournament;
use crate::protocol::blinded::round::Round;
use crate::protocol::blinded::{ServerContext, linear, reveal};
use crate::protocol::hello::{HELLO_BYTES, Hello};
use crate::protocol::message::{self, Message};
use crate::protocol::stream::{self, Receiving, Sending};
use std::sync::Arc;
use std::time::Instant;

/// Ciphertexts whose check is one unit of work for a thread.
const CHECKS: usize = 32;

/// A plan, ready to be served to any number of clients.
#[derive(Clone)]
pub struct Server {
    plan: Arc<ValidPlan>,
}

impl Server {
    /// Serves `plan`.
    pub fn new(plan: ValidPlan) -> Self {
        Self { plan: Arc::new(plan) }
    }

    /// The plan.
    pub fn plan(&self) -> &ValidPlan {
        &self.plan
    }

    /// Serves one client until it closes the connection; returns the number of images answered.
    ///
    /// A client that misbehaves is told why before its connection is dropped.
    ///
    /// # Errors
    /// The client misbehaved or vanished, or the system failed. Other clients are not affected.
    pub fn serve<T: Transport>(
        &self,
        mut connection: Connection<T>,
        observer: &mut dyn Observer,
    ) -> Result<u64> {
        let outcome = self.session(&mut connection, observer);
        if let Err(error) = &outcome {
            // The client may be gone; the error that counts is the first one.
            let _ = message::refuse(&mut connection, &self.reason(error));
        }
        connection.close();
        outcome
    }

    fn session<T: Transport>(
        &self,
        connection: &mut Connection<T>,
        observer: &mut dyn Observer,
    ) -> Result<u64> {
        self.greet(connection)?;
        let mut rng = SecureRng::from_os()?;
        let key = self.receive_key(connection)?;
        let uses = self.plan.plan().total_cost().rerandomisations as usize;
        let randomisers = PublicRandomisers::for_uses(&key, uses, &mut rng);
        let randomisers = Box::new(Pool::new(randomisers, uses, &mut rng));
        let context = ServerContext { key, randomisers, parameters: self.plan.client_view().blinded() };
        let mut answered = 0;
        let mut session = Session { plan: self.plan.plan(), connection, context, rng };
        while session.infer(observer)? {
            answered += 1;
        }
        Ok(answered)
    }

    /// What a client is told of an error; nothing of what happened inside the server.
    fn reason(&self, error: &Error) -> String {
        match error {
            Error::PeerMisbehaved(PeerFault::OtherPlan(_)) => format!("it runs plan {}", self.plan.id()),
            Error::PeerMisbehaved(fault) => format!("the client misbehaved: {fault}"),
            _ => "it failed".into(),
        }
    }

    fn greet<T: Transport>(&self, connection: &mut Connection<T>) -> Result<()> {
        let body = message::receive(connection, Message::Hello, Limit::Exactly(HELLO_BYTES as u64))?;
        let hello = Hello::from_bytes(&body)?;
        match hello.plan {
            Some(plan) if plan != self.plan.id() => Err(PeerFault::OtherPlan(plan).into()),
            _ => message::send(connection, Message::Welcome, codec::encode_view(self.plan.client_view())),
        }
    }

    fn receive_key<T: Transport>(&self, connection: &mut Connection<T>) -> Result<PublicKey> {
        let bits = self.plan.plan().key_bits;
        let body = message::receive(connection, Message::Key, Limit::Exactly(bits.modulus_bytes() as u64))?;
        let key = PublicKey::from_modulus_bytes(&body, bits);
        key.map_err(|error| PeerFault::PublicKey(error.to_string()).into())
    }
}

/// One client's session after the handshake.
struct Session<'a, T: Transport> {
    plan: &'a Plan,
    connection: &'a mut Connection<T>,
    context: ServerContext,
    rng: SecureRng,
}

impl<T: Transport> Session<'_, T> {
    /// Answers one image; `false` if the client closed the connection instead of sending one.
    fn infer(&mut self, observer: &mut dyn Observer) -> Result<bool> {
        let Some(input) = self.receive_input()? else { return Ok(false) };
        let mut values = Values::new(self.plan, input);
        observer.begin(self.plan.steps.len());
        for (id, step) in self.plan.steps().skip(1) {
            let (start, before) = (Instant::now(), self.connection.traffic());
            let value = self.execute(id, step, &mut values)?;
            values.define(id, step, value);
            let traffic = self.connection.traffic() - before;
            observer.step(StepReport {
                step: id,
                op: step.op.name(),
                elapsed: start.elapsed(),
                traffic,
                rounds: traffic.frames_sent,
            });
        }
        Ok(true)
    }

    fn receive_input(&mut self) -> Result<Option<Ciphertexts>> {
        let (connection, key) = (&mut *self.connection, &self.context.key);
        let count = self.plan.input.shape.elements();
        let message = Receiving::begin_or_end(connection, Message::Input, key, count)?;
        let Some(mut message) = message else { return Ok(None) };
        let mut input = Ciphertexts::with_capacity(key, count);
        while let Some(part) = message.pull(connection, key, stream::part(CHECKS))? {
            input.append(&part);
        }
        Ok(Some(input))
    }

    fn execute(&mut self, id: StepId, step: &Step, values: &mut Values) -> Result<Ciphertexts> {
        if let Some(rows) = linear::rows(self.plan, id) {
            return Ok(weighted_sums(&self.context.key, &values.inputs(step)?, &*rows));
        }
        match &step.op {
            Op::Concat => Ok(self.concat(&values.inputs(step)?)),
            Op::Relu | Op::Sign | Op::Rescale { .. } => {
                let exchange = self.exchange(id)?;
                self.round(exchange, values.take(id, step)?)
            }
            Op::MaxPool(window) => self.max_pool(id, window, &values.take(id, step)?),
            Op::Reveal => self.reveal(&values.take(id, step)?),
            Op::Input | Op::Conv2d(_) | Op::Dense(_) | Op::SumPool(_) | Op::Add { .. } => {
                Err(Error::Bug(format!("{id}: {} is no operation of its own", step.op.name())))
            }
        }
    }

    fn concat(&self, inputs: &[&Ciphertexts]) -> Ciphertexts {
        Ciphertexts::gather(&self.context.key, inputs.iter().flat_map(|input| input.iter()))
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

/// The values that later steps still read.
struct Values {
    values: Vec<Option<Ciphertexts>>,
    last_use: Vec<StepId>,
}

impl Values {
    fn new(plan: &Plan, input: Ciphertexts) -> Self {
        let mut last_use: Vec<StepId> = plan.steps().map(|(id, _)| id).collect();
        for (id, step) in plan.steps() {
            step.inputs.iter().for_each(|input| last_use[input.index()] = id);
        }
        Self { values: vec![Some(input)], last_use }
    }

    fn inputs(&self, step: &Step) -> Result<Vec<&Ciphertexts>> {
        let input = |id: &StepId| self.values[id.index()].as_ref().ok_or_else(|| dropped(*id));
        step.inputs.iter().map(input).collect()
    }

    /// The only input of step `id`; a copy where a later step reads it too.
    fn take(&mut self, id: StepId, step: &Step) -> Result<Ciphertexts> {
        let input = step.inputs[0];
        let value = &mut self.values[input.index()];
        let value = if self.last_use[input.index()] == id { value.take() } else { value.clone() };
        value.ok_or_else(|| dropped(input))
    }

    /// Keeps the value of `id`; drops those that it was the last to read.
    fn define(&mut self, id: StepId, step: &Step, value: Ciphertexts) {
        self.values.push(Some(value));
        for input in &step.inputs {
            if self.last_use[input.index()] == id {
                self.values[input.index()] = None;
            }
        }
    }
}

fn dropped(id: StepId) -> Error {
    Error::Bug(format!("{id} was dropped before its last use"))
}
