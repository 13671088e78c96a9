//! What a client keeps of its prepared inferences beyond a session, and uses in a later one
//! ([`crate::protocol::shared::keeping`]).

use super::super::half::{Form, Half};
use super::super::stopwatch::Stopwatch;
use super::shared::Ahead;
use super::{Holder, Session, masked_bits};
use crate::channel::Limit;
use crate::error::{Error, PeerFault, Result};
use crate::observe::Observer;
use crate::ot::Role;
use crate::plan::Work;
use crate::protocol::message::{self, Message};
use crate::protocol::shared::keeping::{MOST_NAMES, Outcome, Wanted, names_to_bytes};
use crate::store::{ClientId, HalfBytes, Label, Name, Owner, Shelf, StoreId};
use std::sync::Arc;

/// A client's store, and what the session knows of the server's.
pub(super) struct Stored {
    shelf: Arc<dyn Shelf>,
    owner: Owner,
    /// Once the server has said so.
    server: Option<StoreId>,
    /// Inferences that this session has out of its store.
    recalled: usize,
}

impl Session {
    /// Uses inferences that were prepared in earlier sessions and lie in this store before it prepares others, and lets
    /// [`stock`](Self::stock) prepare for later ones. In suite `blinded` there are none.
    #[must_use]
    pub fn with_shelf(mut self, shelf: Arc<dyn Shelf>) -> Self {
        let client = ClientId::of(&self.holder.key.public().to_bytes());
        let owner = Owner { plan: self.plan.id, client };
        let stored = Stored { shelf, owner, server: None, recalled: 0 };
        self.stored = self.prepares_ahead().then_some(stored);
        self
    }

    /// Inferences of this key and plan that lie in the store: of this server's, once it has said which its store is, else of all servers'.
    pub fn stored(&self) -> usize {
        self.stored.as_ref().map_or(0, |stored| stored.shelf.count(&stored.owner, stored.server))
    }

    /// Inferences that this session had from the store so far.
    pub fn recalled(&self) -> usize {
        self.stored.as_ref().map_or(0, |stored| stored.recalled)
    }

    /// Prepares inferences for later sessions until the store holds `count` of this key and plan, or as many as both
    /// parties' stores take; says how many it holds. Where the server keeps none, nothing is prepared; where it prepares no more at the
    /// moment, [`declined`](Self::declined) says why.
    ///
    /// # Errors
    /// The server refuses, misbehaves or vanishes, or something cannot be written.
    pub fn stock(&mut self, count: usize, observer: &mut dyn Observer) -> Result<usize> {
        if self.server_store()? == StoreId::NONE {
            return Ok(0);
        }
        let mut missing = count.saturating_sub(self.stored());
        while missing > 0 {
            let declined =
                self.prepared() == 0 && !self.prepare_some(missing.min(self.max_prepared()), observer)?;
            if declined {
                break;
            }
            let Some(kept) = self.keep(missing)? else { break };
            missing -= kept;
        }
        self.holder.faults.report()?; // not earlier: see message::Deferred
        Ok(self.stored())
    }

    /// Puts what is prepared and not used into both parties' stores, as far as these take it; how many inferences left the session. What
    /// this party's store has no room for is lost. Without a store, or where the server keeps none, nothing happens.
    ///
    /// # Errors
    /// As [`stock`](Self::stock).
    pub fn put_away(&mut self) -> Result<usize> {
        let prepared = self.prepared();
        if prepared == 0 || self.server_store()? == StoreId::NONE {
            return Ok(0);
        }
        while self.prepared() > 0 && self.keep(self.prepared())?.is_some() {}
        self.holder.faults.report()?;
        Ok(prepared - self.prepared())
    }

    /// Which the server's store is; [`StoreId::NONE`] where it has none, or this party.
    fn server_store(&mut self) -> Result<StoreId> {
        let Self { holder, plan, stored, spending, .. } = self;
        let (Some(stored), Work::Schedule(_)) = (stored, &plan.work) else { return Ok(StoreId::NONE) };
        if let Some(server) = stored.server {
            return Ok(server);
        }
        let watch = Stopwatch::start(holder.connection.traffic());
        let outcome = stored.ask(holder, &Wanted { store: StoreId::NONE, names: Vec::new() });
        spending.offline += watch.spent(holder.connection.traffic());
        Ok(outcome?.store)
    }

    /// Puts prepared inferences into both parties' stores, `most` at most; how many, or `None` if a store took less. Those that the
    /// server did not take stay prepared.
    fn keep(&mut self, most: usize) -> Result<Option<usize>> {
        let Self { holder, plan, online, ahead, stored, spending, .. } = self;
        let (Some(stored), Work::Schedule(schedule)) = (stored, &plan.work) else { return Ok(None) };
        let watch = Stopwatch::start(holder.connection.traffic());
        let count = ahead.ready.len().min(most).min(MOST_NAMES);
        let names: Vec<Name> = (0..count).map(|_| Name::random(&mut holder.rng)).collect();
        let answer = (Message::Kept, Limit::Exactly(Outcome::bytes(count)));
        let outcome = message::ask(&mut holder.connection, Message::Keep, names_to_bytes(&names), answer)?;
        let outcome = Outcome::from_bytes(&outcome)?;
        spending.offline += watch.spent(holder.connection.traffic());
        stored.server = Some(outcome.store);
        let (mut kept, mut left) = (Vec::new(), Vec::new());
        for ((half, name), is_kept) in ahead.ready.drain(..count).zip(names).zip(outcome.each) {
            if is_kept { kept.push((half, name)) } else { left.push(half) }
        }
        let mut took_all = left.is_empty();
        left.into_iter().rev().for_each(|half| ahead.ready.push_front(half));
        // What the server made a mistake in is not kept, as if it were: it is reported when nothing more is to be sent.
        kept.retain(|_| holder.faults.is_empty());
        let form = Form { schedule, online, role: Role::Client };
        for (half, name) in kept {
            let label = Label { owner: stored.owner, server: outcome.store, name };
            took_all &= stored.shelf.put(&label, &half.to_bytes(form)?)?;
        }
        Ok(took_all.then_some(count))
    }

    /// Has inferences from the store until `count` are prepared, or there are no more that the server has too.
    pub(super) fn recall(&mut self, count: usize) -> Result<()> {
        let Self { holder, plan, online, ahead, stored, spending, .. } = self;
        let (Some(stored), Work::Schedule(schedule)) = (stored, &plan.work) else { return Ok(()) };
        let watch = Stopwatch::start(holder.connection.traffic());
        let form = Form { schedule, online, role: Role::Client };
        let outcome = stored.recall(holder, form, ahead, count);
        spending.offline += watch.spent(holder.connection.traffic());
        outcome
    }
}

impl Stored {
    fn recall(&mut self, holder: &mut Holder, form: Form<'_>, ahead: &mut Ahead, count: usize) -> Result<()> {
        while ahead.len() < count && self.shelf.count(&self.owner, self.server) > 0 {
            let server = match self.server {
                Some(server) => server,
                None => self.ask(holder, &Wanted { store: StoreId::NONE, names: Vec::new() })?.store,
            };
            let found = self.take_out(server, (count - ahead.len()).min(MOST_NAMES), form)?;
            if found.is_empty() {
                break;
            }
            let names: Vec<Name> = found.iter().map(|(name, _)| *name).collect();
            let outcome = match self.ask(holder, &Wanted { store: server, names }) {
                Ok(outcome) => outcome,
                Err(error) => {
                    self.put_back(server, found, form);
                    return Err(error);
                }
            };
            let there = found
                .into_iter()
                .zip(outcome.each)
                .filter_map(|((_, half), is_there)| is_there.then_some(half));
            let before = ahead.len();
            ahead.ready.extend(there);
            self.recalled += ahead.len() - before;
        }
        Ok(())
    }

    /// Halves that have masked nothing yet, and of which the server has not said that it gave its own out: it may have, and then it has none
    /// for them any more.
    fn put_back(&self, server: StoreId, halves: Vec<(Name, Half)>, form: Form<'_>) {
        for (name, half) in halves {
            let label = Label { owner: self.owner, server, name };
            // What cannot be written is lost; the error that counts is another.
            let _ = half.to_bytes(form).and_then(|bytes| self.shelf.put(&label, &bytes));
        }
    }

    /// Asks the server for what it has of these names.
    fn ask(&mut self, holder: &mut Holder, wanted: &Wanted) -> Result<Outcome> {
        let answer = (Message::Taken, Limit::Exactly(Outcome::bytes(wanted.names.len())));
        let outcome = message::ask(&mut holder.connection, Message::Take, wanted.to_bytes(), answer)?;
        let outcome = Outcome::from_bytes(&outcome)?;
        if self.server.is_some_and(|server| server != outcome.store) {
            return Err(PeerFault::Protocol("it changes its store".into()).into());
        }
        self.server = Some(outcome.store);
        Ok(outcome)
    }

    /// The oldest halves of what was prepared with this server, `most` at most, which are out of the store for good. What is damaged or
    /// of another version is gone.
    fn take_out(&self, server: StoreId, most: usize, form: Form<'_>) -> Result<Vec<(Name, Half)>> {
        let mut found = Vec::new();
        while found.len() < most {
            let next = self.shelf.next(&self.owner, server);
            match next.and_then(|next| next.map(|(label, bytes)| named(&label, &bytes, form)).transpose()) {
                Ok(Some(half)) => found.push(half),
                Ok(None) => break,
                Err(Error::InvalidInput(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }
}

/// A half as it was when it was kept, with what the client has told ahead begun again.
fn named(label: &Label, bytes: &HalfBytes, form: Form<'_>) -> Result<(Name, Half)> {
    let Form { schedule, online, .. } = form;
    let mut half = Half::from_bytes(bytes, form)?;
    masked_bits::open(schedule, online, &half.products, &mut half.supply)?;
    Ok((label.name, half))
}
