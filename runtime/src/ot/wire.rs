//! The frames of this layer, and what they cost.

use crate::channel::frame::HEADER_BYTES;
use crate::channel::{Connection, Incoming, Limit, Outgoing, Transport};
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
    /// Extension, its receiver → its sender: corrections of a batch.
    Corrections = 67,
    /// Receiver → sender: where its choices depart from the random ones.
    Departures = 68,
    /// Sender → receiver: masked messages.
    Masked = 69,
    /// Both ways: masked factors of products.
    Openings = 70,
}

impl Frame {
    /// The words in errors.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Frame::BaseChoices => "encrypted choices",
            Frame::BaseMessages => "packed base messages",
            Frame::TreeSums => "sums of trees",
            Frame::Corrections => "corrections",
            Frame::Departures => "departures from random choices",
            Frame::Masked => "masked messages",
            Frame::Openings => "masked factors",
        }
    }
}

/// Whose frame comes first where both parties send one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// This party's.
    First,
    /// The peer's.
    Second,
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

impl Cost {
    /// Frames there and back: a frame of one party and the answer to it are one round.
    pub fn rounds(self) -> u64 {
        self.by_sender.frames.max(self.by_receiver.frames)
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
    let mut body = open(connection, frame, length)?;
    pull(connection, &mut body, length)
}

/// As [`receive`], the body to be pulled part by part.
pub(super) fn open<T: Transport>(
    connection: &mut Connection<T>,
    frame: Frame,
    length: u64,
) -> Result<Incoming> {
    let expected = frame.name();
    let header = connection.receive_header(expected)?.ok_or(PeerFault::HungUp(expected))?;
    if header.tag != frame as u8 {
        let got = format!("message {}", header.tag);
        return Err(PeerFault::WrongMessage { expected, got }.into());
    }
    connection.receive(header, Limit::Exactly(length), expected)
}

/// The next `length` bytes of a body. Memory grows with what has arrived.
pub(super) fn pull<T: Transport>(
    connection: &mut Connection<T>,
    body: &mut Incoming,
    length: u64,
) -> Result<Vec<u8>> {
    const STEP: u64 = 1 << 20;
    let mut bytes = Vec::new();
    while (bytes.len() as u64) < length {
        let step = STEP.min(length - bytes.len() as u64);
        bytes.append(&mut connection.pull(body, step as usize)?);
    }
    Ok(bytes)
}

/// Sends a frame and receives the peer's of the same kind and length. The second party begins its own when
/// the first's has begun, as [`crate::channel`] asks for.
///
/// # Errors
/// As [`receive`].
pub(super) fn exchange<T: Transport>(
    connection: &mut Connection<T>,
    frame: Frame,
    turn: Turn,
    body: Vec<u8>,
) -> Result<Vec<u8>> {
    let length = body.len() as u64;
    match turn {
        Turn::First => {
            send(connection, frame, body)?;
            receive(connection, frame, length)
        }
        Turn::Second => {
            let mut theirs = open(connection, frame, length)?;
            send(connection, frame, body)?;
            pull(connection, &mut theirs, length)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::tcp;
    use crate::error::Error;
    use crate::ot::testing::{Memory, together};
    use std::time::Duration;

    fn refused(hostile: impl FnOnce(&mut Memory) + Send) -> PeerFault {
        let ((), result) = together(hostile, |c| receive(c, Frame::Masked, 10));
        match result {
            Err(Error::PeerMisbehaved(fault)) => fault,
            other => panic!("a fault of the peer's, not {other:?}"),
        }
    }

    #[test]
    fn hostile_frames_end_with_a_typed_error() {
        let wrong = refused(|c| send(c, Frame::Departures, vec![0; 10]).unwrap());
        assert!(matches!(wrong, PeerFault::WrongMessage { expected: "masked messages", .. }));
        assert!(matches!(refused(|c| drop(c.begin(3, "?", 10))), PeerFault::WrongMessage { .. }));
        for length in [0, 9, 11, u64::MAX] {
            let fault = refused(|c| drop(begin(c, Frame::Masked, length)));
            assert!(matches!(fault, PeerFault::WrongLength { expected: 10, got, .. } if got == length));
        }
        assert!(matches!(refused(|_| ()), PeerFault::HungUp("masked messages")));
        let fault = refused(|c| {
            let mut frame = begin(c, Frame::Masked, 10).unwrap();
            c.push(&mut frame, vec![0; 9]).unwrap();
        });
        assert!(matches!(fault, PeerFault::HungUp("masked messages")));
    }

    /// More than the system's buffers hold goes both ways, and nobody waits for ever.
    #[test]
    fn long_frames_cross() {
        const LENGTH: usize = 40 << 20;
        let (first, second) = tcp::loopback(Duration::from_secs(20)).unwrap();
        let party = |mut connection: Connection<tcp::TcpTransport>, turn, byte| {
            let theirs = exchange(&mut connection, Frame::Openings, turn, vec![byte; LENGTH]).unwrap();
            assert!(theirs.len() == LENGTH && theirs.iter().all(|&other| other == 3 - byte));
            connection.close();
        };
        std::thread::scope(|scope| {
            scope.spawn(|| party(first, Turn::First, 1));
            party(second, Turn::Second, 2);
        });
    }
}
