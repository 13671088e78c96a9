//! A slow network on a fast machine: bytes are held back as a [`Link`] would.
//!
//! Each end delays what it sends, so both directions are slow where both ends are shaped. Headers of TCP and IP are
//! not imitated, nor is loss.

use super::line::Line;
use super::outbox::no_thread;
use super::{Connection, Link, Transport};
use crate::error::Result;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A transport whose bytes leave one after the other at the speed of a link and arrive half a round trip later.
pub struct Shaped<T: Transport> {
    reader: ShapedReader<T>,
    writer: ShapedWriter,
}

/// What the peer sends. Dropping it drops also what is on its way to the peer.
pub struct ShapedReader<T: Transport> {
    inner: T::Reader,
    line: Arc<Line>,
}

/// Waits for the speed of the link, not for its delay: like a socket, it takes as many bytes as can be under way, and
/// 64 KiB more. That the peer hung up it tells of later bytes. Dropping it waits until all have arrived.
pub struct ShapedWriter {
    line: Arc<Line>,
    delivering: Option<JoinHandle<()>>,
}

impl<T: Transport> Shaped<T> {
    /// Shapes what goes to the peer over `inner`.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn new(inner: T, link: Link) -> Result<Self> {
        let (inner, far) = inner.split();
        let line = Arc::new(Line::new(link));
        let theirs = Arc::clone(&line);
        let delivering = thread::Builder::new().name("link".into()).spawn(move || theirs.deliver(far));
        let writer =
            ShapedWriter { line: Arc::clone(&line), delivering: Some(delivering.map_err(no_thread)?) };
        Ok(Self { reader: ShapedReader { inner, line }, writer })
    }
}

/// The two ends of a shaped connection.
pub type Ends<T> = (Connection<Shaped<T>>, Connection<Shaped<T>>);

/// Connections over both ends of a transport, shaped in both directions.
///
/// # Errors
/// The system gives no thread.
pub fn connect<T: Transport>(
    (left, right): (T, T),
    link: Link,
    patience: Option<Duration>,
) -> Result<Ends<T>> {
    let end = |inner| Connection::new(Shaped::new(inner, link)?, patience);
    Ok((end(left)?, end(right)?))
}

impl<T: Transport> Transport for Shaped<T> {
    type Reader = ShapedReader<T>;
    type Writer = ShapedWriter;

    fn split(self) -> (ShapedReader<T>, ShapedWriter) {
        (self.reader, self.writer)
    }

    fn close(reader: &mut ShapedReader<T>) {
        T::close(&mut reader.inner);
    }
}

impl<T: Transport> Read for ShapedReader<T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer)
    }
}

impl<T: Transport> Drop for ShapedReader<T> {
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
