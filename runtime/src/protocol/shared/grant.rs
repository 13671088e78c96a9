//! The server's answer to a request to prepare: it begins, or says why it does not now. Then the session goes on as it was, so that a
//! client loses nothing of what it has prepared before.
//!
//! ```text
//! client                                             server
//! Prepare: how many together                    ──▶  is there time, memory, budget?
//! prepares, asks for fewer, or uses what it has ◀──  Grant: 1; or 0 and why not
//! ```
//!
//! # Who learns what
//!
//! The client: that the server has much to do, or keeps much for others, at the moment.

use crate::error::PeerFault;
use crate::message::{MAX_REASON, printable, reason_bytes};

/// Bytes of the message at most.
pub const MOST_BYTES: u64 = 1 + MAX_REASON as u64;

/// What the server says of a request to prepare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grant {
    /// It begins.
    Given,
    /// It does not, and this is why.
    Declined(String),
}

impl Grant {
    /// The bytes that are sent; a reason is cut to what the client accepts.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Grant::Given => vec![1],
            Grant::Declined(reason) => [&[0], reason_bytes(reason)].concat(),
        }
    }

    /// Reads a server's bytes.
    ///
    /// # Errors
    /// They say neither.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PeerFault> {
        match bytes {
            [1] => Ok(Grant::Given),
            [0, reason @ ..] => Ok(Grant::Declined(printable(reason))),
            _ => Err(PeerFault::Protocol("what it says of a preparation is malformed".into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_survive_the_wire_and_bad_ones_do_not() {
        for grant in [Grant::Given, Grant::Declined("too much to do".into())] {
            assert_eq!(Grant::from_bytes(&grant.to_bytes()).unwrap(), grant);
        }
        let long = Grant::Declined("é".repeat(MAX_REASON)).to_bytes();
        assert!(long.len() as u64 <= MOST_BYTES);
        assert!(matches!(Grant::from_bytes(&long), Ok(Grant::Declined(reason)) if reason.ends_with('é')));
        let deceptive = Grant::from_bytes(b"\0a\x1b[2Jb").unwrap();
        assert_eq!(deceptive, Grant::Declined("a [2Jb".into()));
        assert!([&[][..], &[2], &[1, 0]].iter().all(|bytes| Grant::from_bytes(bytes).is_err()));
    }
}
