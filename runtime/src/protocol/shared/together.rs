//! Inferences whose flights travel together, so that several images take as many flights as one.
//!
//! All follow the same message schedule. A flight of all is the flights of each, one after the other, equally long.
//!
//! ```text
//! client                                             server
//! flights of images 1, …, n, as one frame       ──▶
//!                                               ◀──  flights of images 1, …, n, as one frame
//! ```
//!
//! Every inference runs in a thread of its own. Who ends early, with an error, ends the others.
//!
//! # Who learns what
//!
//! What each inference tells; they have correlations and masks of their own.

use super::dialogue::{Flights, receive_flight, send_flight};
use crate::channel::{Connection, Traffic};
use crate::error::{Error, PeerFault, Result};
use crate::message::{Message, Role};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// A connection that several inferences share.
pub struct Together<'c> {
    state: Mutex<State<'c>>,
    changed: Condvar,
}

struct State<'c> {
    connection: &'c mut Connection,
    /// By inference: the flight that it has made, until all have.
    outgoing: Vec<Option<Vec<u8>>>,
    /// By inference: the flight that has come for it.
    incoming: Vec<Option<Vec<u8>>>,
    /// How many wait for a flight.
    waiting: usize,
    /// The first that failed.
    failed: Option<usize>,
}

/// One inference's part in it.
pub struct Seat<'t, 'c> {
    together: &'t Together<'c>,
    index: usize,
}

/// Tells the others when its inference fails, also by a panic.
struct Guard<'t, 'c> {
    together: &'t Together<'c>,
    index: usize,
    done: bool,
}

impl<'c> Together<'c> {
    /// For `inferences` of them.
    pub fn new(connection: &'c mut Connection, inferences: usize) -> Self {
        let nothing = || (0..inferences).map(|_| None).collect();
        let state = State { connection, outgoing: nothing(), incoming: nothing(), waiting: 0, failed: None };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Runs an inference in each seat, the first in this thread.
    ///
    /// # Errors
    /// That of the first that failed, or the system gives no thread.
    pub fn run<T: Send>(
        &self,
        inferences: Vec<impl FnOnce(Seat<'_, 'c>) -> Result<T> + Send>,
    ) -> Result<Vec<T>> {
        let mut inferences = inferences.into_iter().enumerate();
        let Some((_, first)) = inferences.next() else { return Ok(Vec::new()) };
        let outcomes = thread::scope(|scope| {
            let mut others = Vec::new();
            for (index, inference) in inferences {
                let run = move || self.seated(index, inference);
                match thread::Builder::new().spawn_scoped(scope, run) {
                    Ok(other) => others.push(other),
                    Err(error) => {
                        self.fail(index);
                        return Err(Error::io("cannot start a thread", error));
                    }
                }
            }
            let mut outcomes = vec![self.seated(0, first)];
            for other in others {
                let panicked = |_| Err(Error::Bug("an inference panicked".into()));
                outcomes.push(other.join().unwrap_or_else(panicked));
            }
            Ok(outcomes)
        })?;
        let failed = self.lock().failed;
        let mut outcomes = outcomes.into_iter();
        match failed.and_then(|failed| outcomes.nth(failed)) {
            Some(outcome) => outcome.map(|result| vec![result]),
            None => outcomes.collect(),
        }
    }

    fn seated<T>(&self, index: usize, inference: impl FnOnce(Seat<'_, 'c>) -> Result<T>) -> Result<T> {
        let mut guard = Guard { together: self, index, done: false };
        let outcome = inference(Seat { together: self, index });
        guard.done = outcome.is_ok();
        outcome
    }

    fn fail(&self, index: usize) {
        self.lock().failed.get_or_insert(index);
        self.changed.notify_all();
    }

    /// A thread that panicked has told so.
    fn lock(&self) -> MutexGuard<'_, State<'c>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Guard<'_, '_> {
    fn drop(&mut self) {
        if !self.done {
            self.together.fail(self.index);
        }
    }
}

impl Flights for Seat<'_, '_> {
    fn send(&mut self, flight: Vec<u8>) -> Result<()> {
        let mut state = self.together.lock();
        state.outgoing[self.index] = Some(flight);
        if state.outgoing.iter().any(Option::is_none) {
            return Ok(());
        }
        let flights: Vec<u8> = state.outgoing.iter_mut().filter_map(Option::take).flatten().collect();
        send_flight(state.connection, flights)
    }

    fn receive(&mut self, role: Role, allowed: u64) -> Result<Vec<u8>> {
        let mut state = self.together.lock();
        state.waiting += 1;
        if state.waiting == state.incoming.len() {
            state.receive(role, allowed)?;
            self.together.changed.notify_all();
        }
        let waits = |state: &mut State<'_>| state.incoming[self.index].is_none() && state.failed.is_none();
        let mut state =
            self.together.changed.wait_while(state, waits).unwrap_or_else(PoisonError::into_inner);
        state.incoming[self.index].take().ok_or_else(|| Error::Bug("another inference failed".into()))
    }

    fn traffic(&self) -> Traffic {
        self.together.lock().connection.traffic()
    }
}

impl State<'_> {
    /// The peer's flight, in equal parts.
    fn receive(&mut self, role: Role, allowed: u64) -> Result<()> {
        let inferences = self.incoming.len();
        let flights = receive_flight(self.connection, role, allowed.saturating_mul(inferences as u64))?;
        let each = flights.len() / inferences;
        if each * inferences != flights.len() || each == 0 {
            let (message, got) = (Message::Flight.name(), flights.len() as u64);
            return Err(PeerFault::WrongLength { message, expected: allowed * inferences as u64, got }.into());
        }
        for (incoming, flight) in self.incoming.iter_mut().zip(flights.chunks_exact(each)) {
            *incoming = Some(flight.to_vec());
        }
        self.waiting = 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ot::testing::together as both;

    /// Each sends its number and adds one to what comes back, three times.
    fn talk(mut seat: Seat<'_, '_>, mut number: u8) -> Result<u8> {
        for _ in 0..3 {
            seat.send(vec![number; 2])?;
            let flight = seat.receive(Role::Client, 2)?;
            assert_eq!(flight.len(), 2);
            number = flight[0] + 1;
        }
        Ok(number)
    }

    /// A peer that answers flights with twice their numbers.
    fn double(peer: &mut Connection) {
        while let Ok(flight) = receive_flight(peer, Role::Server, 100) {
            let _ = send_flight(peer, flight.iter().map(|x| 2 * x).collect());
        }
    }

    #[test]
    fn flights_of_all_are_one_frame_each_way() {
        let (results, traffic) = both(
            |client| {
                let results = {
                    let tasks = (1..=3).map(|number| move |seat: Seat<'_, '_>| talk(seat, number)).collect();
                    Together::new(client, 3).run(tasks).unwrap()
                };
                (results, client.traffic())
            },
            |peer| {
                for _ in 0..3 {
                    let flight = receive_flight(peer, Role::Server, 6).unwrap();
                    send_flight(peer, flight.iter().map(|x| 2 * x).collect()).unwrap();
                }
            },
        )
        .0;
        assert_eq!(results, [15, 23, 31]);
        assert_eq!((traffic.frames_sent, traffic.frames_received), (3, 3));
    }

    #[test]
    fn one_that_fails_ends_all_with_its_error() {
        for panics in [false, true] {
            let (result, ()) = both(
                |client| {
                    let task = |number: u8| {
                        move |seat: Seat<'_, '_>| match (number, panics) {
                            (2, true) => panic!("of the test"),
                            (2, false) => Err(Error::Refused("of the test".into())),
                            _ => talk(seat, number),
                        }
                    };
                    let result = Together::new(client, 3).run((1..=3).map(task).collect());
                    let _ = client.send(0, "end", Vec::new());
                    result
                },
                double,
            );
            let error = result.unwrap_err().to_string();
            let expected = if panics {
                "internal error: an inference panicked"
            } else {
                "the server refused: of the test"
            };
            assert_eq!(error, expected);
        }
    }

    #[test]
    fn a_flight_that_cannot_be_shared_is_refused() {
        for length in [0, 5, 7] {
            let (result, ()) = both(
                |client| {
                    let tasks = (1..=3).map(|number| move |seat: Seat<'_, '_>| talk(seat, number)).collect();
                    Together::new(client, 3).run(tasks)
                },
                |peer| {
                    receive_flight(peer, Role::Server, 6).unwrap();
                    send_flight(peer, vec![1; length]).unwrap();
                },
            );
            let error = result.unwrap_err();
            assert!(matches!(error, Error::PeerMisbehaved(PeerFault::WrongLength { .. })), "{error}");
        }
    }
}
