//! The client: holds the key and the image.
//!
//! A session is a sequence of types: [`greet`] gives a [`Greeting`], which shows the plan;
//! [`Greeting::with_key`] gives a [`Session`], which answers images.

mod blinded;
mod prediction;
mod products;
mod shared;

pub use prediction::Prediction;

use super::stopwatch::{Named, Stopwatch};
use crate::channel::{Connection, Limit};
use crate::error::{InvalidInput, PeerFault, Result};
use crate::observe::{Observer, Spending, Spent};
use crate::ot::Role;
use crate::paillier::{HolderKey, SecureRng};
use crate::plan::{ClientPlan, PlanId, Work, codec};
use crate::protocol::hello::{Hello, Welcome};
use crate::protocol::message::{self, Deferred, Message};
use shared::Ahead;
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
    holder: Holder,
    plan: ClientPlan,
    max_prepared: usize,
    /// What is prepared ahead, in suite `shared`.
    ahead: Ahead,
    spending: Spending,
}

/// What both suites' sessions work with.
struct Holder {
    connection: Connection,
    key: Arc<HolderKey>,
    rng: SecureRng,
    /// Reported with the next result.
    faults: Deferred,
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
        message::send(&mut self.connection, Message::Key, key.public().to_bytes())?;
        let rng = SecureRng::from_os()?;
        let handshake = Spent { elapsed: self.elapsed, traffic: self.connection.traffic() };
        let spending = Spending { offline: handshake, online: Spent::default() };
        Ok(Session {
            holder: Holder { connection: self.connection, key, rng, faults: Deferred::default() },
            plan: self.plan,
            max_prepared: self.max_prepared,
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
        let Self { holder, plan, ahead, spending, .. } = self;
        let Work::Schedule(schedule) = &plan.work else { return Ok(()) };
        let watch = Stopwatch::start(holder.connection.traffic());
        let prepared = shared::Session { schedule, holder, ahead }.prepare(observer);
        spending.offline += watch.spent(holder.connection.traffic());
        prepared
    }

    /// Whether there is anything to do ahead.
    pub const fn prepares_ahead(&self) -> bool {
        matches!(self.plan.work, Work::Schedule(_))
    }

    /// Inferences that the server lets a client prepare ahead.
    pub const fn max_prepared(&self) -> usize {
        self.max_prepared
    }

    /// Number of inferences that are prepared and not yet used.
    pub fn prepared(&self) -> usize {
        self.ahead.len()
    }

    /// The model's answer for raw pixels (channels, height, width).
    ///
    /// # Errors
    /// The image does not fit the plan (nothing is sent then), or the server refuses, misbehaves or vanishes.
    pub fn infer(&mut self, raw: &[f32], observer: &mut dyn Observer) -> Result<Prediction> {
        let input = self.plan.input.quantize(raw).map_err(InvalidInput::from)?;
        if self.prepares_ahead() && self.prepared() == 0 {
            self.prepare(observer)?;
        }
        let Self { holder, plan, ahead, spending, .. } = self;
        let watch = Stopwatch::start(holder.connection.traffic());
        let integers = match &plan.work {
            Work::Exchanges(work) => {
                blinded::Session { work, key_bits: plan.key_bits, holder }.infer(&input, observer)
            }
            Work::Schedule(schedule) => shared::Session { schedule, holder, ahead }.infer(&input, observer),
        };
        spending.online += watch.spent(holder.connection.traffic());
        let integers = integers?;
        holder.faults.report()?; // not earlier: see message::Deferred
        Ok(Prediction::new(&plan.output, integers))
    }

    /// Ends the session; the server has received all that was sent to it.
    pub fn close(self) {
        self.holder.connection.close();
    }
}

impl Holder {
    /// Runs and reports one step; where it fails, the server's refusal says why, if there is one.
    fn step<R>(
        &mut self,
        named: Named,
        observer: &mut dyn Observer,
        run: impl FnOnce(&mut Self) -> Result<R>,
    ) -> Result<R> {
        let watch = Stopwatch::start(self.connection.traffic());
        let result = run(self).map_err(|error| message::refused_or(&mut self.connection, error))?;
        watch.report(Role::Client, named, self.connection.traffic(), observer);
        Ok(result)
    }
}
