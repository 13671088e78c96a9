//! Both parties' corrections of the masks of all batches.
//!
//! ```text
//! client                                             server
//! 1  its e of flight 0, batch after batch    ──▶    2  corrects its shares of products of masks
//! 4  likewise                                ◀──    3  its e of flight 1
//!    and so on with flights 2, 3, …
//! ```
//!
//! Flights take turns ([`super::turns`]); products of more masks need more of them. Where there is nothing to correct, nothing
//! is sent. What is under way is bounded ([`super::framed`]), and what was sent is dropped.
//!
//! # Who learns what
//!
//! What [`super::mask_products`] and [`super::bit_product`] state, whose e these are.

use super::correlation_kind::Batch;
use super::correlations::{Correlations, Made};
use super::cost::Sent;
use super::framed::{self, FramedReceiver, FramedSender};
use super::turns;
use crate::channel::Connection;
use crate::error::Result;
use crate::message::{Message, Role};
use std::ops::Add;

/// What `role` sends.
pub(super) fn cost(batches: &[Batch], role: Role) -> Sent {
    let own = (0..flights(batches)).filter(|&flight| turns::sender(flight) == role);
    own.map(|flight| framed::cost(bytes(batches, flight))).fold(Sent::default(), Sent::add)
}

/// Flights, up to the last one.
fn flights(batches: &[Batch]) -> usize {
    batches.iter().map(Batch::correction_flights).max().unwrap_or(0)
}

fn bytes(batches: &[Batch], flight: usize) -> u64 {
    batches.iter().map(|batch| batch.correction_bytes(flight)).sum()
}

/// All flights at `role`.
///
/// # Errors
/// A frame of the peer's is another one or has another length, or it hung up.
pub(super) fn exchange(
    connection: &mut Connection,
    role: Role,
    batches: &[Batch],
    mut made: Vec<Made>,
) -> Result<Vec<Correlations>> {
    for flight in 0..flights(batches) {
        if turns::sender(flight) == role {
            send(connection, flight, &mut made)?;
        } else {
            let length = bytes(batches, flight);
            correct(
                FramedReceiver::new(connection, role, Message::MaskCorrections, length),
                flight,
                &mut made,
            )?;
        }
    }
    Ok(made.into_iter().map(Made::corrected).collect())
}

/// Steps 1 and 3.
fn send(connection: &mut Connection, flight: usize, made: &mut [Made]) -> Result<()> {
    let mut sender = FramedSender::new(connection, Message::MaskCorrections);
    for made in made {
        made.take_corrections(flight).iter().try_for_each(|correction| sender.push(correction))?;
    }
    sender.finish()
}

/// Steps 2 and 4.
fn correct(mut receiver: FramedReceiver<'_>, flight: usize, made: &mut [Made]) -> Result<()> {
    made.iter_mut().try_for_each(|made| made.correct(flight, |length| receiver.pull(length)))
}
