//! Requests that are written down together: one sync of the disk serves all who ask while the one before is under way.
//!
//! Under the lock a request is counted, and joins the group that is written next. Whoever of this group finds the ledger free takes
//! it, writes for the whole group outside of the lock, gives the ledger back and tells the others what came of it. Who comes
//! meanwhile is of the next group. What could not be written is counted no more before anybody else can write.

use super::ledger::{Entry, Ledger};
use super::today::{Spent, Today};
use crate::error::{Error, Result};
use std::collections::BTreeSet;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

/// What was asked for today, and the ledger in which it is written down.
pub(super) struct Groups {
    book: Mutex<Book>,
    /// The ledger is free again, and a group knows what came of it.
    settled: Condvar,
}

struct Book {
    /// What is not written yet included.
    today: Today,
    ledger: Place,
    next: Group,
}

/// Where the ledger is.
enum Place {
    /// There is none: all is forgotten when the process ends.
    Nowhere,
    Free(Ledger),
    /// Somebody writes.
    Taken,
}

/// Requests that are written down together.
#[derive(Default)]
struct Group {
    members: Vec<Member>,
    outcome: Outcome,
}

/// A request, as far as it has to be written or taken back.
struct Member {
    day: u64,
    client: String,
    asked: Spent,
}

/// What came of a group, once that is known.
type Outcome = Arc<OnceLock<Result<()>>>;

/// What one member writes for all.
struct Writing {
    ledger: Ledger,
    entry: Entry,
    group: Group,
}

impl Groups {
    /// After `today`, without a ledger in memory alone.
    pub(super) fn new(today: Today, ledger: Option<Ledger>) -> Self {
        let ledger = ledger.map_or(Place::Nowhere, Place::Free);
        let book = Book { today, ledger, next: Group::default() };
        Self { book: Mutex::new(book), settled: Condvar::new() }
    }

    /// Looks at what is counted, written or not.
    pub(super) fn look<T>(&self, look: impl FnOnce(&Today) -> T) -> T {
        look(&self.book().today)
    }

    /// Counts what `client` asks for if `permit`, which sees what was counted before, lets it; it is written down when this returns.
    ///
    /// # Errors
    /// That of `permit`, or it could not be written; nothing is counted then.
    pub(super) fn count(
        &self,
        day: u64,
        client: &str,
        asked: Spent,
        permit: impl FnOnce(&Today) -> Result<()>,
    ) -> Result<()> {
        let mut book = self.book();
        book.today.turn_to(day);
        permit(&book.today)?;
        book.today.add(client, asked);
        if matches!(book.ledger, Place::Nowhere) {
            return Ok(());
        }
        let outcome = book.join(client, asked);
        self.settle(book, &outcome)
    }

    /// Waits for what comes of a group, and writes for it if nobody else does.
    fn settle<'a>(&'a self, mut book: MutexGuard<'a, Book>, outcome: &Outcome) -> Result<()> {
        loop {
            if let Some(outcome) = outcome.get() {
                return outcome.as_ref().copied().map_err(told);
            }
            // A group that was taken knows its outcome before the ledger is free again, so this one is the next.
            book = match book.begin() {
                Some(writing) => {
                    drop(book);
                    self.write(writing)
                }
                None => self.settled.wait(book).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Writes without the lock, and comes back with it.
    fn write(&self, Writing { mut ledger, entry, group }: Writing) -> MutexGuard<'_, Book> {
        let written = catch_unwind(AssertUnwindSafe(|| ledger.write(&entry)));
        let written =
            written.unwrap_or_else(|_| Err(Error::Bug("writing the file of budgets panicked".into())));
        let mut book = self.book();
        if written.is_err() {
            book.take_back(&group.members);
        }
        book.ledger = Place::Free(ledger);
        group.outcome.get_or_init(|| written);
        self.settled.notify_all();
        book
    }

    /// Nothing panics while it holds the lock.
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    /// Joins the group that is written next.
    fn join(&mut self, client: &str, asked: Spent) -> Outcome {
        self.next.members.push(Member { day: self.today.day, client: client.to_owned(), asked });
        self.next.outcome.clone()
    }

    /// Takes the ledger, if it is free, and the group that is next. All that is counted is written already or of this group.
    fn begin(&mut self) -> Option<Writing> {
        let ledger = match std::mem::replace(&mut self.ledger, Place::Taken) {
            Place::Free(ledger) => ledger,
            elsewhere => {
                self.ledger = elsewhere;
                return None;
            }
        };
        let group = std::mem::take(&mut self.next);
        let clients: BTreeSet<&str> = group.members.iter().map(|member| &*member.client).collect();
        let entry = ledger.entry(&self.today, &clients);
        Some(Writing { ledger, entry, group })
    }

    /// Counts these no more; those of a day that is over are not counted any longer.
    fn take_back(&mut self, members: &[Member]) {
        for Member { day, client, asked } in members {
            if *day == self.today.day {
                self.today.take_back(client, *asked);
            }
        }
    }
}

/// The error of a group, for one more of its members.
fn told(error: &Error) -> Error {
    match error {
        Error::Io { what, source } => Error::io(what, io::Error::new(source.kind(), source.to_string())),
        Error::Bug(what) => Error::Bug(what.clone()),
        other => Error::Bug(other.to_string()),
    }
}

#[cfg(test)]
mod tests;
