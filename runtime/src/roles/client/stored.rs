//! What a client keeps of its prepared inferences beyond a session, and uses in a later one
//! ([`crate::protocol::shared::keeping`]).

use super::super::half::{Form, Half};
use super::super::held::Held;
use super::super::stopwatch::Stopwatch;
use super::shared::Ahead;
use super::{Holder, Session, masked_bits};
use crate::channel::Limit;
use crate::error::{Error, InvalidInput, PeerFault, Result};
use crate::observe::Observer;
use crate::ot::Role;
use crate::plan::{Schedule, Work, codec};
use crate::protocol::message::{self, Message};
use crate::protocol::shared::keeping::{Found, Kept, MOST_NAMES, names_to_bytes};
use crate::protocol::shared::message_schedule::Communication;
use crate::store::{ClientId, HalfBytes, Label, Name, Origin, Owner, Shelf, StoreId};
use std::sync::Arc;

/// A client's store, for sessions with a server that has one.
pub(super) struct Stored {
    shelf: Arc<dyn Shelf>,
    owner: Owner,
    /// The server's.
    server: StoreId,
    /// Digest of what the server showed of the plan.
    view: [u8; 32],
    /// Inferences that this session has out of its store.
    recalled: usize,
}

impl Session {
    /// Uses inferences that were prepared in earlier sessions with this server and lie in this store before it prepares others, and lets
    /// [`stock`](Self::stock) prepare for later ones. Where the session is lost, what is prepared and not used goes into the store. With
    /// a server that keeps nothing, and in suite `blinded`, there are none.
    #[must_use]
    pub fn with_shelf(mut self, shelf: Arc<dyn Shelf>) -> Self {
        let client = ClientId::of(&self.holder.key.public().to_bytes());
        let (owner, server) = (Owner { plan: self.plan.id, client }, self.terms.store);
        let keeps = self.prepares_ahead() && server != StoreId::NONE;
        let view = codec::view_digest(&self.plan);
        self.stored = keeps.then_some(Stored { shelf, owner, server, view, recalled: 0 });
        self
    }

    /// Inferences of this key and plan that lie in the store, prepared with this server.
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
        self.check_open()?;
        let outcome = self.fill(count, observer);
        self.rescued(outcome)
    }

    fn fill(&mut self, count: usize, observer: &mut dyn Observer) -> Result<usize> {
        if self.stored.is_none() {
            return Ok(0);
        }
        let mut missing = count.saturating_sub(self.stored());
        while missing > 0 && self.room() > 0 {
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

    /// Puts what is prepared and not used into both parties' stores, as far as these take it; how many inferences left the session.
    /// Without a store, or where the server keeps none, nothing happens.
    ///
    /// # Errors
    /// As [`stock`](Self::stock).
    pub fn put_away(&mut self) -> Result<usize> {
        if self.is_over {
            return Ok(0);
        }
        let prepared = self.prepared();
        let mut outcome = Ok(());
        while outcome.is_ok() && self.prepared() > 0 {
            match self.keep(self.prepared()) {
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(error) => outcome = Err(error),
            }
        }
        let outcome = outcome.and_then(|()| self.holder.faults.report());
        self.rescued(outcome)?;
        Ok(prepared - self.prepared())
    }

    /// For how many more inferences this party's store has room.
    fn room(&self) -> usize {
        let (Some(stored), Work::Schedule(schedule)) = (&self.stored, &self.plan.work) else { return 0 };
        stored.shelf.room(&stored.owner, form(schedule, &self.online, &stored.view).length())
    }

    /// Puts prepared inferences into both parties' stores, `most` at most; how many, or `None` if a store took less. Those that a
    /// store has no room for stay prepared.
    fn keep(&mut self, most: usize) -> Result<Option<usize>> {
        let named = self.ahead.ready.iter().take_while(|half| half.name.is_some()).count();
        let count = named.min(most).min(MOST_NAMES);
        let fitting = count.min(self.room());
        let Self { holder, plan, online, ahead, stored, spending, .. } = self;
        let (Some(stored), Work::Schedule(schedule), 1..) = (stored, &plan.work, fitting) else {
            return Ok(None);
        };
        let watch = Stopwatch::start(holder.connection.traffic());
        let answer = (Message::Kept, Limit::Exactly(fitting as u64));
        let kept = message::ask(&mut holder.connection, Message::Keep, &message::count(fitting)?, answer)?;
        let kept = Kept::from_bytes(&kept)?;
        spending.offline += watch.spent(holder.connection.traffic());
        let took_all = fitting == count && kept.iter().all(|&kept| kept == Kept::Kept);
        let (mut away, mut stay) = (Vec::new(), Vec::new());
        for (half, kept) in ahead.ready.drain(..fitting).zip(kept) {
            match kept {
                Kept::Kept => away.push(half),
                Kept::Stays => stay.push(half),
                Kept::Lost => {}
            }
        }
        stay.into_iter().rev().for_each(|half| ahead.ready.push_front(half));
        let view = stored.view;
        let mut outcome = Ok(());
        for half in away {
            // The server has put its halves away: one that fails here is no reason to lose the others.
            let put = stored.put(half, Origin::Kept, holder, form(schedule, online, &view));
            outcome = outcome.and(put.map(drop));
        }
        outcome.map(|()| took_all.then_some(count))
    }

    /// An outcome as it is; whatever fails but for what the caller gave ends the session, since the parties may have other halves left
    /// then. Where it is lost, what is prepared goes to the store, as the server's halves do.
    pub(super) fn rescued<T>(&mut self, outcome: Result<T>) -> Result<T> {
        let Err(error) = &outcome else { return outcome };
        self.is_over |= !matches!(error, Error::InvalidInput(_));
        let Self { holder, plan, online, ahead, stored, .. } = self;
        if let (Some(stored), Work::Schedule(schedule), true) = (stored, &plan.work, error.is_loss()) {
            stored.put_back(ahead.ready.drain(..), holder, form(schedule, online, &stored.view));
        }
        outcome
    }

    /// Refuses to go on with a session that has ended.
    pub(super) fn check_open(&self) -> Result<()> {
        if self.is_over { Err(InvalidInput::SessionEnded.into()) } else { Ok(()) }
    }

    /// Has inferences from the store until `count` are prepared, or there are no more that the server has, too, and room for.
    pub(super) fn recall(&mut self, count: usize) -> Result<()> {
        let Self { holder, plan, online, ahead, stored, spending, .. } = self;
        let (Some(stored), Work::Schedule(schedule)) = (stored, &plan.work) else { return Ok(()) };
        let watch = Stopwatch::start(holder.connection.traffic());
        let view = stored.view;
        let outcome = stored.recall(holder, form(schedule, online, &view), ahead, count);
        spending.offline += watch.spent(holder.connection.traffic());
        outcome
    }
}

impl Stored {
    fn recall(&mut self, holder: &mut Holder, form: Form<'_>, ahead: &mut Ahead, count: usize) -> Result<()> {
        while ahead.len() < count {
            let halves = self.take_out((count - ahead.len()).min(MOST_NAMES), form);
            if halves.is_empty() {
                break;
            }
            let found = match ask(holder, &halves) {
                Ok(found) => found,
                Err(error) => {
                    self.put_back(halves, holder, form);
                    return Err(error);
                }
            };
            let mut not_now = Vec::new();
            for (half, found) in halves.into_iter().zip(found) {
                match found {
                    Found::There => {
                        self.recalled += 1;
                        holder.remember(&half);
                        ahead.ready.push_back(half);
                    }
                    Found::NotNow => not_now.push(half),
                    Found::Gone => {}
                }
            }
            if !not_now.is_empty() {
                self.put_back(not_now, holder, form);
                break;
            }
        }
        Ok(())
    }

    /// Keeps a half until a later session asks for it; false if there is no room for it.
    fn put(&self, mut half: Half, origin: Origin, holder: &Holder, form: Form<'_>) -> Result<bool> {
        let Some(name) = half.name.as_ref().map(Held::name) else { return Ok(false) };
        half.is_flawed |= !holder.faults.is_empty();
        let label = Label { owner: self.owner, server: self.server, name };
        self.shelf.put(&label, &half.to_bytes(form)?, origin)
    }

    /// Halves that have masked nothing yet. The server may have given its own out, and then it has none for them any more.
    fn put_back(&self, halves: impl IntoIterator<Item = Half>, holder: &Holder, form: Form<'_>) {
        for half in halves {
            // What cannot be written is lost; the error that counts is another.
            let _ = self.put(half, Origin::Left, holder, form);
        }
    }

    /// The oldest halves of what was prepared with this server, `most` at most, which are out of the store for good. What is damaged or
    /// of another version or view is gone; where the store cannot be read, others are prepared.
    fn take_out(&self, most: usize, form: Form<'_>) -> Vec<Half> {
        let mut found = Vec::new();
        while found.len() < most {
            let next = self.shelf.next(&self.owner, self.server);
            match next.and_then(|next| next.map(|(label, bytes)| begun(&label, &bytes, form)).transpose()) {
                Ok(Some(half)) => found.push(half),
                Err(Error::InvalidInput(_)) => {}
                Ok(None) | Err(_) => break,
            }
        }
        found
    }
}

impl Holder {
    /// What was found out about a half in an earlier session is reported with the next result.
    fn remember(&mut self, half: &Half) {
        if half.is_flawed {
            let what = "what it sent for an inference that was prepared earlier";
            self.faults.note(PeerFault::Protocol(format!("{what} was malformed")));
        }
    }
}

fn form<'a>(schedule: &'a Schedule, online: &'a [Communication], view: &'a [u8; 32]) -> Form<'a> {
    Form { schedule, online, view, role: Role::Client }
}

/// Asks the server for what it has of these.
fn ask(holder: &mut Holder, halves: &[Half]) -> Result<Vec<Found>> {
    let names: Vec<Name> = halves.iter().filter_map(|half| half.name.as_ref()).map(Held::name).collect();
    let answer = (Message::Taken, Limit::Exactly(names.len() as u64));
    let found = message::ask(&mut holder.connection, Message::Take, names_to_bytes(&names), answer)?;
    Ok(Found::from_bytes(&found)?)
}

/// A half as it was when it was kept, with what the client has told ahead begun again.
fn begun(label: &Label, bytes: &HalfBytes, form: Form<'_>) -> Result<Half> {
    let Form { schedule, online, .. } = form;
    let mut half = Half::from_bytes(bytes, Held::by_client(label.name), form)?;
    masked_bits::open(schedule, online, &half.products, &mut half.supply)?;
    Ok(half)
}
