//! How inferences that are prepared outlive a session: each party puts its half into its store, under a name that the client draws,
//! and in a later session both take it out again.
//!
//! ```text
//! client                                             server
//! Keep: a name for each of the oldest prepared  ──▶  puts its halves into its store
//! puts those that the server kept into its own  ◀──  Kept: which store it is; of each whether it kept it
//!
//! later
//! takes halves out of its store
//! Take: the server's store, their names         ──▶  takes its halves out of its store
//! drops those that the server has no more       ◀──  Taken: which store it is; of each whether it was there
//! ```
//!
//! A `Take` of no names asks which store it is. Each party removes a half from its store for good before it says or does anything
//! with it, so none is used twice; a half whose other one is lost is of no use. What is in the session afterwards is prepared as
//! if it had been there all the time, in the order of the names.
//!
//! # Who learns what
//!
//! The server: which sessions' preparations are used in which later ones. Names are random.

use crate::error::PeerFault;
use crate::store::{Name, StoreId};

/// Names in a message at most.
pub const MOST_NAMES: usize = 64;

/// Bytes of a message with names at most.
pub const MOST_BYTES: u64 = (StoreId::BYTES + MOST_NAMES * Name::BYTES) as u64;

/// What a client wants to have again.
pub struct Wanted {
    /// The server's store that it is in.
    pub store: StoreId,
    /// Names of inferences.
    pub names: Vec<Name>,
}

/// What a server says of names.
pub struct Outcome {
    /// Its store; [`StoreId::NONE`] if it has none.
    pub store: StoreId,
    /// Of each name whether the server has done what it was asked.
    pub each: Vec<bool>,
}

/// The bytes of names.
pub fn names_to_bytes(names: &[Name]) -> Vec<u8> {
    names.iter().flat_map(Name::as_bytes).copied().collect()
}

/// The names in a peer's bytes.
///
/// # Errors
/// There are too many, or part of one.
pub fn names_from_bytes(bytes: &[u8]) -> Result<Vec<Name>, PeerFault> {
    let (names, rest) = bytes.as_chunks();
    if !rest.is_empty() || names.len() > MOST_NAMES {
        return Err(PeerFault::Protocol("its names of inferences are malformed".into()));
    }
    Ok(names.iter().copied().map(Name::from_bytes).collect())
}

impl Wanted {
    /// The bytes that are sent.
    pub fn to_bytes(&self) -> Vec<u8> {
        [self.store.as_bytes(), &*names_to_bytes(&self.names)].concat()
    }

    /// Reads a client's bytes.
    ///
    /// # Errors
    /// They are too short, or as [`names_from_bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PeerFault> {
        let malformed = || PeerFault::Protocol("it names no store".into());
        let (&store, names) = bytes.split_first_chunk().ok_or_else(malformed)?;
        Ok(Self { store: StoreId::from_bytes(store), names: names_from_bytes(names)? })
    }
}

impl Outcome {
    /// Bytes for so many names.
    pub const fn bytes(names: usize) -> u64 {
        (StoreId::BYTES + names) as u64
    }

    /// The bytes that are sent.
    pub fn to_bytes(&self) -> Vec<u8> {
        let each = self.each.iter().map(|&done| u8::from(done));
        self.store.as_bytes().iter().copied().chain(each).collect()
    }

    /// Reads a server's bytes.
    ///
    /// # Errors
    /// They are too short, or say neither yes nor no.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PeerFault> {
        let malformed = || PeerFault::Protocol("what it says of kept inferences is malformed".into());
        let (&store, each) = bytes.split_first_chunk().ok_or_else(malformed)?;
        let each = each.iter().map(|&done| match done {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(malformed()),
        });
        Ok(Self { store: StoreId::from_bytes(store), each: each.collect::<Result<_, _>>()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_survive_the_wire_and_bad_ones_do_not() {
        let store = StoreId::from_bytes([3; 16]);
        let names: Vec<Name> = (0..3).map(|index| Name::from_bytes([index; 32])).collect();
        let wanted = Wanted { store, names: names.clone() };
        let read = Wanted::from_bytes(&wanted.to_bytes()).unwrap();
        assert!(read.store == store && read.names == names);
        let outcome = Outcome { store, each: vec![true, false, true] };
        let bytes = outcome.to_bytes();
        assert_eq!(bytes.len() as u64, Outcome::bytes(3));
        let read = Outcome::from_bytes(&bytes).unwrap();
        assert!(read.store == store && read.each == outcome.each);
        assert!(Outcome::from_bytes(&[&bytes[..], &[2]].concat()).is_err());
        assert!(Outcome::from_bytes(&bytes[..15]).is_err());
        assert!(Wanted::from_bytes(&[0; 15]).is_err() && Wanted::from_bytes(&[0; 47]).is_err());
        assert!(names_from_bytes(&[0; 32 * MOST_NAMES]).is_ok());
        assert!(
            names_from_bytes(&[0; 32 * (MOST_NAMES + 1)]).is_err() && names_from_bytes(&[0; 33]).is_err()
        );
    }
}
