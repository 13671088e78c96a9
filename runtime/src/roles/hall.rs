//! The clients that a listener has let in: how many have places, which of them wait, and how all of them come to an end.
//!
//! A hall is open, closed (nobody else is let in, and sessions go on) or ending. When it begins to end, clients that ask for
//! nothing are woken and told; those for whom something is done are told when it is done. Whoever is still there when the time is
//! over is cut off.

use crate::channel::{CancellationToken, Connection, Wake};
use crate::error::{Error, Result};
use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

/// How long clients that are cut off have to leave.
const CUT_GRACE: Duration = Duration::from_secs(1);

/// All clients of a listener. Copies are the same hall.
#[derive(Clone)]
pub struct Hall(Arc<Inner>);

struct Inner {
    bounds: Bounds,
    state: Mutex<State>,
    /// Somebody has left.
    left: Condvar,
    cut: CancellationToken,
}

#[derive(Default)]
struct State {
    door: Door,
    guests: HashMap<u64, Entry>,
    /// The number of the next guest.
    next: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Door {
    #[default]
    Open,
    Closed,
    Ending,
}

/// What the hall knows of one client.
#[derive(Default)]
struct Entry {
    has_place: bool,
    /// Nothing is done for it.
    is_idle: bool,
    /// It was told to expect nothing more.
    was_woken: bool,
    /// Inferences that are prepared for it, and bytes of memory that they take.
    prepared: (u64, u64),
    /// What is done for it at the moment: core-seconds, as predicted, and bytes that it will keep.
    task: (f64, u64),
    stream: Option<Weak<dyn Wake>>,
}

/// How much there may be of everything at the same time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// Clients that are served.
    pub places: usize,
    /// Core-seconds of all that is being done, as predicted when it was begun; one client is always served.
    pub core_seconds: f64,
    /// Bytes of memory of what is prepared for all clients; where nothing is, as much as is asked for.
    pub prepared_bytes: u64,
}

impl Bounds {
    /// So many clients, whatever they ask for.
    pub const fn places(places: usize) -> Self {
        Self { places, core_seconds: f64::INFINITY, prepared_bytes: u64::MAX }
    }
}

/// How a hall stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    /// Clients that may be served at the same time.
    pub places: usize,
    /// Clients that are served: they have sent their keys, and have places.
    pub sessions: usize,
    /// Those of them for whom something is prepared or answered at the moment.
    pub working: usize,
    /// Connections, those of clients without a place included; not those whose TLS handshake is not finished.
    pub connections: usize,
    /// Inferences that are prepared for them.
    pub prepared: u64,
    /// Bytes of memory that these take.
    pub prepared_bytes: u64,
    /// Core-seconds of all that is being done, as predicted when it was begun.
    pub core_seconds: f64,
    /// Nobody else is let in.
    pub is_closed: bool,
}

impl Standing {
    /// Whether a further client would be served.
    pub const fn is_ready(&self) -> bool {
        !self.is_closed && self.sessions < self.places
    }
}

impl Hall {
    /// An open hall with so many places.
    pub fn new(places: usize) -> Self {
        Self::within(Bounds::places(places))
    }

    /// An open hall with these bounds.
    pub fn within(bounds: Bounds) -> Self {
        let (state, left, cut) = (Mutex::default(), Condvar::new(), CancellationToken::new());
        Self(Arc::new(Inner { bounds, state, left, cut }))
    }

    /// How it stands.
    pub fn standing(&self) -> Standing {
        let state = self.state();
        let count = |of: fn(&Entry) -> bool| state.guests.values().filter(|guest| of(guest)).count();
        Standing {
            places: self.0.bounds.places,
            sessions: count(|guest| guest.has_place),
            working: count(|guest| guest.has_place && !guest.is_idle),
            connections: state.guests.len(),
            prepared: state.guests.values().map(|guest| guest.prepared.0).sum(),
            prepared_bytes: state.guests.values().map(|guest| guest.prepared.1).sum(),
            core_seconds: state.core_seconds(),
            is_closed: state.door != Door::Open,
        }
    }

    /// Whether nobody else is let in.
    pub fn is_closed(&self) -> bool {
        self.state().door != Door::Open
    }

    /// Lets nobody else in; sessions go on.
    pub fn close(&self) {
        let mut state = self.state();
        if state.door == Door::Open {
            state.door = Door::Closed;
        }
    }

    /// Lets nobody else in, and begins to end: clients that wait are told at once, the others when what they asked for is done.
    /// How many connections there are.
    pub fn end(&self) -> usize {
        let mut state = self.state();
        state.door = Door::Ending;
        let waiting = state.guests.values_mut().filter(|guest| guest.is_idle);
        let woken = waiting.filter_map(|guest| {
            guest.was_woken = true;
            guest.stream.as_ref()?.upgrade()
        });
        let woken: Vec<_> = woken.collect();
        let present = state.guests.len();
        drop(state); // a stream may be dropped after it
        woken.iter().for_each(|stream| stream.stop_reading());
        present
    }

    /// Waits `within` until everybody has left, and cuts off who has not; those have a second to notice it. How many were cut off.
    pub fn drain(&self, within: Duration) -> usize {
        let cut = self.wait(within);
        if cut > 0 {
            self.0.cut.cancel();
            self.wait(CUT_GRACE);
        }
        cut
    }

    /// How many are still there when all have left, or the time is over.
    fn wait(&self, within: Duration) -> usize {
        let start = Instant::now();
        let mut state = self.state();
        while !state.guests.is_empty() {
            let Some(rest) = within.checked_sub(start.elapsed()).filter(|rest| !rest.is_zero()) else {
                break;
            };
            let woken = self.0.left.wait_timeout(state, rest);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.guests.len()
    }

    /// A client has come; its connection ends when the hall cuts it off.
    pub(super) fn enter(&self, connection: Connection) -> (Guest, Connection) {
        let connection = connection.cancelled_by(&self.0.cut);
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        state.guests.insert(number, Entry { stream: connection.stream(), ..Entry::default() });
        (Guest { hall: self.clone(), number }, connection)
    }

    /// Nothing panics while it holds the lock.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn core_seconds(&self) -> f64 {
        // The sum of nothing would be -0.
        self.guests.values().fold(0.0, |sum, guest| sum + guest.task.0)
    }

    /// Of what is prepared, and of what is being prepared.
    fn prepared_bytes(&self) -> u64 {
        self.guests
            .values()
            .fold(0, |sum, guest| sum.saturating_add(guest.prepared.1).saturating_add(guest.task.1))
    }
}

/// A client in a hall, until it is dropped, which also happens while a thread unwinds.
pub(super) struct Guest {
    hall: Hall,
    number: u64,
}

/// A guest's place; dropping it makes room for another, and gives up what is prepared.
pub(super) struct Place {
    hall: Hall,
    number: u64,
}

impl Guest {
    /// A place, where one is free.
    pub(super) fn take_place(&self) -> Option<Place> {
        let mut state = self.hall.state();
        let taken = state.guests.values().filter(|guest| guest.has_place).count();
        let entry = state.guests.get_mut(&self.number).filter(|_| taken < self.hall.0.bounds.places)?;
        entry.has_place = true;
        Some(Place { hall: self.hall.clone(), number: self.number })
    }

    /// So many inferences are prepared for it now, which take so many bytes of memory.
    pub(super) fn set_prepared(&self, inferences: u64, bytes: u64) {
        if let Some(entry) = self.hall.state().guests.get_mut(&self.number) {
            entry.prepared = (inferences, bytes);
        }
    }

    /// Something is done for it from now on until it waits again, which takes so many core-seconds, and leaves so many bytes behind.
    ///
    /// # Errors
    /// [`Error::Busy`] where that is more than the bounds allow; [`Error::Ending`].
    pub(super) fn begin(&self, core_seconds: f64, bytes: u64) -> Result<()> {
        let mut state = self.hall.state();
        let Bounds { core_seconds: most, prepared_bytes, .. } = self.hall.0.bounds;
        let under_way = state.core_seconds();
        if core_seconds > 0.0 && under_way > 0.0 && under_way + core_seconds > most {
            return Err(Error::Busy("to do"));
        }
        let held = state.prepared_bytes();
        if bytes > 0 && held > 0 && held.saturating_add(bytes) > prepared_bytes {
            return Err(Error::Busy("prepared"));
        }
        if let Some(entry) = state.guests.get_mut(&self.number) {
            entry.task = (core_seconds, bytes);
        }
        drop(state);
        self.set_idle(false)
    }

    /// From now on it waits for the client, or does something for it.
    ///
    /// # Errors
    /// [`Error::Ending`] where nothing more is to be begun.
    pub(super) fn set_idle(&self, is_idle: bool) -> Result<()> {
        let mut state = self.hall.state();
        let is_ending = state.door == Door::Ending;
        if let Some(entry) = state.guests.get_mut(&self.number) {
            entry.is_idle = is_idle && !is_ending;
            if is_idle {
                entry.task = (0.0, 0);
            }
        }
        if is_ending { Err(Error::Ending) } else { Ok(()) }
    }

    /// Whether it was told to expect nothing more while it waited.
    pub(super) fn was_woken(&self) -> bool {
        self.hall.state().guests.get(&self.number).is_some_and(|entry| entry.was_woken)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(entry) = self.hall.state().guests.get_mut(&self.number) {
            (entry.has_place, entry.prepared, entry.task) = (false, (0, 0), (0.0, 0));
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let entry = self.hall.state().guests.remove(&self.number);
        drop(entry); // outside the lock: with it a stream may go
        self.hall.0.left.notify_all();
    }
}
