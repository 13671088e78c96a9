//! The client: holds the key and the image.
//!
//! A session is a sequence of types: [`greet`] gives a [`Greeting`], which shows the plan;
//! [`Greeting::with_key`] gives a [`Session`], which answers images.

mod blinded;
mod prediction;
mod shared;

pub use prediction::Prediction;

use shared::Ahead;

use crate::channel::{Connection, Limit};
use crate::error::{InvalidInput, PeerFault, Result};
use crate::observe::{Observer, Phase, Spending, Spent, StepReport};
use crate::paillier::{HolderKey, SecureRng};
use crate::plan::{ClientPlan, PlanId, StepId, Work, codec};
use crate::protocol::hello::{Hello, Welcome};
use crate::protocol::message::{self, Message};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A server that has shown its plan.
pub struct Greeting {
    connection: Connection,
    plan: ClientPlan,
    max_prepared: usize,
    elapsed: Duration,
}

/// A server that has the client's public key.
pub struct Session {
    connection: Connection,
    plan: ClientPlan,
    max_prepared: usize,
    key: Arc<HolderKey>,
    rng: SecureRng,
    /// In suite `shared`.
    ahead: Ahead,
    spending: Spending,
}

/// Opens a session and learns the server's plan; `wanted` insists on one.
///
/// # Errors
/// The server refuses, misbehaves, or sends an invalid or another plan.
pub fn greet(mut connection: Connection, wanted: Option<PlanId>) -> Result<Greeting> {
    let start = Instant::now();
    message::send(&mut connection, Message::Hello, &Hello { plan: wanted }.to_bytes())?;
    let bytes =
        message::receive(&mut connection, Message::Welcome, Limit::AtMost(codec::MAX_VIEW_BYTES + 1))?;
    let welcome = Welcome::from_bytes(&bytes)?;
    let plan = codec::decode_view(welcome.view).map_err(|error| PeerFault::Plan(error.to_string()))?;
    if wanted.is_some_and(|wanted| wanted != plan.id) {
        return Err(PeerFault::Plan(format!("it is {}, not the one asked for", plan.id)).into());
    }
    Ok(Greeting { connection, plan, max_prepared: welcome.max_prepared.into(), elapsed: start.elapsed() })
}

impl Greeting {
    /// What the server showed of its plan.
    pub const fn plan(&self) -> &ClientPlan {
        &self.plan
    }

    /// Sends the public key.
    ///
    /// # Errors
    /// The key has another length than the plan wants, or the server vanished.
    pub fn with_key(mut self, key: Arc<HolderKey>) -> Result<Session> {
        let (needed, has) = (self.plan.key_bits, key.public().bits());
        if needed != has {
            return Err(InvalidInput::KeyBits { needed, has }.into());
        }
        message::send(&mut self.connection, Message::Key, key.public().modulus_bytes())?;
        let rng = SecureRng::from_os()?;
        let handshake = Spent { elapsed: self.elapsed, traffic: self.connection.traffic() };
        let spending = Spending { offline: handshake, online: Spent::default() };
        Ok(Session {
            connection: self.connection,
            plan: self.plan,
            max_prepared: self.max_prepared,
            key,
            rng,
            ahead: Ahead::default(),
            spending,
        })
    }
}

impl Session {
    /// What the server showed of its plan.
    pub const fn plan(&self) -> &ClientPlan {
        &self.plan
    }

    /// What the session has taken so far.
    pub const fn spending(&self) -> Spending {
        self.spending
    }

    /// Does ahead what does not depend on the image, for one more inference. In suite `blinded` there is nothing to do.
    ///
    /// # Errors
    /// The server refuses, misbehaves or vanishes.
    pub fn prepare(&mut self, observer: &mut dyn Observer) -> Result<()> {
        match self.plan.work.clone() {
            Work::Exchanges(_) => Ok(()),
            Work::Schedule(schedule) => {
                self.spend(Phase::Offline, |session| session.prepare_shared(&schedule, observer))
            }
        }
    }

    /// Whether there is anything to do ahead.
    pub const fn prepares_ahead(&self) -> bool {
        matches!(self.plan.work, Work::Schedule(_))
    }

    /// Inferences that the server lets a client prepare ahead.
    pub const fn max_prepared(&self) -> usize {
        self.max_prepared
    }

    /// Inferences that are prepared.
    pub fn prepared(&self) -> usize {
        self.ahead.len()
    }

    /// The model's answer for raw pixels (channels, height, width).
    ///
    /// # Errors
    /// The image does not fit the plan (nothing is sent then), or the server refuses, misbehaves or vanishes.
    pub fn infer(&mut self, raw: &[f32], observer: &mut dyn Observer) -> Result<Prediction> {
        let input = self.plan.input.quantize(raw).map_err(InvalidInput::from)?;
        let integers = match self.plan.work.clone() {
            Work::Exchanges(work) => {
                self.spend(Phase::Online, |session| session.infer_blinded(&work, &input, observer))?
            }
            Work::Schedule(schedule) => {
                if self.prepared() == 0 {
                    self.prepare(observer)?;
                }
                self.spend(Phase::Online, |session| session.infer_shared(&schedule, &input, observer))?
            }
        };
        Ok(Prediction::new(&self.plan.output, integers))
    }

    /// Ends the session; the server has received all that was sent to it.
    pub fn close(self) {
        self.connection.close();
    }

    /// Counts what `run` takes.
    fn spend<R>(&mut self, phase: Phase, run: impl FnOnce(&mut Self) -> Result<R>) -> Result<R> {
        let (start, before) = (Instant::now(), self.connection.traffic());
        let result = run(self);
        let traffic = self.connection.traffic() - before;
        *self.spending.of(phase) += Spent { elapsed: start.elapsed(), traffic };
        result
    }

    /// Runs and reports one step.
    fn step<R>(
        &mut self,
        observer: &mut dyn Observer,
        (phase, step, op): (Phase, StepId, &'static str),
        run: impl FnOnce(&mut Self) -> Result<R>,
    ) -> Result<R> {
        let (start, before) = (Instant::now(), self.connection.traffic());
        let result = run(self).map_err(|error| message::refused_or(&mut self.connection, error))?;
        let traffic = self.connection.traffic() - before;
        let rounds = traffic.frames_received;
        observer.step(StepReport { phase, step, op, elapsed: start.elapsed(), traffic, rounds });
        Ok(result)
    }
}
