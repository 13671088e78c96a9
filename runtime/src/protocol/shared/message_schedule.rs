//! What protocols of two parties that take turns send, and which correlations they use: predicted by listing their
//! messages' lengths in order.
//!
//! A party queues its messages until it needs one of the other's, so that one flight carries all that its sender could
//! send by then; flights alternate. Where both have something to send, the one whose turn it is sends, and the other's
//! messages begin its next flight, to which it adds what follows from those that it received. The client begins.
//! (`dialogue.rs` does it.)

use crate::channel::frame::FRAME_BYTES;
use crate::ot::{Batch, CorrelationKind, PerParty, Role, Sent, Width};
use std::ops::AddAssign;

/// What the parties of protocols send, and which correlations they use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Communication {
    /// What each party sends, frame headers included.
    pub sent: PerParty<Sent>,
    /// The correlations that they use, in order.
    pub batches: Vec<Batch>,
    /// Of how many of these, the first, the client has told its masked bits ahead.
    pub ahead: usize,
}

impl Communication {
    /// Messages one after another, of both parties; two make a round trip.
    #[cfg(test)]
    pub(super) const fn flights(&self) -> u64 {
        self.sent.client.frames + self.sent.server.frames
    }

    /// Bytes that both parties send together, frame headers included.
    pub const fn bytes(&self) -> u64 {
        self.sent.client.bytes + self.sent.server.bytes
    }

    /// What the client tells ahead, the frame's header left out.
    pub fn ahead_bytes(&self) -> u64 {
        self.batches[..self.ahead].iter().map(Batch::opening_bytes).sum()
    }

    /// What `role` receives online, headers left out.
    pub const fn received_by(&self, role: Role) -> u64 {
        let sent = self.sent.get(role.peer());
        sent.bytes - sent.frames * FRAME_BYTES as u64
    }
}

impl AddAssign for Communication {
    /// One after the other; the second tells nothing ahead.
    fn add_assign(&mut self, other: Self) {
        self.sent.client = self.sent.client + other.sent.client;
        self.sent.server = self.sent.server + other.sent.server;
        self.batches.extend(other.batches);
    }
}

/// The cost of protocols as it is written down, message by message.
#[derive(Clone, Debug)]
pub struct MessageSchedule {
    /// What was sent and used since the last mark.
    cost: Communication,
    /// Who sends the next flight.
    turn: Role,
    /// Bytes of the next flight so far.
    pending: u64,
    /// Whether the client has told ahead what it opens next.
    ahead: bool,
}

impl Default for MessageSchedule {
    fn default() -> Self {
        Self::new()
    }
}

impl MessageSchedule {
    /// A schedule without messages; the client begins.
    pub fn new() -> Self {
        Self { cost: Communication::default(), turn: Role::Client, pending: 0, ahead: false }
    }

    /// A party sends `count` numbers, and the other waits for them.
    pub fn sends_numbers(&mut self, role: Role, width: Width, count: usize) {
        self.sends(role, width.bytes(count));
    }

    /// Begins a step; `ahead`: the client has its shares ahead, and tells ahead what it opens first.
    pub fn begin(&mut self, ahead: bool) {
        self.ahead = ahead;
    }

    /// What was sent and used since the last mark. A flight counts where it is sent: when its sender needs something of the
    /// peer.
    pub fn mark(&mut self) -> Communication {
        std::mem::take(&mut self.cost)
    }

    /// What was sent and used since the last mark, and the last flight.
    pub fn finish(mut self) -> Communication {
        self.flush();
        self.cost
    }

    /// A party sends so many bytes, and the other waits for them.
    pub(super) fn sends(&mut self, role: Role, bytes: u64) {
        if bytes > 0 && self.turn != role {
            self.flush();
        }
        self.pending += bytes;
    }

    /// Both parties send so many bytes that do not depend on each other, and wait for the other's.
    pub(super) fn both(&mut self, bytes: PerParty<u64>) {
        let first = self.turn;
        self.sends(first, *bytes.get(first));
        self.sends(first.peer(), *bytes.get(first.peer()));
    }

    /// Both parties open bits for evaluations of these batches, unless the client has done so ahead.
    pub(super) fn opens(&mut self, batches: Vec<Batch>) {
        let bytes = batches.iter().map(Batch::opening_bytes).sum();
        if std::mem::take(&mut self.ahead) {
            debug_assert!(self.cost.batches.is_empty(), "a step's first batches are told ahead");
            self.cost.ahead = batches.len();
            self.sends(Role::Server, bytes);
        } else {
            self.both(PerParty { client: bytes, server: bytes });
        }
        self.cost.batches.extend(batches);
    }

    /// Both parties use their halves of `count` correlations.
    pub(super) fn uses(&mut self, kind: CorrelationKind, count: usize) {
        self.cost.batches.push(Batch { kind, count });
    }

    fn flush(&mut self) {
        if self.pending > 0 {
            let sent = self.cost.sent.get_mut(self.turn);
            *sent = *sent + Sent::frame(self.pending);
        }
        self.pending = 0;
        self.turn = self.turn.peer();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ot::Formula;

    const fn sent(bytes: u64, frames: u64) -> Sent {
        Sent { bytes: bytes + frames * FRAME_BYTES as u64, frames }
    }

    #[test]
    fn messages_wait_for_their_partys_turn() {
        let mut messages = MessageSchedule::new();
        messages.sends(Role::Client, 10);
        assert_eq!(messages.mark(), Communication::default());
        messages.sends_numbers(Role::Server, Width::BIT, 155);
        messages.uses(CorrelationKind::Masked(Formula::Join { spans: 2 }), 7);
        let mut cost = messages.mark();
        assert_eq!(cost.sent, PerParty { client: sent(10, 1), server: sent(0, 0) });
        messages.both(PerParty { client: 1, server: 2 }); // The server's with the 20, then the client's.
        messages.both(PerParty { client: 3, server: 4 }); // The client's with its 1, then the server's.
        messages.uses(CorrelationKind::Cot(Role::Client, Width::PAIR), 3);
        cost += messages.finish();
        assert_eq!(cost.sent, PerParty { client: sent(14, 2), server: sent(26, 2) });
        let kinds: Vec<CorrelationKind> = cost.batches.iter().map(|batch| batch.kind).collect();
        assert_eq!(
            kinds,
            [
                CorrelationKind::Masked(Formula::Join { spans: 2 }),
                CorrelationKind::Cot(Role::Client, Width::PAIR)
            ]
        );
        assert_eq!((cost.flights(), cost.received_by(Role::Client)), (4, 26));
    }

    #[test]
    fn silence_is_no_flight() {
        let mut messages = MessageSchedule::new();
        messages.sends(Role::Server, 0);
        messages.both(PerParty::default());
        messages.sends(Role::Server, 5);
        messages.both(PerParty { client: 0, server: 1 });
        assert_eq!(messages.finish().sent, PerParty { client: sent(0, 0), server: sent(6, 1) });
    }
}
