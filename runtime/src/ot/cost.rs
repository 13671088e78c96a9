//! What is sent.

use crate::channel::frame::FRAME_BYTES;
use std::ops::Add;

/// What one party sends, as [`crate::channel::Traffic`] counts it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// Bytes, headers of frames included.
    pub bytes: u64,
    /// Number of frames.
    pub frames: u64,
}

/// What the two parties of OTs send each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OtMessages {
    /// What the OTs' sender sends, who has the messages to choose from.
    pub by_sender: Sent,
    /// What the OTs' receiver sends, who chooses.
    pub by_receiver: Sent,
}

impl Sent {
    /// One frame with a body of `length` bytes.
    pub const fn frame(length: u64) -> Self {
        Self { bytes: FRAME_BYTES as u64 + length, frames: 1 }
    }
}

impl Add for Sent {
    type Output = Sent;

    fn add(self, other: Sent) -> Sent {
        Sent { bytes: self.bytes + other.bytes, frames: self.frames + other.frames }
    }
}
