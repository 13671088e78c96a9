//! Both parties' corrections of the masks of all batches.
//!
//! ```text
//! client                                             server
//! 1  the d of every batch                    ──▶    2  corrects its products of masks, batch after batch
//! 4  likewise                                 ◀──    3  the e of every batch
//! ```
//!
//! Where there is nothing to correct, nothing is sent. What is under way is bounded ([`super::framed`]), and what was sent is
//! dropped.
//!
//! # Who learns what
//!
//! What [`super::masked`] and [`super::bit_product`] state, whose d and e these are.

use super::correlation_kind::Batch;
use super::correlations::{Correlations, Made};
use super::cost::Sent;
use super::framed::{self, FramedReceiver, FramedSender};
use crate::channel::Connection;
use crate::error::Result;
use crate::message::{Message, Role};

/// What `role` sends.
pub(super) fn cost(batches: &[Batch], role: Role) -> Sent {
    framed::cost(bytes(batches, role))
}

fn bytes(batches: &[Batch], role: Role) -> u64 {
    batches.iter().map(|batch| batch.correction_bytes(role)).sum()
}

/// Steps 1 to 4 at `role`.
///
/// # Errors
/// A frame of the peer's is another one or has another length, or it hung up.
pub(super) fn exchange(
    connection: &mut Connection,
    role: Role,
    batches: &[Batch],
    mut made: Vec<Made>,
) -> Result<Vec<Correlations>> {
    let theirs = bytes(batches, role.peer());
    match role {
        Role::Client => {
            send(connection, &mut made)?;
            correct(connection, role, theirs, &mut made)?;
        }
        Role::Server => {
            correct(connection, role, theirs, &mut made)?;
            send(connection, &mut made)?;
        }
    }
    Ok(made.into_iter().map(Made::corrected).collect())
}

/// Steps 1 and 3.
fn send(connection: &mut Connection, made: &mut [Made]) -> Result<()> {
    let mut sender = FramedSender::new(connection, Message::MaskCorrections);
    for made in made {
        made.take_corrections().iter().try_for_each(|correction| sender.push(correction))?;
    }
    sender.finish()
}

/// Steps 2 and 4, the peer's message having `length` bytes.
fn correct(connection: &mut Connection, role: Role, length: u64, made: &mut [Made]) -> Result<()> {
    let mut receiver = FramedReceiver::new(connection, role, Message::MaskCorrections, length);
    made.iter_mut().try_for_each(|made| made.correct(role, |length| receiver.pull(length)))
}
