//! How a session begins: which plan is asked for, what the server shows of it, and the client's key.

use super::shared::Ahead;
use super::{Holder, Session};
use crate::channel::{Connection, Limit};
use crate::error::{InvalidInput, PeerFault, Result};
use crate::observe::{Spending, Spent};
use crate::ot::Role;
use crate::paillier::{HolderKey, SecureRng};
use crate::plan::{ClientPlan, PlanId, Work, codec};
use crate::protocol::hello::{Hello, Listed, PLANS_BYTES, Terms, Wanted, Welcome};
use crate::protocol::message::{self, Deferred, Message};
use crate::protocol::shared::online_messages::{communication, fitting};
use crate::protocol::token::Token;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Memory of prepared inferences at the client at most, unless one takes more.
const PREPARED_BYTES: u64 = 512 << 20;

/// A server that has shown its plan.
pub struct Greeting {
    connection: Connection,
    plan: ClientPlan,
    terms: Terms,
    elapsed: Duration,
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
            is_over: false,
            spending,
        })
    }
}
