//! Two parties in one process.

use super::Transport;
use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, Sender, channel};

/// One end of a pair; reading waits for the other end, and sees the end of the stream once that is dropped.
pub struct MemoryTransport {
    outgoing: Sender<Vec<u8>>,
    incoming: Receiver<Vec<u8>>,
    unread: io::Cursor<Vec<u8>>,
}

/// Two connected ends.
pub fn pair() -> (MemoryTransport, MemoryTransport) {
    let ((to_right, from_left), (to_left, from_right)) = (channel(), channel());
    (MemoryTransport::new(to_right, from_right), MemoryTransport::new(to_left, from_left))
}

impl MemoryTransport {
    fn new(outgoing: Sender<Vec<u8>>, incoming: Receiver<Vec<u8>>) -> Self {
        Self { outgoing, incoming, unread: io::Cursor::default() }
    }
}

impl Transport for MemoryTransport {}

impl Read for MemoryTransport {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            match self.unread.read(buffer)? {
                0 => match self.incoming.recv() {
                    Ok(bytes) => self.unread = io::Cursor::new(bytes),
                    Err(_) => return Ok(0),
                },
                read => return Ok(read),
            }
        }
    }
}

impl Write for MemoryTransport {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.outgoing.send(bytes.to_vec()).map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_arrive_in_order_and_end_when_the_sender_is_dropped() {
        let (mut left, mut right) = pair();
        left.write_all(b"pop").unwrap();
        left.write_all(b"corn").unwrap();
        drop(left);
        let mut received = String::new();
        right.read_to_string(&mut received).unwrap();
        assert_eq!(received, "popcorn");
        assert!(right.write_all(b"x").is_err());
    }
}
