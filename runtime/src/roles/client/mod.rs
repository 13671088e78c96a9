//! The client: holds the key and the image.
//!
//! A session is a sequence of types: [`greet`] gives a [`Greeting`], which shows the plan;
//! [`Greeting::with_key`] gives a [`Session`], which answers images.

mod blinded;
mod masked_bits;
mod patience;
mod prediction;
mod products;
mod shared;
mod stored;

pub use patience::Patience;
pub use prediction::Prediction;

use super::stopwatch::{Named, Stopwatch};
use crate::channel::{Connection, Limit};
use crate::error::{Error, InvalidInput, PeerFault, Result};
use crate::observe::{Observer, Spending, Spent};
use crate::ot::Role;
use crate::paillier::{HolderKey, SecureRng};
use crate::plan::{ClientPlan, PlanId, Work, codec};
use crate::protocol::hello::{Hello, Listed, PLANS_BYTES, Terms, Wanted, Welcome};
use crate::protocol::message::{self, Deferred, Message};
use crate::protocol::shared::grant::Grant;
use crate::protocol::shared::message_schedule::Communication;
use crate::protocol::shared::online_messages::{communication, fitting, most_together};
use crate::protocol::token::Token;
use shared::Ahead;
use std::sync::Arc;
use std::time::{Duration, Instant};
use stored::Stored;

/// Memory of prepared inferences at the client at most, unless one takes more.
const PREPARED_BYTES: u64 = 512 << 20;

/// A server that has shown its plan.
pub struct Greeting {
    connection: Connection,
    plan: ClientPlan,
    terms: Terms,
    elapsed: Duration,
}

/// A server that has the client's public key.
pub struct Session {
    holder: Holder,
    plan: ClientPlan,
    /// What is sent online, in suite `shared`.
    online: Vec<Communication>,
    max_prepared: usize,
    /// As the server stated them, less what was asked for since.
    terms: Terms,
    /// Why the server prepared no more when it was last asked.
    declined: Option<String>,
    /// What is prepared ahead, in suite `shared`.
    ahead: Ahead,
    /// What was prepared in other sessions, if it is to be used.
    stored: Option<Stored>,
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

/// Which plan of a server a client asks for, and what it shows for it.
#[derive(Clone, Default)]
pub struct Request {
    /// The plan.
    pub plan: Wanted,
    /// The digest that the plan must have, whatever it is called.
    pub expected: Option<PlanId>,
    /// What the server wants to see of clients without certificates. Send it inside TLS alone.
    pub token: Option<Token>,
}

/// Opens a session and learns the server's plan; `wanted` insists on one.
///
/// # Errors
/// As [`Request::greet`].
pub fn greet(connection: Connection, wanted: Option<PlanId>) -> Result<Greeting> {
    Request { plan: wanted.into(), ..Request::default() }.greet(connection)
}

impl Request {
    /// Asks for the plan with this digest from now on.
    pub fn insist_on(&mut self, plan: PlanId) {
        (self.plan, self.expected) = (Wanted::Id(plan), Some(plan));
    }

    /// Opens a session and learns the server's plan.
    ///
    /// # Errors
    /// The server refuses, misbehaves, or sends an invalid or another plan.
    pub fn greet(self, mut connection: Connection) -> Result<Greeting> {
        let start = Instant::now();
        let expected = match (self.expected, &self.plan) {
            (Some(expected), _) => Some(expected),
            (None, Wanted::Id(id)) => Some(*id),
            _ => None,
        };
        let wanted = match self.plan {
            Wanted::Any => expected.into(),
            named => named,
        };
        let hello = Hello { wanted, token: self.token };
        let limit = Limit::AtMost(codec::MAX_VIEW_BYTES + Terms::BYTES as u64);
        let bytes = say(&mut connection, &hello, (Message::Welcome, limit))?;
        let Welcome { terms, view } = Welcome::from_bytes(&bytes)?;
        let plan = codec::decode_view(view).map_err(|error| PeerFault::Plan(error.to_string()))?;
        if expected.is_some_and(|expected| expected != plan.id) {
            return Err(PeerFault::Plan(format!("it is {}, not the one asked for", plan.id)).into());
        }
        Ok(Greeting { connection, plan, terms, elapsed: start.elapsed() })
    }
}

/// The plans that a server offers to whoever shows `token`.
///
/// # Errors
/// The server refuses or misbehaves.
pub fn plans(mut connection: Connection, token: Option<Token>) -> Result<Vec<Listed>> {
    let hello = Hello { wanted: Wanted::List, token };
    let bytes = say(&mut connection, &hello, (Message::Plans, Limit::AtMost(PLANS_BYTES as u64)))?;
    connection.close();
    Ok(Listed::from_bytes(&bytes)?)
}

/// What the server answers to the first word.
fn say(connection: &mut Connection, hello: &Hello, answer: (Message, Limit)) -> Result<Vec<u8>> {
    message::ask(connection, Message::Hello, &**hello.to_bytes(), answer)
}

impl Greeting {
    /// What the server showed of its plan.
    pub const fn plan(&self) -> &ClientPlan {
        &self.plan
    }

    /// What the server grants in this session.
    pub const fn terms(&self) -> Terms {
        self.terms
    }

    /// Sends the public key.
    ///
    /// # Errors
    /// The key has another length than the plan wants, the server lets nobody prepare, or it vanished.
    pub fn with_key(mut self, key: Arc<HolderKey>) -> Result<Session> {
        let (needed, has) = (self.plan.key_bits, key.public().bits());
        if needed != has {
            return Err(InvalidInput::KeyBits { needed, has }.into());
        }
        let sent = message::send(&mut self.connection, Message::Key, key.public().to_bytes());
        sent.map_err(|error| message::refused_or(&mut self.connection, error))?;
        let rng = SecureRng::from_os()?;
        let (online, max_prepared) = match &self.plan.work {
            Work::Exchanges(_) => (Vec::new(), 0),
            Work::Schedule(_) if self.terms.max_prepared == 0 => {
                return Err(PeerFault::Protocol("it lets nobody prepare an inference".into()).into());
            }
            Work::Schedule(schedule) => {
                let online = communication(schedule);
                let fitting = fitting(schedule, &online, Role::Client, PREPARED_BYTES);
                (online, fitting.min(self.terms.max_prepared.into()))
            }
        };
        let handshake = Spent { elapsed: self.elapsed, traffic: self.connection.traffic() };
        let spending = Spending { offline: handshake, online: Spent::default() };
        Ok(Session {
            holder: Holder { connection: self.connection, key, rng, faults: Deferred::default() },
            plan: self.plan,
            online,
            max_prepared,
            terms: self.terms,
            declined: None,
            ahead: Ahead::default(),
            stored: None,
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

    /// Does ahead what does not depend on images, until `count` inferences are prepared, or as many as the server allows;
    /// in batches as large as the plan offers, which takes less than one after the other. What lies in a store comes first
    /// ([`with_shelf`](Self::with_shelf)). In suite `blinded` there is nothing to do. Where the server has too much to do, or the
    /// client's budget is spent, fewer are prepared, and [`declined`](Self::declined) says why.
    ///
    /// # Errors
    /// The server refuses, misbehaves or vanishes; [`Error::Refused`] where it prepares nothing, and nothing is prepared.
    pub fn prepare(&mut self, count: usize, observer: &mut dyn Observer) -> Result<()> {
        self.declined = None;
        let count = self.attainable(count);
        self.recall(count)?;
        while self.prepares_ahead() && self.prepared() < count {
            if !self.prepare_some(count - self.prepared(), observer)? {
                break;
            }
        }
        match &self.declined {
            Some(reason) if self.prepared() == 0 => Err(Error::Refused(reason.clone())),
            _ => Ok(()),
        }
    }

    /// To how many inferences, `count` at most, it is prepared: no more than the server lets be prepared, nor than it answers.
    fn attainable(&self, count: usize) -> usize {
        let answered: usize = self.terms.inferences.try_into().unwrap_or(usize::MAX);
        count.min(self.max_prepared).min(answered.max(1))
    }

    /// Prepares as many inferences, `most` at most, as the server does together at the moment; whether it does any.
    fn prepare_some(&mut self, most: usize, observer: &mut dyn Observer) -> Result<bool> {
        let within: usize = self.terms.preparations.try_into().unwrap_or(usize::MAX);
        let mut batch = self.largest_batch(most.min(within.max(1)));
        while !self.prepare_batch(batch, observer)? {
            if batch == 1 {
                return Ok(false);
            }
            batch = self.largest_batch(batch / 2);
        }
        Ok(true)
    }

    /// Whether so many inferences were prepared, or the server declined that.
    fn prepare_batch(&mut self, inferences: usize, observer: &mut dyn Observer) -> Result<bool> {
        let Self { holder, plan, online, ahead, spending, .. } = self;
        let Work::Schedule(schedule) = &plan.work else { return Ok(true) };
        let watch = Stopwatch::start(holder.connection.traffic());
        let outcome = shared::Session { schedule, online, holder, ahead }.prepare(inferences, observer);
        spending.offline += watch.spent(holder.connection.traffic());
        self.declined = match outcome? {
            Grant::Given => None,
            Grant::Declined(reason) => Some(reason),
        };
        if self.declined.is_none() {
            count_off(&mut self.terms.preparations, inferences);
        }
        Ok(self.declined.is_none())
    }

    /// Why the server prepared fewer inferences than it was last asked to, in its words.
    pub fn declined(&self) -> Option<&str> {
        self.declined.as_deref()
    }

    /// What the server grants in this session: what is left of it.
    pub const fn terms(&self) -> Terms {
        self.terms
    }

    /// The largest number of inferences, `wanted` at most, that are prepared together; 1 where the plan offers no batch.
    pub fn largest_batch(&self, wanted: usize) -> usize {
        let Work::Schedule(schedule) = &self.plan.work else { return 1 };
        let offered = schedule.batches.iter().map(|batch| batch.inferences);
        offered.filter(|&inferences| inferences <= wanted).max().unwrap_or(1)
    }

    /// How many images, `wanted` at most and one at least, are best asked about together: a batch, or as many as share their
    /// flights; no more than the server still answers, as far as is known, since what it does not answer costs the answers to the others.
    pub fn largest_group(&self, wanted: usize) -> usize {
        if !self.prepares_ahead() {
            return 1;
        }
        let more = if self.declined.is_some() { 0 } else { self.terms.preparations };
        let there = (self.prepared() + self.stored()) as u64;
        let answered = self.terms.inferences.min(more.saturating_add(there));
        let wanted = wanted.min(answered.try_into().unwrap_or(usize::MAX));
        let shared = most_together(&self.online).min(self.max_prepared);
        shared.max(self.largest_batch(wanted.min(self.max_prepared))).min(wanted).max(1)
    }

    /// Whether so many of `count` inferences are still to be prepared that it pays to begin: half of a batch. Not where the server has
    /// declined to, until it has answered another image.
    pub fn is_worth_preparing(&self, count: usize) -> bool {
        if self.declined.is_some() {
            return false;
        }
        let count = self.attainable(count);
        let missing = count.saturating_sub(self.prepared());
        self.prepares_ahead() && missing > 0 && 2 * missing >= self.largest_batch(count)
    }

    /// Whether there is anything to do ahead.
    pub const fn prepares_ahead(&self) -> bool {
        matches!(self.plan.work, Work::Schedule(_))
    }

    /// Inferences that can be prepared ahead: as many as the server allows, and as take half a gigabyte here.
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
        let predictions = self.infer_all(&[raw], observer)?;
        predictions.into_iter().next().ok_or_else(|| Error::Bug("no prediction".into()))
    }

    /// The model's answers for several images: in suite `shared` prepared in batches where they are not prepared yet, and
    /// with as many as possible in the same flights.
    ///
    /// # Errors
    /// As [`infer`](Self::infer); where one image does not fit the plan, nothing is sent. Where the server vanishes, answers to
    /// images before are lost: ask about fewer at a time ([`largest_group`](Self::largest_group)) to keep them.
    pub fn infer_all(&mut self, raw: &[&[f32]], observer: &mut dyn Observer) -> Result<Vec<Prediction>> {
        let quantized =
            raw.iter().map(|raw| self.plan.input.quantize(raw)).collect::<std::result::Result<Vec<_>, _>>();
        let mut inputs = quantized.map_err(InvalidInput::from)?;
        let mut predictions = Vec::with_capacity(inputs.len());
        while !inputs.is_empty() {
            if self.prepared() == 0 {
                self.prepare(inputs.len(), observer)?;
            }
            let together = inputs.len().min(self.most_together());
            let rest = inputs.split_off(together);
            predictions.append(&mut self.answer(&inputs, observer)?);
            inputs = rest;
        }
        Ok(predictions)
    }

    /// How many images can be asked about in the same flights now.
    fn most_together(&self) -> usize {
        match &self.plan.work {
            Work::Exchanges(_) => 1,
            Work::Schedule(_) => {
                let answered: usize = self.terms.inferences.try_into().unwrap_or(usize::MAX);
                self.prepared().min(most_together(&self.online)).min(answered.max(1))
            }
        }
    }

    fn answer(&mut self, inputs: &[Vec<i64>], observer: &mut dyn Observer) -> Result<Vec<Prediction>> {
        let Self { holder, plan, online, ahead, spending, .. } = self;
        let watch = Stopwatch::start(holder.connection.traffic());
        let integers = match &plan.work {
            Work::Exchanges(work) => {
                let mut ask = |input: &Vec<i64>| {
                    blinded::Session { work, key_bits: plan.key_bits, holder }.infer(input, observer)
                };
                inputs.iter().map(&mut ask).collect()
            }
            Work::Schedule(schedule) => {
                shared::Session { schedule, online, holder, ahead }.infer(inputs, observer)
            }
        };
        spending.online += watch.spent(holder.connection.traffic());
        let integers: Vec<Vec<i128>> = integers?;
        self.declined = None;
        count_off(&mut self.terms.inferences, inputs.len());
        holder.faults.report()?; // not earlier: see message::Deferred
        Ok(integers.into_iter().map(|integers| Prediction::new(&plan.output, integers)).collect())
    }

    /// Ends the session; the server has received all that was sent to it.
    pub fn close(self) {
        self.holder.connection.close();
    }
}

/// Takes what was asked for off what is left; nothing off what is unbounded.
fn count_off(left: &mut u64, asked: usize) {
    if *left < u64::MAX {
        *left = left.saturating_sub(asked as u64);
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
