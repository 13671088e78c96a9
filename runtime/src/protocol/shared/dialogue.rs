//! Two parties that take turns, each flight carrying all that its sender knew to say.
//!
//! Requires: both follow the same order of words, as [`super::transcript`] tells it; then no two flights cross and
//! nobody waits for ever. Guarantees: a peer that says more, less or other than agreed ends with a typed error, and
//! what it may send is bounded before memory is taken.

use crate::channel::{Connection, Limit, Traffic};
use crate::error::{PeerFault, Result};
use crate::message::{self, Message, Role};

const NAME: &str = Message::Flight.name();

/// A party's side of it.
pub(super) struct Dialogue<'c> {
    connection: &'c mut Connection,
    role: Role,
    /// Said and not sent.
    outgoing: Vec<u8>,
    /// The flight under way.
    incoming: Vec<u8>,
    /// Bytes of it that were heard.
    heard: usize,
    /// What the peer may send in later flights.
    allowed: u64,
}

impl<'c> Dialogue<'c> {
    /// Of `role`, in which the peer will say `allowed` bytes.
    pub(super) fn new(connection: &'c mut Connection, role: Role, allowed: u64) -> Self {
        Self { connection, role, outgoing: Vec::new(), incoming: Vec::new(), heard: 0, allowed }
    }

    /// Says something; it is sent when the peer must be heard.
    pub(super) fn say(&mut self, mut message: Vec<u8>) {
        self.outgoing.append(&mut message);
    }

    /// What went over its connection so far.
    pub(super) const fn traffic(&self) -> Traffic {
        self.connection.traffic()
    }

    /// The peer's next `length` bytes.
    ///
    /// # Errors
    /// The peer's flight is another frame, too long or too short, or it hung up.
    pub(super) fn hear(&mut self, length: u64) -> Result<Vec<u8>> {
        if length > 0 && self.heard == self.incoming.len() {
            self.send()?;
            self.receive()?;
        }
        let rest = &self.incoming[self.heard..];
        let words = usize::try_from(length).ok().and_then(|length| rest.get(..length));
        let words = words.ok_or_else(|| wrong_length(length, rest.len()))?.to_vec();
        self.heard += words.len();
        Ok(words)
    }

    /// Sends what is said; what went over the connection in all.
    ///
    /// # Errors
    /// The peer hung up, or said more than was heard or less than agreed.
    pub(super) fn finish(mut self) -> Result<Traffic> {
        if self.heard < self.incoming.len() || self.allowed > 0 {
            return Err(wrong_length(self.heard as u64 + self.allowed, self.incoming.len()).into());
        }
        self.send()?;
        Ok(self.traffic())
    }

    fn send(&mut self) -> Result<()> {
        if self.outgoing.is_empty() {
            return Ok(());
        }
        message::send(self.connection, Message::Flight, std::mem::take(&mut self.outgoing))
    }

    fn receive(&mut self) -> Result<()> {
        let limit = Limit::AtMost(self.allowed);
        self.incoming = message::receive_at(self.connection, self.role, Message::Flight, limit)?;
        self.allowed -= self.incoming.len() as u64;
        self.heard = 0;
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
                dialogue.hear(10)?;
                dialogue.hear(10)?;
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
                let mut client = Dialogue::new(connection, Role::Client, 3);
                client.say(vec![1]);
                client.say(vec![2, 3]);
                let heard = client.hear(3).unwrap();
                client.finish().unwrap();
                (heard, connection.traffic())
            },
            |connection| {
                let mut server = Dialogue::new(connection, Role::Server, 3);
                let heard = [server.hear(0), server.hear(1), server.hear(2)].map(Result::unwrap);
                server.say(vec![4, 5]);
                server.say(vec![6]);
                server.finish().unwrap();
                heard
            },
        );
        assert_eq!((ours.0, ours.1.frames_sent, ours.1.frames_received), (vec![4, 5, 6], 1, 1));
        assert_eq!(theirs, [vec![], vec![1], vec![2, 3]]);
    }
}
