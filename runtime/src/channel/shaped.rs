//! A slow network on a fast machine: bytes are held back as a [`Link`] would.
//!
//! Each end delays what it sends, so both directions are slow where both ends are shaped. Headers of TCP and IP are
//! not imitated, nor is loss.

use super::line::Line;
use super::outbox::no_thread;
use super::{Connection, Link, Reader, Transport, Wake};
use crate::error::Result;
use std::io::{self, Read, Write};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What the peer sends. Dropping it drops also what is on its way to the peer.
struct ShapedReader {
    inner: Box<dyn Reader>,
    line: Arc<Line>,
}

/// Waits for the speed of the link, not for its delay: like a socket, it takes as many bytes as can be under way, and
/// 64 KiB more. That the peer hung up it tells of later bytes. Dropping it waits until all have arrived.
struct ShapedWriter {
    line: Arc<Line>,
    delivering: Option<JoinHandle<()>>,
}

/// `inner`, whose bytes leave one after the other at the speed of `link` and arrive half a round trip later.
///
/// # Errors
/// The system gives no thread.
pub fn shaped(inner: Transport, link: Link) -> Result<Transport> {
    let (inner, far) = inner.split();
    let line = Arc::new(Line::new(link));
    let theirs = Arc::clone(&line);
    let delivering = thread::Builder::new().name("link".into()).spawn(move || theirs.deliver(far));
    let writer = ShapedWriter { line: Arc::clone(&line), delivering: Some(delivering.map_err(no_thread)?) };
    Ok(Transport::with_reader(ShapedReader { inner, line }, writer))
}

/// The two ends of a connection.
pub type Ends = (Connection, Connection);

/// Connections over both ends of a transport, shaped in both directions.
///
/// # Errors
/// The system gives no thread.
pub fn connect(
    (left, right): (Transport, Transport),
    link: Link,
    patience: Option<Duration>,
) -> Result<Ends> {
    let end = |inner| Connection::new(shaped(inner, link)?, patience);
    Ok((end(left)?, end(right)?))
}

impl Reader for ShapedReader {
    fn close(&mut self) {
        self.inner.close();
    }

    fn wake(&self) -> Option<Weak<dyn Wake>> {
        self.inner.wake()
    }

    fn certificate(&self) -> Option<[u8; 32]> {
        self.inner.certificate()
    }
}

impl Read for ShapedReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer)
    }
}

impl Drop for ShapedReader {
    fn drop(&mut self) {
        self.line.give_up();
    }
}

impl Write for ShapedWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.send(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.line.check()
    }
}

impl Drop for ShapedWriter {
    fn drop(&mut self) {
        self.line.end();
        // A thread that panicked delivers nothing more.
        let _ = self.delivering.take().map(JoinHandle::join);
    }
}

#[cfg(test)]
mod tests;
