//! A message that may be long, in frames of bounded size: what is under way takes bounded memory, however much there is to say.

use super::cost::Sent;
use crate::channel::frame::FRAME_BYTES;
use crate::channel::{Connection, Limit};
use crate::error::{Error, Result};
use crate::message::{self, Message, Role};

/// Bytes in a frame: in all but the last.
const FRAME: usize = 1 << 20;

/// What it takes to send `length` bytes.
pub(super) const fn cost(length: u64) -> Sent {
    let frames = length.div_ceil(FRAME as u64);
    Sent { bytes: length + frames * FRAME_BYTES as u64, frames }
}

/// The sender's side.
#[must_use = "the last frame is sent by finish"]
pub(super) struct FramedSender<'c> {
    connection: &'c mut Connection,
    message: Message,
    /// Shorter than a frame.
    queued: Vec<u8>,
}

/// The receiver's side.
pub(super) struct FramedReceiver<'c> {
    connection: &'c mut Connection,
    role: Role,
    message: Message,
    /// Of the frame under way.
    unread: std::vec::IntoIter<u8>,
    /// Bytes of later frames.
    left: u64,
}

impl<'c> FramedSender<'c> {
    /// Of a message on a connection.
    pub(super) const fn new(connection: &'c mut Connection, message: Message) -> Self {
        Self { connection, message, queued: Vec::new() }
    }

    /// Says what comes next.
    ///
    /// # Errors
    /// The peer hung up or does not read.
    pub(super) fn push(&mut self, part: &[u8]) -> Result<()> {
        let mut rest = part;
        while let Some(fitting) = rest.split_off(..FRAME - self.queued.len()) {
            self.queued.extend_from_slice(fitting);
            message::send(self.connection, self.message, std::mem::take(&mut self.queued))?;
        }
        self.queued.extend_from_slice(rest);
        Ok(())
    }

    /// Sends the last frame, if there is anything left to say.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub(super) fn finish(self) -> Result<()> {
        if self.queued.is_empty() {
            return Ok(());
        }
        message::send(self.connection, self.message, self.queued)
    }
}

impl<'c> FramedReceiver<'c> {
    /// At `role`, of a message of `length` bytes.
    pub(super) fn new(connection: &'c mut Connection, role: Role, message: Message, length: u64) -> Self {
        Self { connection, role, message, unread: Vec::new().into_iter(), left: length }
    }

    /// The next `length` bytes.
    ///
    /// # Errors
    /// A frame of the peer's is another one or has another length, or it hung up; or there is less.
    pub(super) fn pull(&mut self, length: usize) -> Result<Vec<u8>> {
        let mut part = Vec::with_capacity(length);
        while part.len() < length {
            if self.unread.len() == 0 {
                self.unread = self.next_frame()?.into_iter();
            }
            part.extend(self.unread.by_ref().take(length - part.len()));
        }
        Ok(part)
    }

    fn next_frame(&mut self) -> Result<Vec<u8>> {
        let length = self.left.min(FRAME as u64);
        if length == 0 {
            return Err(Error::Bug(format!("{} have an end", self.message.name())));
        }
        self.left -= length;
        message::receive_at(self.connection, self.role, self.message, Limit::Exactly(length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::PeerFault;
    use crate::ot::testing::{together, traffic};

    const MESSAGE: Message = Message::MaskCorrections;

    /// Parts of so many bytes; what was sent, and what came in parts of other sizes.
    fn run(parts: &[usize], pulled: &[usize]) -> (Sent, Vec<u8>) {
        let bytes = (0..parts.iter().sum()).map(|index: usize| (index % 251) as u8).collect::<Vec<_>>();
        let (spent, received) = together(
            |connection| {
                let mut rest = &bytes[..];
                let send = |connection: &mut Connection| {
                    let mut sender = FramedSender::new(connection, MESSAGE);
                    parts.iter().for_each(|&part| sender.push(rest.split_off(..part).unwrap()).unwrap());
                    sender.finish().unwrap();
                };
                traffic(connection, send).1.sent
            },
            |connection| {
                let mut receiver = FramedReceiver::new(connection, Role::Server, MESSAGE, bytes.len() as u64);
                pulled.iter().flat_map(|&length| receiver.pull(length).unwrap()).collect::<Vec<_>>()
            },
        );
        assert!(received == bytes);
        (spent, received)
    }

    #[test]
    fn long_messages_take_several_frames() {
        for (parts, pulled, frames) in [
            (vec![], vec![], 0),
            (vec![0, 5, 0], vec![2, 3], 1),
            (vec![FRAME], vec![FRAME - 1, 1], 1),
            (vec![FRAME, 1], vec![1, FRAME], 2),
            (vec![7, 3 * FRAME, 9], vec![2 * FRAME, 5, FRAME, 11], 4),
        ] {
            let (spent, received) = run(&parts, &pulled);
            assert_eq!((spent, spent.frames), (cost(received.len() as u64), frames));
        }
    }

    #[test]
    fn frames_of_another_length_are_refused() {
        for (length, sent) in [(FRAME + 5, FRAME - 1), (FRAME + 5, FRAME + 5), (5, 6), (5, 0)] {
            let ((), refused) = together(
                // The receiver may hang up before all is taken.
                |peer| drop(message::send(peer, MESSAGE, vec![0; sent])),
                |connection| {
                    FramedReceiver::new(connection, Role::Server, MESSAGE, length as u64).pull(length).err()
                },
            );
            assert!(
                matches!(refused, Some(Error::PeerMisbehaved(PeerFault::WrongLength { .. }))),
                "{length} {sent}"
            );
        }
    }
}
