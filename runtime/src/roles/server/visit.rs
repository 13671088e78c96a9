//! A client's visit: what its session tells whoever let it in, and is told.

use super::super::hall::{Guest, Place};
use super::pace::{Limits, Pace};
use crate::channel::Connection;
use crate::error::{Error, Result};

/// One client's visit, from its connection to its end.
pub struct Visit {
    pace: Pace,
    guest: Option<Guest>,
}

impl Visit {
    /// Of a client that nobody else knows of. Without limits it may take whatever the connection was opened with.
    pub fn alone(limits: Option<Limits>) -> Self {
        Self { pace: Pace::new(limits), guest: None }
    }

    /// Of a guest.
    pub(in super::super) fn of(guest: Guest, limits: Limits) -> Self {
        Self { pace: Pace::new(Some(limits)), guest: Some(guest) }
    }

    /// The client is to send the next message of the handshake.
    pub(super) fn shake_hands(&self, connection: &mut Connection) -> Result<()> {
        self.set_idle(true)?;
        self.pace.shake_hands(connection)
    }

    /// Its key is there: a place for it, if there is one.
    pub(super) fn take_place(&self) -> Option<Option<Place<'_>>> {
        self.guest.as_ref().map_or(Some(None), |guest| guest.take_place().map(Some))
    }

    /// The client may ask for something.
    ///
    /// # Errors
    /// [`Error::SessionOver`] where the session has lasted long enough, [`Error::Ending`] where the server ends.
    pub(super) fn wait(&self, connection: &mut Connection) -> Result<()> {
        self.set_idle(true)?;
        self.pace.wait(connection)
    }

    /// The client has asked.
    ///
    /// # Errors
    /// [`Error::Ending`] where the server ends.
    pub(super) fn work(&self, connection: &mut Connection) -> Result<()> {
        self.set_idle(false)?;
        self.pace.work(connection)
    }

    /// What the outcome of waiting means; `None` stands for the end of the stream.
    pub(super) fn heard<T>(&self, outcome: Result<Option<T>>) -> Result<Option<T>> {
        match outcome {
            Ok(Some(request)) => Ok(Some(request)),
            Ok(None) if self.was_woken() => Err(Error::Ending),
            Ok(None) => Ok(None),
            Err(error) => Err(self.meant(error)),
        }
    }

    /// What an error of waiting means: that of a client that was woken, or silent until its session was over, is its end.
    pub(super) fn meant(&self, error: Error) -> Error {
        if self.was_woken() { Error::Ending } else { self.pace.ended(error) }
    }

    fn set_idle(&self, is_idle: bool) -> Result<()> {
        self.guest.as_ref().map_or(Ok(()), |guest| guest.set_idle(is_idle))
    }

    fn was_woken(&self) -> bool {
        self.guest.as_ref().is_some_and(Guest::was_woken)
    }
}
