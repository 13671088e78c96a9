//! Two parties that take turns, each flight carrying all that its sender could send by then.
//!
//! Requires: both follow the same [`super::message_schedule`], in which the client has something to say before the server
//! needs anything; then no two flights cross and nobody waits for ever. Guarantees: a peer that sends more, less or other
//! than agreed ends with a typed error, and what it may send is bounded before memory is taken.

use crate::channel::{Connection, Limit, Traffic};
use crate::error::{PeerFault, Result};
use crate::message::{self, Message, Role};

const NAME: &str = Message::Flight.name();

/// What carries a dialogue's flights.
pub trait Flights: Send {
    /// Sends one.
    ///
    /// # Errors
    /// The peer hung up.
    fn send(&mut self, flight: Vec<u8>) -> Result<()>;

    /// The peer's next, of `allowed` bytes at most, at the party of `role`.
    ///
    /// # Errors
    /// It is another frame or too long, or the peer hung up.
    fn receive(&mut self, role: Role, allowed: u64) -> Result<Vec<u8>>;

    /// What went over the connection so far.
    fn traffic(&self) -> Traffic;
}

impl Flights for &mut Connection {
    fn send(&mut self, flight: Vec<u8>) -> Result<()> {
        send_flight(self, flight)
    }

    fn receive(&mut self, role: Role, allowed: u64) -> Result<Vec<u8>> {
        receive_flight(self, role, allowed)
    }

    fn traffic(&self) -> Traffic {
        Connection::traffic(self)
    }
}

/// Sends a flight as a frame.
pub(super) fn send_flight(connection: &mut Connection, flight: Vec<u8>) -> Result<()> {
    message::send(connection, Message::Flight, flight)
}

/// The frame that is the peer's next flight, of `allowed` bytes at most.
pub(super) fn receive_flight(connection: &mut Connection, role: Role, allowed: u64) -> Result<Vec<u8>> {
    message::receive_at(connection, role, Message::Flight, Limit::AtMost(allowed))
}

/// A party's side of it.
pub(super) struct Dialogue<'c> {
    flights: Box<dyn Flights + 'c>,
    role: Role,
    /// Whether the next flight is this party's.
    turn: bool,
    /// Queued for the next flight.
    outgoing: Vec<u8>,
    /// The flight under way.
    incoming: Vec<u8>,
    /// Bytes of it that were read.
    received: usize,
    /// What the peer may send in later flights.
    allowed: u64,
}

impl<'c> Dialogue<'c> {
    /// Of `role`, in which the peer will send `allowed` bytes.
    pub(super) fn new(flights: impl Flights + 'c, role: Role, allowed: u64) -> Self {
        Self {
            flights: Box::new(flights),
            role,
            turn: role == Role::Client,
            outgoing: Vec::new(),
            incoming: Vec::new(),
            received: 0,
            allowed,
        }
    }

    /// Queues a message for the next flight, which goes when something of the peer's is needed.
    pub(super) fn queue(&mut self, mut message: Vec<u8>) {
        #[cfg(test)]
        crate::testing::taint::show(&message);
        self.outgoing.append(&mut message);
    }

    /// What went over its connection so far.
    pub(super) fn traffic(&self) -> Traffic {
        self.flights.traffic()
    }

    /// The peer's next `length` bytes.
    ///
    /// # Errors
    /// The peer's flight is another frame, too long or too short, or it hung up.
    pub(super) fn receive(&mut self, length: u64) -> Result<Vec<u8>> {
        if length > 0 && self.received == self.incoming.len() {
            if self.turn {
                self.send_flight()?;
            }
            self.receive_flight()?;
            self.turn = true;
        }
        let rest = &self.incoming[self.received..];
        let message = usize::try_from(length).ok().and_then(|length| rest.get(..length));
        let message = message.ok_or_else(|| wrong_length(length, rest.len()))?.to_vec();
        self.received += message.len();
        Ok(message)
    }

    /// Sends what is queued; what went over the connection in all.
    ///
    /// # Errors
    /// The peer hung up, or sent more than was read or less than agreed.
    pub(super) fn finish(mut self) -> Result<Traffic> {
        if self.received < self.incoming.len() || self.allowed > 0 {
            return Err(wrong_length(self.received as u64 + self.allowed, self.incoming.len()).into());
        }
        self.send_flight()?;
        Ok(self.traffic())
    }

    fn send_flight(&mut self) -> Result<()> {
        if self.outgoing.is_empty() {
            return Ok(());
        }
        self.flights.send(std::mem::take(&mut self.outgoing))
    }

    fn receive_flight(&mut self) -> Result<()> {
        self.incoming = self.flights.receive(self.role, self.allowed)?;
        self.allowed -= self.incoming.len() as u64;
        self.received = 0;
        Ok(())
    }
}

const fn wrong_length(expected: u64, got: usize) -> PeerFault {
    PeerFault::WrongLength { message: NAME, expected, got: got as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::ot::testing::together;

    fn refused(flights: &[(u8, usize)]) -> PeerFault {
        let ((), result) = together(
            |peer| {
                for &(tag, length) in flights {
                    peer.send(tag, "?", vec![0; length]).unwrap();
                }
            },
            |connection| {
                let mut dialogue = Dialogue::new(connection, Role::Server, 20);
                dialogue.receive(10)?;
                dialogue.receive(10)?;
                dialogue.finish().map(drop)
            },
        );
        match result {
            Err(Error::PeerMisbehaved(fault)) => fault,
            other => panic!("a fault of the peer's, not {other:?}"),
        }
    }

    #[test]
    fn hostile_flights_end_with_a_typed_error() {
        assert!(matches!(refused(&[(9, 10)]), PeerFault::WrongMessage { expected: NAME, .. }));
        assert!(matches!(refused(&[(Message::Flight as u8, 10)]), PeerFault::HungUp(NAME)));
        assert!(matches!(refused(&[]), PeerFault::HungUp(NAME)));
        for length in [0, 9, 15, 21] {
            let fault = refused(&[(Message::Flight as u8, length)]);
            assert!(matches!(fault, PeerFault::WrongLength { got, .. } if got <= 21), "{length}");
        }
        let fault = refused(&[(Message::Flight as u8, 10), (Message::Flight as u8, 11)]);
        assert!(matches!(fault, PeerFault::WrongLength { expected: 10, got: 11, .. }));
    }

    #[test]
    fn a_flight_carries_all_that_was_said() {
        let (ours, theirs) = together(
            |connection| {
                let mut client = Dialogue::new(&mut *connection, Role::Client, 3);
                client.queue(vec![1]);
                client.queue(vec![2, 3]);
                let received = client.receive(3).unwrap();
                client.finish().unwrap();
                (received, connection.traffic())
            },
            |connection| {
                let mut server = Dialogue::new(connection, Role::Server, 3);
                server.queue(vec![4]); // Before the client's first flight, which does not cross it.
                let received = [server.receive(0), server.receive(1), server.receive(2)].map(Result::unwrap);
                server.queue(vec![5]);
                server.queue(vec![6]);
                server.finish().unwrap();
                received
            },
        );
        assert_eq!((ours.0, ours.1.frames_sent, ours.1.frames_received), (vec![4, 5, 6], 1, 1));
        assert_eq!(theirs, [vec![], vec![1], vec![2, 3]]);
    }
}
