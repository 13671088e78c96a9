//! Framed messages over a reliable byte stream, bounded on receipt and counted both ways.
//!
//! The layer knows no protocol: a frame is a tag and a body. [`memory`] joins two parties in one
//! process, [`tcp`] two machines.

mod connection;
pub mod frame;
pub mod memory;
pub mod tcp;

pub use connection::{Connection, Limit, Traffic};

use std::io::{Read, Write};

/// A reliable, ordered byte stream to the peer.
pub trait Transport: Read + Write + Send {
    /// Ends the stream so that the peer still receives what was sent last, though it may be sending itself.
    fn close(&mut self) {}
}
