//! A client's visit: what its session tells whoever let it in and those who watch, and what it is told.

use super::super::hall::{Guest, Place};
use super::super::stopwatch::Stopwatch;
use super::super::watch::{Caller, Departure, Done, End, Observers, PhaseReport, Session};
use super::budget::Budgets;
use super::pace::{Limits, Pace};
use super::work::Expected;
use crate::channel::{Connection, Traffic};
use crate::error::{Error, Result};
use crate::observe::Spent;
use crate::plan::PlanId;
use crate::protocol::hello::Terms;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Sessions of this process so far.
static SESSIONS: AtomicU64 = AtomicU64::new(0);

/// One client's visit, from its connection to its end.
pub struct Visit {
    pace: Pace,
    guest: Option<Guest>,
    caller: Caller,
    observers: Observers,
    budgets: Option<Arc<Budgets>>,
    account: Account,
}

/// What a visit comes to.
struct Account {
    since: Stopwatch,
    session: Option<Session>,
    prepared: u64,
    taken: u64,
    answered: u64,
    /// Inferences that are prepared and not used yet, and the bytes of memory that each takes.
    held: u64,
    each: u64,
    /// The phase under way.
    phase: Option<Stopwatch>,
    /// Traffic of phases that were reported, and of the connection when it ended or, before, the last of these did.
    reported: Traffic,
    traffic: Traffic,
}

impl Visit {
    /// Of a client that nobody else knows of; `observers` are told of its phases. Without limits it may take whatever the connection
    /// was opened with.
    pub fn alone(limits: Option<Limits>, observers: Observers) -> Self {
        Self::new(Pace::new(limits), None, Caller::default(), observers)
    }

    /// Of a guest.
    pub(in super::super) fn of(guest: Guest, limits: Limits, caller: Caller, observers: Observers) -> Self {
        Self::new(Pace::new(Some(limits)), Some(guest), caller, observers)
    }

    fn new(pace: Pace, guest: Option<Guest>, caller: Caller, observers: Observers) -> Self {
        let (reported, traffic) = (Traffic::default(), Traffic::default());
        let since = Stopwatch::start(traffic);
        let account = Account {
            since,
            session: None,
            prepared: 0,
            taken: 0,
            answered: 0,
            held: 0,
            each: 0,
            phase: None,
            reported,
            traffic,
        };
        Self { pace, guest, caller, observers, budgets: None, account }
    }

    /// The client is to send the next message of the handshake.
    pub(super) fn shake_hands(&self, connection: &mut Connection) -> Result<()> {
        self.set_idle(true)?;
        self.pace.shake_hands(connection)
    }

    /// As long as there is something in its budget.
    pub(in super::super) fn within(self, budgets: Option<Arc<Budgets>>) -> Self {
        Self { budgets, ..self }
    }

    /// Who it is, by its token.
    pub(super) fn name_caller(&mut self, name: Arc<str>) {
        self.caller.name = Some(name);
    }

    /// What of `terms` holds for it.
    pub(super) fn terms(&self, terms: Terms) -> Terms {
        let (idle, age) = self.pace.terms().unwrap_or((terms.idle, terms.age));
        let left = self.budgets.as_ref().map(|budgets| budgets.left(&self.caller)).unwrap_or_default();
        Terms {
            idle,
            age,
            preparations: left.preparations.unwrap_or(terms.preparations),
            inferences: left.inferences.unwrap_or(terms.inferences),
            ..terms
        }
    }

    /// Its key is there: it begins a session of `plan`, of which each prepared inference takes so many bytes, if there is a place for
    /// it. Who is nobody's guest needs none.
    pub(super) fn enter(&mut self, plan: PlanId, prepared_bytes: u64) -> Option<Option<Place>> {
        let place = match &self.guest {
            None => None,
            Some(guest) => Some(guest.take_place()?),
        };
        let session = Session { number: SESSIONS.fetch_add(1, Ordering::Relaxed) + 1, plan };
        (self.account.session, self.account.each) = (Some(session), prepared_bytes);
        self.observers.admitted(&self.caller, session);
        Some(place)
    }

    /// The client may ask for something.
    ///
    /// # Errors
    /// [`Error::SessionOver`] where the session has lasted long enough, [`Error::Ending`] where the server ends.
    pub(super) fn wait(&self, connection: &mut Connection) -> Result<()> {
        self.set_idle(true)?;
        self.pace.wait(connection)
    }

    /// The client has asked for this, and so much is expected to be done for it.
    ///
    /// # Errors
    /// [`Error::Ending`] where the server ends, [`Error::Busy`] where it has too much to do already, [`Error::OverBudget`].
    pub(super) fn work(
        &mut self,
        connection: &mut Connection,
        asked: Done,
        expected: Expected,
    ) -> Result<()> {
        let bytes = match asked {
            Done::Prepared(inferences) | Done::Taken(inferences) => {
                inferences.saturating_mul(self.account.each)
            }
            Done::Answered(_) | Done::Kept(_) => 0,
        };
        self.guest.as_ref().map_or(Ok(()), |guest| guest.begin(expected.core_seconds, bytes))?;
        if let Err(error) = self.budgets.as_ref().map_or(Ok(()), |budgets| budgets.spend(&self.caller, asked))
        {
            self.set_idle(true)?; // it keeps nothing that others are declined for
            return Err(error);
        }
        self.account.phase = Some(Stopwatch::start(connection.traffic()));
        self.pace.work(connection, expected.patience)
    }

    /// What it asked for is not done now.
    pub(super) fn declined(&self, asked: Done, error: &Error) {
        if let Some(session) = self.account.session {
            self.observers.declined(&self.caller, session, asked, error);
        }
    }

    /// What it did not ask for is done, and has been since then.
    pub(super) fn did_since(&mut self, since: Stopwatch, connection: &Connection, done: Done) {
        self.account.phase = Some(since);
        self.did(connection, done);
    }

    /// What it asked for is done.
    pub(super) fn did(&mut self, connection: &Connection, done: Done) {
        let account = &mut self.account;
        match done {
            Done::Prepared(inferences) => {
                account.prepared += inferences;
                account.held += inferences;
            }
            Done::Answered(images) => {
                account.answered += images;
                account.held = account.held.saturating_sub(images);
            }
            Done::Kept(inferences) => account.held = account.held.saturating_sub(inferences),
            Done::Taken(inferences) => {
                account.taken += inferences;
                account.held += inferences;
            }
        }
        if let Some(guest) = &self.guest {
            guest.set_prepared(account.held, account.held.saturating_mul(account.each));
        }
        let (Some(session), Some(phase)) = (account.session, account.phase.take()) else { return };
        if matches!(done, Done::Kept(0) | Done::Taken(0)) {
            return; // nothing was there, and nothing done
        }
        account.traffic = connection.traffic();
        let spent = phase.spent(account.traffic);
        account.reported += spent.traffic;
        self.observers.did(&self.caller, session, &PhaseReport { done, spent });
    }

    /// The connection is at its end.
    pub(super) fn leave(&mut self, connection: &Connection) {
        self.account.traffic = connection.traffic();
    }

    /// What became of it, told to the observers.
    pub(in super::super) fn depart(&self, end: End) {
        let Account { session, prepared, taken, answered, traffic, .. } = self.account;
        let (caller, unreported) = (self.caller.clone(), traffic - self.account.reported);
        let spent = Spent { traffic, ..self.account.since.spent(traffic) };
        self.observers.departed(Departure {
            caller,
            session,
            prepared,
            taken,
            answered,
            spent,
            unreported,
            end,
        });
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

    /// What an error of the handshake means: that of a client that was woken is the server's end.
    pub(super) fn greeted(&self, error: Error) -> Error {
        if self.was_woken() { Error::Ending } else { error }
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

#[cfg(test)]
mod tests;
