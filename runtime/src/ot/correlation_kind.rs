//! Which correlations protocols use up, and how many random OTs these take.

use super::block::BLOCK_BITS;
use super::chunk;
use super::cost::Sent;
use super::numbers::Width;
use super::per_party::PerParty;
use super::random;
use super::sixteen;
use crate::message::Role;
use crate::plan::Transfers;

/// A kind of correlation, with the width of its numbers and, where one party chooses, that party.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CorrelationKind {
    /// One of sixteen messages of this width, one bit or two, of which a party chooses ([`super::sixteen`]).
    Sixteen(Role, Width),
    /// The product of a bit of a party's with a number of the other's of this width ([`super::correlated`]).
    Cot(Role, Width),
    /// The product of a shared bit with a shared number of this width in F₂ ([`super::triples`]).
    Triples(Width),
}

/// Correlations that are used at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The kind, the same for the whole batch.
    pub kind: CorrelationKind,
    /// Number of correlations.
    pub count: usize,
}

/// Some of a batch, made by one thread in one piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) kind: CorrelationKind,
    /// Random OTs, whole blocks of 128.
    pub(super) ots: usize,
}

impl CorrelationKind {
    /// Whether there are such correlations.
    pub(super) const fn exists(self) -> bool {
        !matches!(self, CorrelationKind::Sixteen(_, width) if width.bits() > 2)
    }
}

impl Batch {
    /// The random OTs that it takes in which `chooser` chooses: whole blocks of 128, so that batches share none.
    pub const fn ots(&self, chooser: Role) -> usize {
        let each = match self.kind {
            CorrelationKind::Sixteen(role, _) if role as u8 == chooser as u8 => sixteen::OTS,
            CorrelationKind::Cot(role, _) if role as u8 == chooser as u8 => 1,
            CorrelationKind::Triples(_) => 1,
            _ => 0,
        };
        (self.count * each).next_multiple_of(BLOCK_BITS)
    }

    /// The chunks of it in which `chooser` chooses.
    pub(super) fn chunks(self, chooser: Role) -> impl Iterator<Item = Chunk> {
        chunk::sizes(self.ots(chooser)).map(move |ots| Chunk { kind: self.kind, ots })
    }
}

/// What each party sends in a session's first `times` calls of [`Supply::prepare`](super::Supply::prepare) of these
/// batches.
pub fn prepare_cost(batches: &[Batch], transfers: Transfers, times: usize) -> PerParty<Sent> {
    let sent = |chooser| {
        let sizes: Vec<usize> =
            batches.iter().flat_map(|b| b.chunks(chooser)).map(|chunk| chunk.ots).collect();
        random::cost(random::chosen_by(transfers, chooser), &sizes, times)
    };
    let [by_client, by_server] = [Role::Client, Role::Server].map(sent);
    PerParty {
        client: by_client.by_receiver + by_server.by_sender,
        server: by_client.by_sender + by_server.by_receiver,
    }
}
