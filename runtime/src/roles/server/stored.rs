//! What a server keeps of a client's prepared inferences beyond its session, and finds again
//! ([`crate::protocol::shared::keeping`]).

use super::super::half::{Form, Half};
use super::super::stopwatch::Stopwatch;
use super::super::watch::Done;
use super::shared::Session;
use crate::error::{Error, PeerFault, Result};
use crate::ot::Role;
use crate::protocol::message::{self, Message};
use crate::protocol::shared::keeping::{Found, kept_to_bytes};
use crate::store::{ClientId, Label, Name, Origin, Owner, Shelf};

impl Session<'_> {
    /// Puts the oldest prepared inferences into the store, as many as it has room for; how many.
    pub(super) fn keep(&mut self, count: usize) -> Result<u64> {
        let oldest = self.ahead.ready.iter().take(count);
        if oldest.filter(|half| half.name.is_some()).count() < count {
            return Err(PeerFault::Protocol("it keeps what it has not prepared, or not named".into()).into());
        }
        let (mut each, mut left) = (Vec::with_capacity(count), Vec::new());
        let halves: Vec<Half> = self.ahead.ready.drain(..count).collect();
        for half in halves {
            let is_kept = self.put(&half, Origin::Kept)?;
            each.push(is_kept);
            if !is_kept {
                left.push(half);
            }
        }
        let kept = count - left.len();
        left.into_iter().rev().for_each(|half| self.ahead.ready.push_front(half));
        message::send(self.connection, Message::Kept, kept_to_bytes(&each))?;
        Ok(kept as u64)
    }

    /// The session is over: what its client has named and not used goes into the store, as far as there is room.
    pub(super) fn put_away(&mut self) {
        let since = Stopwatch::start(self.connection.traffic());
        let left: Vec<Half> = self.ahead.ready.drain(..).collect();
        // What cannot be written is lost; how the session ended counts.
        let kept = left.iter().filter(|half| matches!(self.put(half, Origin::Left), Ok(true))).count();
        if kept > 0 {
            self.visit.did_since(since, self.connection, Done::Kept(kept as u64));
        }
    }

    /// Whether the store has taken a half; a disk that fails ends nobody's session.
    fn put(&self, half: &Half, origin: Origin) -> Result<bool> {
        let (Some(shelf), Some(name)) = (self.shelf, half.name) else { return Ok(false) };
        match shelf.put(&self.label(shelf, name), &half.to_bytes(self.form())?, origin) {
            Err(error @ Error::Io { .. }) => {
                self.visit.declined(Done::Kept(1), &error);
                Ok(false)
            }
            kept => kept,
        }
    }

    /// Takes the first `now` inferences out of the store, for good, before the client is told that they are there; how many were.
    pub(super) fn take(&mut self, names: &[Name], now: usize) -> Result<u64> {
        let before = self.ahead.ready.len();
        let mut found = Vec::with_capacity(names.len());
        for &name in &names[..now] {
            let half = self.taken(name)?;
            found.push(if half.is_some() { Found::There } else { Found::Gone });
            self.ahead.ready.extend(half);
        }
        found.resize(names.len(), Found::NotNow);
        message::send(self.connection, Message::Taken, Found::to_bytes(&found))?;
        Ok((self.ahead.ready.len() - before) as u64)
    }

    /// What is damaged or of another version is gone.
    fn taken(&self, name: Name) -> Result<Option<Half>> {
        let Some(shelf) = self.shelf else { return Ok(None) };
        let half = shelf
            .take(&self.label(shelf, name))
            .and_then(|half| half.map(|half| Half::from_bytes(&half, name, self.form())).transpose());
        match half {
            Err(Error::InvalidInput(_)) => Ok(None),
            half => half,
        }
    }

    fn label(&self, shelf: &dyn Shelf, name: Name) -> Label {
        let owner = Owner { plan: self.id, client: ClientId::of(&self.key.to_bytes()) };
        Label { owner, server: shelf.id(), name }
    }

    fn form(&self) -> Form<'_> {
        Form { schedule: self.schedule, online: &self.online, role: Role::Server }
    }
}
