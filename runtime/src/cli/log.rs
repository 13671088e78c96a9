//! What `popcorn serve` writes on standard error: a line for each phase that was done for a client, and one for each session's end.
//!
//! No line holds a secret: addresses, certificates' fingerprints, the plan's digest, counts, seconds and bytes. What a peer may have
//! written is escaped, so that it forges no line; and what costs a peer nothing (connections for which nothing was done, preparations
//! that were declined) shares a few lines a second.

use super::flood::Flood;
use super::memory;
use clap::ValueEnum;
use runtime::Error;
use runtime::console;
use runtime::observe::{Spent, peak_memory};
use runtime::plan::{Hexadecimal, is_deceptive};
use runtime::roles::watch::{self, Caller, Departure, Done, End, PhaseReport, ServerObserver, Session};
use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tracing::field::{DisplayValue, display};
use tracing::{Level, Subscriber, info};
use tracing_subscriber::fmt::MakeWriter;

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// For people: time, level, what happened, NAME=VALUE
    Text,
    /// A JSON object a line
    Json,
}

/// Writes what is logged from now on to standard error.
pub(crate) fn begin(form: Form) {
    // There is one already only where this was called before.
    let _ = tracing::subscriber::set_global_default(subscriber(form, std::io::stderr));
}

/// What writes lines of this form to `writer`; a writer that fails loses lines.
fn subscriber<W>(form: Form, writer: W) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt()
        .with_writer(writer)
        .with_ansi(false)
        .with_target(false)
        .with_max_level(if console::is_quiet() { Level::WARN } else { Level::INFO })
        .log_internal_errors(false);
    match form {
        Form::Text => Box::new(lines.finish()),
        Form::Json => Box::new(lines.json().flatten_event(true).finish()),
    }
}

/// Writes a line for each phase and each departure, and gives memory back to the system. Copies are the same log.
#[derive(Clone)]
pub(crate) struct Log {
    strangers: Arc<Mutex<Flood>>,
}

impl Log {
    pub(crate) fn new() -> Self {
        Self { strangers: Arc::new(Mutex::new(Flood::new(Instant::now()))) }
    }

    /// Nobody comes any more: says how many lines were left out.
    pub(crate) fn finish(&self) {
        let missed = self.strangers().rest();
        tell_missed(missed);
    }

    /// Nothing panics while it holds the lock.
    fn strangers(&self) -> MutexGuard<'_, Flood> {
        self.strangers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says how many lines were left out, where some were.
fn tell_missed(missed: Option<u64>) {
    if let Some(missed) = missed {
        info!(missed, "{missed} more were not logged");
    }
}

impl ServerObserver for Log {
    fn did(&self, caller: &Caller, session: Session, phase: &PhaseReport) {
        let what = match phase.done {
            Done::Prepared(_) => "prepared",
            Done::Answered(_) => "answered",
            Done::Kept(_) => "kept for later",
            Done::Taken(_) => "taken from the store",
        };
        let count = phase.done.count();
        let (Who { client, certificate, name }, Session { number, plan }) = (Who::of(caller), session);
        let Took { seconds, sent, received } = Took::of(&phase.spent);
        info!(client, certificate, name, session = number, %plan, count, seconds, sent, received, "{what}");
    }

    fn declined(&self, caller: &Caller, session: Session, asked: Done, error: &Error) {
        if !self.strangers().lets_through(Instant::now()) {
            return;
        }
        let (Who { client, certificate, name }, Session { number, plan }) = (Who::of(caller), session);
        let (count, reason, error) =
            (asked.count(), display(watch::reason(error)), escaped(&error.to_string()));
        let what = match asked {
            Done::Kept(_) => "could not keep",
            Done::Taken(_) => "could not take all from the store",
            Done::Prepared(_) | Done::Answered(_) => "declined to prepare",
        };
        info!(client, certificate, name, session = number, %plan, count, reason, error, "{what}");
    }

    fn departed(&self, departure: &Departure) {
        if departure.session.is_some() {
            memory::give_back();
        }
        let missed = self.strangers().missed(Instant::now());
        tell_missed(missed);
        let was_served = departure.prepared + departure.taken + departure.answered > 0;
        if !was_served && !self.strangers().lets_through(Instant::now()) {
            return;
        }
        let Departure { caller, session, prepared, answered, spent, end, .. } = departure;
        let Who { client, certificate, name } = Who::of(caller);
        let (number, plan) =
            (session.map(|session| session.number), session.map(|session| display(session.plan)));
        let Took { seconds, sent, received } = Took::of(spent);
        let (reason, error) = (display(end.reason()), explained(end));
        info!(
            client,
            certificate,
            name,
            session = number,
            plan,
            reason,
            error,
            prepared,
            answered,
            seconds,
            sent,
            received,
            peak_memory = peak_memory(),
            "{}",
            if session.is_some() { "session ended" } else { "connection ended" }
        );
    }
}

/// A client, as lines name it.
struct Who {
    client: Option<DisplayValue<SocketAddr>>,
    certificate: Option<DisplayValue<String>>,
    name: Option<DisplayValue<Arc<str>>>,
}

impl Who {
    fn of(caller: &Caller) -> Self {
        Self {
            client: caller.address.map(display),
            certificate: caller.certificate.map(|sha256| display(Hexadecimal(&sha256).to_string())),
            name: caller.name.clone().map(display),
        }
    }
}

/// Time and bytes, as lines state them.
struct Took {
    seconds: f64,
    sent: u64,
    received: u64,
}

impl Took {
    fn of(Spent { elapsed, traffic }: &Spent) -> Self {
        let milliseconds = elapsed.as_millis() as f64;
        Self { seconds: milliseconds / 1e3, sent: traffic.sent, received: traffic.received }
    }
}

/// More than the reason, where there is more.
fn explained(end: &End) -> Option<String> {
    match end {
        End::Answered(_) => None,
        End::TurnedAway => Some("all places are taken (--max-clients)".into()),
        End::Crowded => Some("there are too many connections (--max-per-address)".into()),
        End::Failed(error) => Some(escaped(&error.to_string())),
    }
}

/// A text in which every character that could deceive whoever reads it, such as the end of a line, is written as `\u{a}`.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if is_deceptive(c) {
            // Writing to a string cannot fail.
            let _ = write!(safe, "{}", c.escape_unicode());
        } else {
            safe.push(c);
        }
    }
    safe
}

#[cfg(test)]
mod tests;
