//! What a server keeps of a client's prepared inferences beyond its session, and finds again
//! ([`crate::protocol::shared::keeping`]).

use super::super::half::{Form, Half};
use super::super::watch::Done;
use super::shared::Session;
use crate::error::{Error, PeerFault, Result};
use crate::ot::Role;
use crate::protocol::message::{self, Message};
use crate::protocol::shared::keeping::{Outcome, Wanted};
use crate::store::{ClientId, Label, Name, Owner, Shelf, StoreId};

impl Session<'_> {
    /// Puts the oldest prepared inferences into the store, as many as it has room for.
    pub(super) fn keep(&mut self, names: &[Name]) -> Result<()> {
        if names.len() > self.ahead.ready.len() {
            return Err(PeerFault::Protocol("it keeps what it has not prepared".into()).into());
        }
        let mut each = Vec::with_capacity(names.len());
        let halves: Vec<Half> = self.ahead.ready.drain(..names.len()).collect();
        let mut left = Vec::new();
        for (half, &name) in halves.into_iter().zip(names) {
            let kept = match self.shelf {
                Some(shelf) => self.put(shelf, name, &half)?,
                None => false,
            };
            each.push(kept);
            if !kept {
                left.push(half);
            }
        }
        left.into_iter().rev().for_each(|half| self.ahead.ready.push_front(half));
        self.tell(Message::Kept, each)
    }

    /// Whether the store has taken a half; a disk that fails ends nobody's session.
    fn put(&self, shelf: &dyn Shelf, name: Name, half: &Half) -> Result<bool> {
        match shelf.put(&self.label(shelf, name), &half.to_bytes(self.form())?) {
            Err(error @ Error::Io { .. }) => {
                self.visit.declined(Done::Kept(1), &error);
                Ok(false)
            }
            kept => kept,
        }
    }

    /// Takes inferences out of the store, for good, before the client is told that they are there.
    pub(super) fn take(&mut self, wanted: &Wanted) -> Result<()> {
        if self.ahead.ready.len() + wanted.names.len() > self.max_prepared {
            let what = format!("it has more than {} inferences prepared", self.max_prepared);
            return Err(PeerFault::Protocol(what).into());
        }
        let shelf = self.shelf.filter(|shelf| shelf.id() == wanted.store);
        let mut each = Vec::with_capacity(wanted.names.len());
        for &name in &wanted.names {
            let half = match shelf {
                Some(shelf) => self.taken(shelf, name)?,
                None => None,
            };
            each.push(half.is_some());
            self.ahead.ready.extend(half);
        }
        self.tell(Message::Taken, each)
    }

    /// What is damaged or of another version is gone.
    fn taken(&self, shelf: &dyn Shelf, name: Name) -> Result<Option<Half>> {
        let half = shelf
            .take(&self.label(shelf, name))
            .and_then(|half| half.map(|half| Half::from_bytes(&half, self.form())).transpose());
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

    fn tell(&mut self, message: Message, each: Vec<bool>) -> Result<()> {
        let store = self.shelf.map_or(StoreId::NONE, Shelf::id);
        message::send(self.connection, message, Outcome { store, each }.to_bytes())
    }
}
