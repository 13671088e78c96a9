//! The client: holds the key and the image.
//!
//! A session is a sequence of types: [`greet`] gives a [`Greeting`], which shows the plan;
//! [`Greeting::with_key`] gives a [`Session`], which answers images.

use crate::channel::{Connection, Limit, Traffic, Transport};
use crate::error::{Error, InvalidInput, PeerFault, Result};
use crate::observe::{Observer, StepReport};
use crate::paillier::{Ciphertexts, HolderKey, SecureRng};
use crate::plan::{ClientPlan, Exchange, PlanId, StepId, codec};
use crate::protocol::blinded::answer::Answering;
use crate::protocol::blinded::reveal;
use crate::protocol::hello::Hello;
use crate::protocol::message::{self, Message};
use crate::protocol::stream::{self, Receiving, Sending};
use rug::Integer;
use std::time::Instant;

/// Encryptions that are one unit of work for a thread.
const ENCRYPTIONS: usize = 16;

/// A server that has shown its plan.
pub struct Greeting<T: Transport> {
    connection: Connection<T>,
    plan: ClientPlan,
}

/// A server that has the client's public key.
pub struct Session<'k, T: Transport> {
    connection: Connection<T>,
    plan: ClientPlan,
    key: &'k HolderKey,
    rng: SecureRng,
}

/// The answer to one image.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// Exact integers, before scaling.
    pub integers: Vec<i128>,
    /// What the model would print.
    pub logits: Vec<f64>,
}

impl Prediction {
    /// Index of the largest logit; of the first, if several are largest.
    pub fn label(&self) -> usize {
        self.ranking().first().copied().unwrap_or(0)
    }

    /// All classes, largest logit first.
    pub fn ranking(&self) -> Vec<usize> {
        let mut classes: Vec<usize> = (0..self.integers.len()).collect();
        classes.sort_by(|&a, &b| self.integers[b].cmp(&self.integers[a]));
        classes
    }
}

/// Opens a session and learns the server's plan; `wanted` insists on one.
///
/// # Errors
/// The server refuses, misbehaves, or sends an invalid or another plan.
pub fn greet<T: Transport>(mut connection: Connection<T>, wanted: Option<PlanId>) -> Result<Greeting<T>> {
    message::send(&mut connection, Message::Hello, &Hello { plan: wanted }.to_bytes())?;
    let bytes = message::receive(&mut connection, Message::Welcome, Limit::AtMost(codec::MAX_VIEW_BYTES))?;
    let plan = codec::decode_view(&bytes).map_err(|error| PeerFault::Plan(error.to_string()))?;
    if wanted.is_some_and(|wanted| wanted != plan.id) {
        return Err(PeerFault::Plan(format!("it is {}, not the one asked for", plan.id)).into());
    }
    Ok(Greeting { connection, plan })
}

impl<T: Transport> Greeting<T> {
    /// What the server showed of its plan.
    pub const fn plan(&self) -> &ClientPlan {
        &self.plan
    }

    /// Sends the public key.
    ///
    /// # Errors
    /// The key has another length than the plan wants, or the server vanished.
    pub fn with_key(mut self, key: &HolderKey) -> Result<Session<'_, T>> {
        let (needed, has) = (self.plan.key_bits, key.public().bits());
        if needed != has {
            return Err(InvalidInput::KeyBits { needed, has }.into());
        }
        message::send(&mut self.connection, Message::Key, key.public().modulus_bytes())?;
        let rng = SecureRng::from_os()?;
        Ok(Session { connection: self.connection, plan: self.plan, key, rng })
    }
}

impl<T: Transport> Session<'_, T> {
    /// What the server showed of its plan.
    pub const fn plan(&self) -> &ClientPlan {
        &self.plan
    }

    /// What has gone over the connection so far.
    pub const fn traffic(&self) -> Traffic {
        self.connection.traffic()
    }

    /// The model's answer for raw pixels (channels, height, width).
    ///
    /// # Errors
    /// The image does not fit the plan (nothing is sent then), or the server refuses, misbehaves or vanishes.
    pub fn infer(&mut self, raw: &[f32], observer: &mut dyn Observer) -> Result<Prediction> {
        let input = self.plan.input.quantize(raw).map_err(InvalidInput::from)?;
        observer.begin(self.plan.exchanges.len() + 2);
        self.step(observer, StepId::new(0), "input", |session| session.send_input(&input))?;
        let exchanges = self.plan.exchanges.clone();
        let mut faults = Vec::new();
        for (round, exchange) in (1..).zip(&exchanges) {
            let fault =
                self.step(observer, StepId::new(round), "answer", |session| session.answer(exchange))?;
            faults.extend(fault);
        }
        let last = StepId::new(exchanges.len() + 1);
        let integers = self.step(observer, last, "reveal", Self::receive_logits)?;
        if let Some(fault) = faults.into_iter().next() {
            return Err(fault.into()); // not earlier: see protocol::blinded::answer
        }
        let logits = self.plan.output.logits(&integers);
        Ok(Prediction { integers, logits })
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
    fn answer(&mut self, exchange: &Exchange) -> Result<Option<PeerFault>> {
        let (key, parameters) = (self.key.public(), self.plan.blinded());
        let packed = exchange.packed_ciphertexts(parameters, self.plan.key_bits);
        let mut answering = Answering::new(self.key, parameters, exchange);
        let connection = &mut self.connection;
        let mut question = Receiving::begin(connection, Message::Question, key, packed)?;
        let mut answer = Sending::begin(connection, Message::Answer, key, exchange.reply_ciphertexts())?;
        while let Some(part) = question.pull(connection, key, stream::part(1))? {
            answer.push(connection, key, &answering.part(&part, &mut self.rng)?)?;
        }
        Ok(answering.fault())
    }

    fn receive_logits(&mut self) -> Result<Vec<i128>> {
        let (key, connection) = (self.key.public(), &mut self.connection);
        let count = self.plan.reveal.ciphertexts(self.plan.key_bits);
        let mut logits = Receiving::begin(connection, Message::Logits, key, count)?;
        let packed = logits.pull(connection, key, count)?.unwrap_or_else(|| Ciphertexts::new(key));
        reveal::unpack(self.key, &self.plan.reveal, &packed)
    }

    /// Runs and reports one step.
    fn step<R>(
        &mut self,
        observer: &mut dyn Observer,
        step: StepId,
        op: &'static str,
        run: impl FnOnce(&mut Self) -> Result<R>,
    ) -> Result<R> {
        let (start, before) = (Instant::now(), self.connection.traffic());
        let result = run(self).map_err(|error| message::refused_or(&mut self.connection, error))?;
        let traffic = self.connection.traffic() - before;
        let rounds = traffic.frames_received;
        observer.step(StepReport { step, op, elapsed: start.elapsed(), traffic, rounds });
        Ok(result)
    }
}
