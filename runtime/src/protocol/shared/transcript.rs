//! What protocols of two parties that take turns send, and which OTs they use: predicted by saying their messages'
//! lengths in order.
//!
//! A party's words wait until it must hear the other's, so that one flight of one party carries all that it knew to
//! say; flights alternate. Where both parties speak, the one whose turn it is sends, and the other's words begin its
//! next flight, behind which it adds what it has learnt. The client begins. (`dialogue.rs` does it.)

use crate::channel::frame::HEADER_BYTES;
use crate::ot::Sent;

/// One of the two parties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Begins; chooses where the masked messages are the longer half.
    Client,
    /// The other one.
    Server,
}

impl Role {
    /// The other party.
    pub const fn peer(self) -> Self {
        match self {
            Role::Client => Role::Server,
            Role::Server => Role::Client,
        }
    }
}

/// One thing for each party.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Each<T> {
    /// The client's.
    pub client: T,
    /// The server's.
    pub server: T,
}

impl<T> Each<T> {
    /// One party's.
    pub const fn of(&self, role: Role) -> &T {
        match role {
            Role::Client => &self.client,
            Role::Server => &self.server,
        }
    }

    const fn of_mut(&mut self, role: Role) -> &mut T {
        match role {
            Role::Client => &mut self.client,
            Role::Server => &mut self.server,
        }
    }
}

/// What a protocol costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// What each party sends.
    pub sent: Each<Sent>,
    /// The random OTs in which each party chooses.
    pub choices: Each<usize>,
}

impl Cost {
    /// Messages one after another, of both parties; two make a round trip.
    pub const fn flights(&self) -> u64 {
        self.sent.client.frames + self.sent.server.frames
    }

    /// Bytes of both parties.
    pub const fn bytes(&self) -> u64 {
        self.sent.client.bytes + self.sent.server.bytes
    }

    /// What `role` hears, headers left out.
    pub(super) const fn heard_by(&self, role: Role) -> u64 {
        let sent = self.sent.of(role.peer());
        sent.bytes - sent.frames * HEADER_BYTES as u64
    }
}

/// A protocol's cost as it is written down, message by message.
pub(super) struct Transcript {
    cost: Cost,
    /// Who sends the next flight.
    turn: Role,
    /// Bytes of it.
    pending: u64,
}

impl Transcript {
    /// The cost of what `write` writes down.
    pub(super) fn cost(write: impl FnOnce(&mut Transcript)) -> Cost {
        let mut transcript = Self { cost: Cost::default(), turn: Role::Client, pending: 0 };
        write(&mut transcript);
        transcript.send();
        transcript.cost
    }

    /// A party says so many bytes, and the other waits for them.
    pub(super) fn says(&mut self, role: Role, bytes: u64) {
        if bytes > 0 && self.turn != role {
            self.send();
        }
        self.pending += bytes;
    }

    /// Both parties say so many bytes that do not depend on each other, and wait for the other's.
    pub(super) fn both(&mut self, bytes: Each<u64>) {
        let first = self.turn;
        self.says(first, *bytes.of(first));
        self.says(first.peer(), *bytes.of(first.peer()));
    }

    /// A party chooses in so many random OTs.
    pub(super) fn chooses(&mut self, role: Role, ots: usize) {
        *self.cost.choices.of_mut(role) += ots;
    }

    fn send(&mut self) {
        if self.pending > 0 {
            let sent = self.cost.sent.of_mut(self.turn);
            *sent = *sent + Sent::frame(self.pending);
        }
        self.pending = 0;
        self.turn = self.turn.peer();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn sent(bytes: u64, frames: u64) -> Sent {
        Sent { bytes: bytes + frames * HEADER_BYTES as u64, frames }
    }

    #[test]
    fn words_wait_for_their_partys_turn() {
        let cost = Transcript::cost(|transcript| {
            transcript.says(Role::Client, 10);
            transcript.says(Role::Server, 20);
            transcript.both(Each { client: 1, server: 2 }); // The server's with the 20, then the client's.
            transcript.both(Each { client: 3, server: 4 }); // The client's with its 1, then the server's.
            transcript.chooses(Role::Server, 7);
        });
        assert_eq!(cost.sent, Each { client: sent(14, 2), server: sent(26, 2) });
        assert_eq!(cost.choices, Each { client: 0, server: 7 });
        assert_eq!((cost.flights(), cost.heard_by(Role::Client)), (4, 26));
    }

    #[test]
    fn silence_is_no_flight() {
        let cost = Transcript::cost(|transcript| {
            transcript.says(Role::Server, 0);
            transcript.both(Each::default());
            transcript.says(Role::Server, 5);
            transcript.both(Each { client: 0, server: 1 });
        });
        assert_eq!(cost.sent, Each { client: sent(0, 0), server: sent(6, 1) });
    }
}
