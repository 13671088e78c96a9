//! Which correlations protocols use up, and how many random OTs these take.

use super::block::BLOCK_BITS;
use super::chunk;
use super::formula::Formula;
use super::masked;
use super::numbers::Width;
use crate::message::Role;

/// A kind of correlation, with the width of its numbers and, where one party chooses, that party.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CorrelationKind {
    /// The product of a bit of a party's with a number of the other's of this width ([`super::correlated`]).
    Cot(Role, Width),
    /// A function of both parties' bits ([`super::masked`]).
    Masked(Formula),
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
        match self {
            Self::Masked(formula) => formula.exists(),
            Self::Cot(..) => true,
        }
    }
}

impl Batch {
    /// The random OTs that it takes in which `chooser` chooses: whole blocks of 128, so that batches share none.
    pub fn ots(&self, chooser: Role) -> usize {
        match self.kind {
            CorrelationKind::Cot(role, _) if role == chooser => self.count.next_multiple_of(BLOCK_BITS),
            CorrelationKind::Masked(formula) if chooser == Role::Client => masked::ots(formula, self.count),
            CorrelationKind::Cot(..) | CorrelationKind::Masked(_) => 0,
        }
    }

    /// Bytes by which `role` corrects what the OTs gave.
    pub(super) fn correction_bytes(&self, role: Role) -> u64 {
        match self.kind {
            CorrelationKind::Masked(formula) => masked::correction_bytes(role, formula, self.count),
            CorrelationKind::Cot(..) => 0,
        }
    }

    /// The chunks of it in which `chooser` chooses.
    pub(super) fn chunks(self, chooser: Role) -> impl Iterator<Item = Chunk> {
        chunk::sizes(self.ots(chooser)).map(move |ots| Chunk { kind: self.kind, ots })
    }
}
