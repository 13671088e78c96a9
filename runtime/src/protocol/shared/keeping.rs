//! How inferences that are prepared outlive a session: each party puts its half into its store, under a name that the client draws,
//! and in a later session both take it out again.
//!
//! ```text
//! client                                             server
//!                                               ◀──  Welcome: the store that it keeps halves in, or none
//! Prepare: how many, a name for each            ──▶  prepares (grant.rs)
//!
//! Keep: how many of the oldest                  ──▶  puts its halves into its store
//! puts those that the server kept into its own, ◀──  Kept: of each whether it kept it
//! drops those that the server cannot vouch for
//!
//! the session ends, by no fault of the peer's
//! puts what it has not used into its store           puts what was not asked for into its store
//!
//! later
//! takes halves out of its store
//! Take: their names                             ──▶  takes its halves out of its store
//! puts back those that are not to be had now,   ◀──  Taken: of each whether it was there
//! drops those that the server has no more
//! ```
//!
//! Each party removes a half from its store for good before it says or does anything with it, and puts none back of which the peer
//! has seen anything, so none is used twice; a half whose other one is lost is of no use. A half belongs to the view of the plan for
//! which it was prepared: a server that showed another one under the same digest could lay what it knows over the client's masks. What
//! is in the session afterwards is prepared as if it had been there all the time, in the order of the names.
//!
//! # Who learns what
//!
//! The server: which sessions' preparations are used in which later ones. Names are random. Whether the client found a fault in what
//! it has prepared does not show: it keeps such halves as others, marked, and a session that has one again reports the fault with its
//! next result.

use crate::error::PeerFault;
use crate::store::Name;

/// Names in a message at most.
pub const MOST_NAMES: usize = 64;

/// Bytes of names at most.
pub const MOST_BYTES: u64 = (MOST_NAMES * Name::BYTES) as u64;

/// What a client wants to be prepared together.
#[derive(Clone, PartialEq, Eq)]
pub struct Preparation {
    /// How many inferences.
    pub inferences: u8,
    /// A name for each, or none: then they end with the session.
    pub names: Vec<Name>,
}

impl Preparation {
    /// Bytes at most.
    pub const MOST_BYTES: u64 = 1 + MOST_BYTES;

    /// The bytes that are sent.
    pub fn to_bytes(&self) -> Vec<u8> {
        [&[self.inferences], &*names_to_bytes(&self.names)].concat()
    }

    /// Reads a client's bytes.
    ///
    /// # Errors
    /// There is no number, or there are names for some of them.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PeerFault> {
        let malformed = || PeerFault::Protocol("what it wants to prepare is malformed".into());
        let (&inferences, names) = bytes.split_first().ok_or_else(malformed)?;
        let names = names_from_bytes(names)?;
        let names_all = names.is_empty() || names.len() == usize::from(inferences);
        if names_all { Ok(Self { inferences, names }) } else { Err(malformed()) }
    }
}

/// What a server says of an inference that is to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It stays in the session: there is no room for it.
    Stays = 0,
    /// It has left the session for the store.
    Kept = 1,
    /// It has left the session, and nobody can tell whether it is in the store.
    Lost = 2,
}

/// What a server says of a name that it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// It has no half of this name, or none any more.
    Gone = 0,
    /// The inference is part of the session now.
    There = 1,
    /// It has not looked, since it keeps much for others at the moment, or another session has the inference still; the name may be
    /// asked for again.
    NotNow = 2,
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

impl Kept {
    const ALL: [Self; 3] = [Kept::Stays, Kept::Kept, Kept::Lost];

    /// The bytes that are sent.
    pub fn to_bytes(kept: &[Self]) -> Vec<u8> {
        kept.iter().map(|&kept| kept as u8).collect()
    }

    /// Reads a server's bytes.
    ///
    /// # Errors
    /// They say something else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Vec<Self>, PeerFault> {
        numbered(Self::ALL, bytes)
    }
}

impl Found {
    const ALL: [Self; 3] = [Found::Gone, Found::There, Found::NotNow];

    /// The bytes that are sent.
    pub fn to_bytes(found: &[Self]) -> Vec<u8> {
        found.iter().map(|&found| found as u8).collect()
    }

    /// Reads a server's bytes.
    ///
    /// # Errors
    /// They say something else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Vec<Self>, PeerFault> {
        numbered(Self::ALL, bytes)
    }
}

/// Of what each byte is the number.
fn numbered<T: Copy>(all: [T; 3], bytes: &[u8]) -> Result<Vec<T>, PeerFault> {
    let malformed = || PeerFault::Protocol("what it says of kept inferences is malformed".into());
    bytes.iter().map(|&byte| all.get(usize::from(byte)).copied().ok_or_else(malformed)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_survive_the_wire_and_bad_ones_do_not() {
        let names: Vec<Name> = (0..3).map(|index| Name::from_bytes([index; 32])).collect();
        for (inferences, names) in [(3, names.clone()), (3, Vec::new()), (200, Vec::new())] {
            let wanted = Preparation { inferences, names };
            let bytes = wanted.to_bytes();
            assert!(bytes.len() as u64 <= Preparation::MOST_BYTES);
            assert!(Preparation::from_bytes(&bytes).unwrap() == wanted);
        }
        let some = Preparation { inferences: 4, names }.to_bytes();
        assert!([&[][..], &[1, 0], &some].iter().all(|bytes| Preparation::from_bytes(bytes).is_err()));
        assert_eq!(Kept::from_bytes(&Kept::to_bytes(&Kept::ALL)).unwrap(), Kept::ALL);
        assert_eq!(Found::from_bytes(&Found::to_bytes(&Found::ALL)).unwrap(), Found::ALL);
        assert!(Kept::from_bytes(&[3]).is_err() && Found::from_bytes(&[3]).is_err());
        assert!(names_from_bytes(&[0; 32 * MOST_NAMES]).is_ok());
        assert!(
            names_from_bytes(&[0; 32 * (MOST_NAMES + 1)]).is_err() && names_from_bytes(&[0; 33]).is_err()
        );
    }
}
