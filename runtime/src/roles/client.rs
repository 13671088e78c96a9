//! The client: holds the key and the image.
//!
//! A session is a sequence of types: [`greet`] gives a [`Greeting`], which shows the plan;
//! [`Greeting::with_key`] gives a [`Session`], which answers images.

use crate::channel::{Connection, Limit, Traffic, Transport};
use crate::error::{Error, InvalidInput, PeerFault, Result};
use crate::observe::{Observer, StepReport};
use crate::paillier::{Ciphertexts, HolderKey, SecureRng};
use crate::plan::{ClientPlan, Exchange, PlanId, StepId, codec};
use crate::protocol::blinded::{answer, reveal};
use crate::protocol::hello::Hello;
use crate::protocol::message::{self, Message};
use rug::Integer;
use std::time::Instant;

/// A server that has shown its plan.
pub struct Greeting<T> {
    connection: Connection<T>,
    plan: ClientPlan,
}

/// A server that has the client's public key.
pub struct Session<'k, T> {
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
        message::send(&mut self.connection, Message::Key, &key.public().modulus_bytes())?;
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
        let integers: Vec<Integer> = input.iter().map(|&x| Integer::from(x)).collect();
        let encrypted = self.key.encrypt(&integers, &mut self.rng);
        self.send(Message::Input, &encrypted.map_err(|error| Error::Bug(error.to_string()))?)
    }

    fn answer(&mut self, exchange: &Exchange) -> Result<Option<PeerFault>> {
        let parameters = self.plan.blinded();
        let count = exchange.packed_ciphertexts(parameters, self.plan.key_bits);
        let question = self.receive(Message::Question, count)?;
        let answer = answer::answer(self.key, parameters, exchange, &question, &mut self.rng)?;
        self.send(Message::Answer, &answer.ciphertexts)?;
        Ok(answer.fault)
    }

    fn receive_logits(&mut self) -> Result<Vec<i128>> {
        let packed = self.receive(Message::Logits, self.plan.reveal.ciphertexts(self.plan.key_bits))?;
        reveal::unpack(self.key, &self.plan.reveal, &packed)
    }

    fn send(&mut self, message: Message, ciphertexts: &Ciphertexts) -> Result<()> {
        message::send(&mut self.connection, message, &ciphertexts.to_bytes(self.key.public()))
    }

    fn receive(&mut self, message: Message, count: usize) -> Result<Ciphertexts> {
        let limit = Limit::Exactly((count * self.plan.key_bits.ciphertext_bytes()) as u64);
        let body = message::receive(&mut self.connection, message, limit)?;
        let checked = Ciphertexts::receive(self.key.public(), &body, count);
        checked.map_err(|error| {
            PeerFault::Ciphertext { message: message.name(), what: error.to_string() }.into()
        })
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
        let result = run(self)?;
        let traffic = self.connection.traffic() - before;
        let rounds = traffic.frames_received;
        observer.step(StepReport { step, op, elapsed: start.elapsed(), traffic, rounds });
        Ok(result)
    }
}
