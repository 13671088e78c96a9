//! Two parties in one process.

use super::Transport;
use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, Sender, channel};

/// Waits for the other end, and sees the end of the stream once the other end's writer is dropped.
struct MemoryReader {
    incoming: Receiver<Vec<u8>>,
    unread: io::Cursor<Vec<u8>>,
}

/// Never waits.
struct MemoryWriter(Sender<Vec<u8>>);

/// The two ends of a stream: what is written to one is read from the other.
pub fn pair() -> (Transport, Transport) {
    let ((to_right, from_left), (to_left, from_right)) = (channel(), channel());
    (end(to_right, from_right), end(to_left, from_left))
}

fn end(outgoing: Sender<Vec<u8>>, incoming: Receiver<Vec<u8>>) -> Transport {
    Transport::new(MemoryReader { incoming, unread: io::Cursor::default() }, MemoryWriter(outgoing))
}

impl Read for MemoryReader {
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

impl Write for MemoryWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.send(bytes.to_vec()).map_err(|_| io::ErrorKind::BrokenPipe)?;
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
        let (left, right) = pair();
        let ((left_reader, mut left_writer), (mut right_reader, mut right_writer)) =
            (left.split(), right.split());
        left_writer.write_all(b"pop").unwrap();
        left_writer.write_all(b"corn").unwrap();
        drop((left_reader, left_writer));
        let mut received = String::new();
        right_reader.read_to_string(&mut received).unwrap();
        assert_eq!(received, "popcorn");
        assert!(right_writer.write_all(b"x").is_err());
    }
}
