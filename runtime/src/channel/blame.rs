//! Whose fault a broken stream is.

use crate::error::{Error, PeerFault};
use std::io::{self, ErrorKind};

/// A broken stream is the peer's doing, anything else the system's.
pub(super) fn blame(error: io::Error, expected: &'static str) -> Error {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => PeerFault::Silent { expected }.into(),
        ErrorKind::UnexpectedEof
        | ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::WriteZero => PeerFault::HungUp(expected).into(),
        // The stream itself says so: TLS, of records that were changed.
        ErrorKind::InvalidData => PeerFault::Protocol(error.to_string()).into(),
        _ => Error::io(format!("exchange {expected}"), error),
    }
}
