//! How long a client may take.

use crate::channel::Connection;
use crate::error::{Error, PeerFault, Result};
use std::time::{Duration, Instant};

/// Limits of the time that a session takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From the first byte to the key.
    pub handshake: Duration,
    /// Over a message, computing included.
    pub message: Duration,
    /// Between two requests.
    pub idle: Duration,
    /// For the session as a whole; a request that has begun is finished.
    pub age: Duration,
}

impl Limits {
    /// Ten seconds, ten minutes, an hour and a day.
    pub const DEFAULT: Self = Self {
        handshake: Duration::from_secs(10),
        message: Duration::from_secs(600),
        idle: Duration::from_secs(3600),
        age: Duration::from_secs(86_400),
    };
}

/// The limits of a session that has begun; without limits, whatever the connection was opened with.
#[derive(Clone, Copy)]
pub(super) struct Pace {
    limits: Option<Limits>,
    begun: Instant,
}

impl Pace {
    pub(super) fn new(limits: Option<Limits>) -> Self {
        Self { limits, begun: Instant::now() }
    }

    /// The client is to send the next message of the handshake.
    pub(super) fn shake_hands(self, connection: &mut Connection) -> Result<()> {
        let Some(Limits { handshake, .. }) = self.limits else { return Ok(()) };
        let left = handshake.saturating_sub(self.begun.elapsed());
        connection.set_patience(left, left)
    }

    /// The client may ask for something.
    ///
    /// # Errors
    /// [`Error::SessionOver`] where the session has lasted long enough.
    pub(super) fn wait(self, connection: &mut Connection) -> Result<()> {
        let Some(Limits { idle, age, message, .. }) = self.limits else { return Ok(()) };
        match age.checked_sub(self.begun.elapsed()) {
            Some(left) => connection.set_patience(idle.min(left), message),
            None => Err(Error::SessionOver(age)),
        }
    }

    /// What `error` of waiting for a request means: a client that was silent has not misbehaved.
    pub(super) fn ended(self, error: Error) -> Error {
        match (self.limits, &error) {
            (Some(Limits { age, idle, .. }), Error::PeerMisbehaved(PeerFault::Silent { .. })) => {
                if self.begun.elapsed() >= age { Error::SessionOver(age) } else { Error::Idle(idle) }
            }
            _ => error,
        }
    }

    /// The client has asked for something over which it may be silent for so long, but no longer than it may over any message.
    pub(super) fn work(self, connection: &mut Connection, patience: Duration) -> Result<()> {
        let Some(Limits { message, .. }) = self.limits else { return Ok(()) };
        let patience = patience.min(message);
        connection.set_patience(patience, patience)
    }

    /// Seconds between requests and of the whole session that clients are told of.
    pub(super) fn terms(self) -> Option<(u32, u32)> {
        let seconds = |limit: Duration| limit.as_secs().try_into().unwrap_or(u32::MAX);
        self.limits.map(|Limits { idle, age, .. }| {
            (seconds(idle), seconds(age.saturating_sub(self.begun.elapsed())))
        })
    }
}
