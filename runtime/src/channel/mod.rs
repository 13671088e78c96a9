//! Framed messages over a reliable byte stream, bounded on receipt and counted both ways.
//!
//! The layer knows no protocol: a frame is a tag and a body. A body is sent and received in parts, while
//! its later parts are still being computed. [`memory`] joins two parties in one process, [`tcp`] two
//! machines, `tls` (feature `tls`) two machines that trust nobody between them; [`shaped`] makes either slower, like a network.
//!
//! # Nobody waits for ever
//!
//! Bytes leave through a thread of their own, so that [`Connection::push`] never waits; and no more than one
//! frame is ever queued for it, because [`Connection::begin`] and [`Connection::receive_header`] wait until
//! the frame before is written. Let two parties alternate, each beginning a frame when the peer's has begun,
//! and read the peer's body to its end without either of these calls. Then no two wait for each other: a
//! party that waits for its own frame to be written has a peer that reads it or computes, since the
//! peer, had it to wait for a frame of its own, would wait for one that this party has read already; and
//! a party that waits for bytes of a body has a peer whose pushes do not wait.

mod acceptance;
mod allowance;
mod blame;
mod cancellation;
mod connection;
#[cfg(any(feature = "admin", feature = "tls"))]
mod deadline;
pub mod frame;
mod line;
mod link;
pub mod memory;
mod outbox;
pub mod shaped;
pub mod tcp;
#[cfg(feature = "tls")]
pub mod tls;
mod way;

pub use acceptance::Acceptance;
pub use cancellation::{CancellationToken, Wake};
pub use connection::{Connection, Incoming, Limit, Outgoing, Traffic};
#[cfg(feature = "admin")]
pub(crate) use deadline::Deadline;
pub use link::{Link, NotALink};
pub use way::{Once, Way};

use std::io::{self, Read, Write};
use std::sync::Weak;
use std::time::Duration;

/// A reliable, ordered byte stream to the peer and one from it, which one thread each uses.
pub struct Transport {
    reader: Box<dyn Reader>,
    writer: Box<dyn Write + Send>,
}

/// What the peer sends. Dropping it gives the peer up: a write that waits for the peer fails then.
pub trait Reader: Read + Send {
    /// Ends the stream, of which everything is written, so that the peer still receives what was sent last, though it
    /// may be sending itself.
    fn close(&mut self) {}

    /// Lets no further read on the stream, and no further write, block longer than these, where the stream can be told.
    ///
    /// # Errors
    /// The system refuses.
    fn set_timeouts(&mut self, _read: Duration, _write: Duration) -> io::Result<()> {
        Ok(())
    }

    /// The stream, where another thread can end its reads and writes.
    fn wake(&self) -> Option<Weak<dyn Wake>> {
        None
    }

    /// SHA-256 of the certificate (DER) that the peer showed, if it did.
    fn certificate(&self) -> Option<[u8; 32]> {
        None
    }
}

impl Transport {
    /// The two directions of any stream, whose ends need no more than to be dropped. No call may block for ever.
    pub fn new(reader: impl Read + Send + 'static, writer: impl Write + Send + 'static) -> Self {
        Self::with_reader(Dropped(reader), writer)
    }

    /// The same where the stream has to be ended in a way of its own.
    pub fn with_reader(reader: impl Reader + 'static, writer: impl Write + Send + 'static) -> Self {
        Self { reader: Box::new(reader), writer: Box::new(writer) }
    }

    /// The stream from the peer, and the stream to it.
    pub fn split(self) -> (Box<dyn Reader>, Box<dyn Write + Send>) {
        (self.reader, self.writer)
    }
}

impl Reader for Box<dyn Reader> {
    fn close(&mut self) {
        (**self).close();
    }

    fn set_timeouts(&mut self, read: Duration, write: Duration) -> io::Result<()> {
        (**self).set_timeouts(read, write)
    }

    fn wake(&self) -> Option<Weak<dyn Wake>> {
        (**self).wake()
    }

    fn certificate(&self) -> Option<[u8; 32]> {
        (**self).certificate()
    }
}

/// What ends when it is dropped.
struct Dropped<R>(R);

impl<R: Read> Read for Dropped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl<R: Read + Send> Reader for Dropped<R> {}
