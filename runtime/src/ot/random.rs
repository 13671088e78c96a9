//! Random OTs of one direction, by whichever extension a plan names.

use super::chunk::{ReceivedChunk, SentChunk};
use super::cost::{OtMessages, Sent};
use super::extension::{ExtensionReceiver, ExtensionSender};
use super::silent::{self, SilentReceiver, SilentSender};
use crate::channel::Connection;
use crate::error::Result;
use crate::message::Role;
use crate::plan::{Extension, FieldBits, Transfers};

/// Makes OTs in which this party has two blocks.
pub enum OtSender {
    /// By SoftSpokenOT alone.
    SoftSpoken(ExtensionSender),
    /// By silent OT.
    Silent(Box<SilentSender>),
}

/// Makes OTs in which this party has one of the peer's two blocks.
pub enum OtReceiver {
    /// By SoftSpokenOT alone.
    SoftSpoken(ExtensionReceiver),
    /// By silent OT.
    Silent(Box<SilentReceiver>),
}

/// How the OTs are made in which `chooser` chooses.
pub(super) const fn chosen_by(transfers: Transfers, chooser: Role) -> Extension {
    match chooser {
        Role::Client => transfers.client_chooses,
        Role::Server => transfers.server_chooses,
    }
}

/// SoftSpokenOT's field: of silent OT's seeds the largest.
pub(super) const fn field(extension: Extension) -> FieldBits {
    match extension {
        Extension::SoftSpoken(field) => field,
        Extension::Silent(_) => FieldBits::MAX,
    }
}

/// What is sent for a session's first OTs of one direction: `times` times chunks of so many.
pub(super) fn cost(extension: Extension, chunks: &[usize], times: usize) -> OtMessages {
    match extension {
        Extension::SoftSpoken(field) => {
            let Sent { bytes, frames } = field.cost(chunks);
            let by_receiver = Sent { bytes: bytes * times as u64, frames: frames * times as u64 };
            OtMessages { by_receiver, ..OtMessages::default() }
        }
        Extension::Silent(depth) => {
            silent::cost(depth, field(extension), times * chunks.iter().sum::<usize>())
        }
    }
}

impl OtSender {
    /// As `extension` says, from what SoftSpokenOT's setup left.
    pub(super) fn new(sender: ExtensionSender, extension: Extension) -> Self {
        match extension {
            Extension::SoftSpoken(_) => Self::SoftSpoken(sender),
            Extension::Silent(depth) => Self::Silent(Box::new(SilentSender::new(sender, depth))),
        }
    }

    /// Silent OT, where `extension` is that and this is not yet.
    pub(super) fn become_silent(self, extension: Extension) -> Self {
        match (self, extension) {
            (Self::SoftSpoken(sender), Extension::Silent(_)) => Self::new(sender, extension),
            (same, _) => same,
        }
    }

    /// What `make` makes of the OTs of each chunk, with its number, in order.
    ///
    /// # Errors
    /// The peer's message has another length or does not come, or it hung up.
    pub(super) fn extend<R: Send>(
        &mut self,
        connection: &mut Connection,
        chunks: &[usize],
        make: impl Fn(usize, SentChunk<'_>) -> R + Sync,
    ) -> Result<Vec<R>> {
        match self {
            Self::SoftSpoken(sender) => sender.extend(connection, chunks, make),
            Self::Silent(sender) => sender.extend(connection, chunks, make),
        }
    }
}

impl OtReceiver {
    /// At `role`, as `extension` says, from what SoftSpokenOT's setup left.
    pub(super) fn new(role: Role, receiver: ExtensionReceiver, extension: Extension) -> Self {
        match extension {
            Extension::SoftSpoken(_) => Self::SoftSpoken(receiver),
            Extension::Silent(depth) => Self::Silent(Box::new(SilentReceiver::new(role, receiver, depth))),
        }
    }

    /// As [`OtSender::become_silent`], at `role`.
    pub(super) fn become_silent(self, role: Role, extension: Extension) -> Self {
        match (self, extension) {
            (Self::SoftSpoken(receiver), Extension::Silent(_)) => Self::new(role, receiver, extension),
            (same, _) => same,
        }
    }

    /// What `make` makes of the OTs of each chunk, with its number, in order.
    ///
    /// # Errors
    /// As [`OtSender::extend`].
    pub(super) fn extend<R: Send>(
        &mut self,
        connection: &mut Connection,
        chunks: &[usize],
        make: impl Fn(usize, ReceivedChunk<'_>) -> R + Sync,
    ) -> Result<Vec<R>> {
        match self {
            Self::SoftSpoken(receiver) => receiver.extend(connection, chunks, make),
            Self::Silent(receiver) => receiver.extend(connection, chunks, make),
        }
    }
}
