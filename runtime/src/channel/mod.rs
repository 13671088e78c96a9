//! Framed messages over a reliable byte stream, bounded on receipt and counted both ways.
//!
//! The layer knows no protocol: a frame is a tag and a body. A body is sent and received in parts, while
//! its later parts are still being computed. [`memory`] joins two parties in one process, [`tcp`] two
//! machines; [`shaped`] makes either slower, like a network.
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

mod allowance;
mod connection;
pub mod frame;
mod line;
mod link;
pub mod memory;
mod outbox;
pub mod shaped;
pub mod tcp;

pub use connection::{Connection, Incoming, Limit, Outgoing, Traffic};
pub use link::{Link, NotALink};

use std::io::{Read, Write};

/// A reliable, ordered byte stream to the peer and one from it.
pub trait Transport {
    /// What the peer sends. Dropping it gives the peer up: a write that waits for the peer fails then.
    type Reader: Read + Send;
    /// What is sent to the peer. Dropping it may end the stream.
    type Writer: Write + Send + 'static;

    /// The two directions, which one thread each uses.
    fn split(self) -> (Self::Reader, Self::Writer);

    /// Ends the stream, of which everything is written, so that the peer still receives what was sent
    /// last, though it may be sending itself.
    fn close(reader: &mut Self::Reader) {
        let _ = reader;
    }
}
