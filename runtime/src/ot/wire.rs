//! The frames of this layer, and what they cost.

use crate::channel::frame::HEADER_BYTES;
use crate::channel::{Connection, Limit, Outgoing, Transport};
use crate::error::{PeerFault, Result};
use std::ops::Add;

/// The kinds of frame. Their tags are apart from those of [`crate::protocol::message`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// Base OTs, receiver → sender: the encrypted choices.
    BaseChoices = 64,
    /// Base OTs, sender → receiver: the packed messages.
    BaseMessages = 65,
    /// Extension, its receiver → its sender, once: masked sums of the trees' levels.
    TreeSums = 66,
    /// Extension, its receiver → its sender: corrections of some chunks.
    Corrections = 67,
}

impl Frame {
    /// The words in errors.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Frame::BaseChoices => "encrypted choices",
            Frame::BaseMessages => "packed base messages",
            Frame::TreeSums => "sums of trees",
            Frame::Corrections => "corrections",
        }
    }
}

/// What one party sends, as [`crate::channel::Traffic`] counts it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// Bytes, headers of frames included.
    pub bytes: u64,
    /// Frames.
    pub frames: u64,
}

/// What the two parties of OTs send each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// By who sends messages.
    pub by_sender: Sent,
    /// By who chooses among them.
    pub by_receiver: Sent,
}

impl Sent {
    /// One frame with a body of `length` bytes.
    pub const fn frame(length: u64) -> Self {
        Self { bytes: HEADER_BYTES as u64 + length, frames: 1 }
    }
}

impl Add for Sent {
    type Output = Sent;

    fn add(self, other: Sent) -> Sent {
        Sent { bytes: self.bytes + other.bytes, frames: self.frames + other.frames }
    }
}

/// Sends a frame.
pub(super) fn send<T: Transport>(connection: &mut Connection<T>, frame: Frame, body: Vec<u8>) -> Result<()> {
    connection.send(frame as u8, frame.name(), body)
}

/// Begins a frame of `length` bytes, to be pushed part by part.
pub(super) fn begin<T: Transport>(
    connection: &mut Connection<T>,
    frame: Frame,
    length: u64,
) -> Result<Outgoing> {
    connection.begin(frame as u8, frame.name(), length)
}

/// Waits for `frame`, whose body has `length` bytes.
///
/// # Errors
/// Another frame, another length, silence, or the end of the stream.
pub(super) fn receive<T: Transport>(
    connection: &mut Connection<T>,
    frame: Frame,
    length: u64,
) -> Result<Vec<u8>> {
    let expected = frame.name();
    let header = connection.receive_header(expected)?.ok_or(PeerFault::HungUp(expected))?;
    if header.tag != frame as u8 {
        let got = format!("message {}", header.tag);
        return Err(PeerFault::WrongMessage { expected, got }.into());
    }
    connection.receive_body(header, Limit::Exactly(length), expected)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::ot::testing::{Memory, together};

    fn refused(hostile: impl FnOnce(&mut Memory) + Send) -> PeerFault {
        let ((), result) = together(hostile, |c| receive(c, Frame::BaseMessages, 10));
        match result {
            Err(Error::PeerMisbehaved(fault)) => fault,
            other => panic!("a fault of the peer's, not {other:?}"),
        }
    }

    #[test]
    fn hostile_frames_end_with_a_typed_error() {
        let wrong = refused(|c| send(c, Frame::Corrections, vec![0; 10]).unwrap());
        assert!(matches!(wrong, PeerFault::WrongMessage { expected: "packed base messages", .. }));
        assert!(matches!(refused(|c| drop(c.begin(3, "?", 10))), PeerFault::WrongMessage { .. }));
        for length in [0, 9, 11, u64::MAX] {
            let fault = refused(|c| drop(begin(c, Frame::BaseMessages, length)));
            assert!(matches!(fault, PeerFault::WrongLength { expected: 10, got, .. } if got == length));
        }
        assert!(matches!(refused(|_| ()), PeerFault::HungUp("packed base messages")));
        let fault = refused(|c| {
            let mut frame = begin(c, Frame::BaseMessages, 10).unwrap();
            c.push(&mut frame, vec![0; 9]).unwrap();
        });
        assert!(matches!(fault, PeerFault::HungUp("packed base messages")));
    }
}
