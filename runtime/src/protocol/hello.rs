//! The first messages: which protocol, who asks, which plan.
//!
//! ```text
//! Hello    version:u32 little-endian
//!          0, or 1 · token:[u8; 32]
//!          0 any plan, 1 · digest:[u8; 32], 2 · name of 1 to 64 bytes, or 3 a list of the plans
//! Welcome  terms:42 bytes ([`Terms`]) · client view
//! Plans    postcard: a list of names and digests
//! ```

use super::token::Token;
use crate::error::PeerFault;
use crate::plan::{PlanId, PlanName};
use crate::store::StoreId;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use zeroize::Zeroizing;

/// Version of the protocol that this build speaks.
pub const PROTOCOL_VERSION: u32 = 16;

/// Bytes of a [`Hello`] at most.
pub const HELLO_BYTES: usize = 4 + 1 + 32 + 1 + PlanName::MAX;

/// Plans that a server offers at most.
pub const MAX_PLANS: usize = 1024;
/// Bytes of the list of them at most.
pub const PLANS_BYTES: usize = 2 + MAX_PLANS * (1 + PlanName::MAX + 32);

/// What a client says first.
#[derive(Clone, Default)]
pub struct Hello {
    /// What it wants.
    pub wanted: Wanted,
    /// What it shows, so that it is let in.
    pub token: Option<Token>,
}

/// What a client wants of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// The plan, of a server that has one.
    #[default]
    Any,
    /// The plan with this digest.
    Id(PlanId),
    /// The plan that the server calls so.
    Name(PlanName),
    /// A list of all plans, and nothing else.
    List,
}

impl From<Option<PlanId>> for Wanted {
    fn from(plan: Option<PlanId>) -> Self {
        plan.map_or(Wanted::Any, Wanted::Id)
    }
}

/// A digest or a name.
impl FromStr for Wanted {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        text.parse().map(Wanted::Id).or_else(|_| text.parse().map(Wanted::Name))
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wanted::Any => f.write_str("the only plan"),
            Wanted::Id(id) => write!(f, "plan {id}"),
            Wanted::Name(name) => write!(f, "plan {name}"),
            Wanted::List => f.write_str("a list of plans"),
        }
    }
}

impl Hello {
    /// The bytes that are sent.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(HELLO_BYTES));
        bytes.extend(PROTOCOL_VERSION.to_le_bytes());
        bytes.push(self.token.is_some().into());
        bytes.extend(self.token.iter().flat_map(Token::as_bytes));
        match &self.wanted {
            Wanted::Any => bytes.push(0),
            Wanted::Id(id) => {
                bytes.push(1);
                bytes.extend(id.as_bytes());
            }
            Wanted::Name(name) => {
                bytes.push(2);
                bytes.extend(name.to_string().bytes());
            }
            Wanted::List => bytes.push(3),
        }
        bytes
    }

    /// Reads a hello from a peer's bytes.
    ///
    /// # Errors
    /// Another version, or a malformed token or choice of plan.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PeerFault> {
        let malformed = || PeerFault::Protocol("its hello is malformed".into());
        let (version, rest) = bytes.split_first_chunk::<4>().ok_or_else(malformed)?;
        match u32::from_le_bytes(*version) {
            PROTOCOL_VERSION => {}
            other => {
                return Err(PeerFault::Protocol(format!(
                    "it speaks version {other}, this is {PROTOCOL_VERSION}"
                )));
            }
        }
        let (token, rest) = match rest {
            [0, rest @ ..] => (None, rest),
            [1, rest @ ..] => {
                let (token, rest) = rest.split_first_chunk().ok_or_else(malformed)?;
                (Some(Token::from_bytes(*token)), rest)
            }
            _ => return Err(malformed()),
        };
        let wanted = match rest {
            [0] => Wanted::Any,
            [1, digest @ ..] => Wanted::Id(PlanId::from_bytes(digest.try_into().map_err(|_| malformed())?)),
            [2, name @ ..] => {
                let name = str::from_utf8(name).ok().and_then(|name| name.parse().ok());
                Wanted::Name(name.ok_or_else(malformed)?)
            }
            [3] => Wanted::List,
            _ => return Err(malformed()),
        };
        Ok(Self { wanted, token })
    }
}

/// What a server grants a client in a session, so that the client asks for no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Inferences that may be prepared and not used yet at the same time.
    pub max_prepared: u16,
    /// Seconds between two requests; [`u32::MAX`] if it does not matter.
    pub idle: u32,
    /// Seconds that the session may last; [`u32::MAX`] if that does not matter.
    pub age: u32,
    /// Inferences that it prepares for this client today from now on, in all its sessions; [`u64::MAX`] if as many as the client likes.
    pub preparations: u64,
    /// Images that it answers, likewise.
    pub inferences: u64,
    /// Where it keeps what is prepared beyond the session; [`StoreId::NONE`] if it keeps nothing.
    pub store: StoreId,
}

impl Terms {
    /// Length in bytes.
    pub const BYTES: usize = 2 + 4 + 4 + 8 + 8 + StoreId::BYTES;

    /// So many prepared inferences, and no other bounds; nothing is kept beyond the session.
    pub const fn unlimited(max_prepared: u16) -> Self {
        let store = StoreId::NONE;
        Self {
            max_prepared,
            idle: u32::MAX,
            age: u32::MAX,
            preparations: u64::MAX,
            inferences: u64::MAX,
            store,
        }
    }

    /// The bytes that are sent: the fields in their order, little-endian.
    fn to_bytes(self) -> Vec<u8> {
        let Self { max_prepared, idle, age, preparations, inferences, store } = self;
        let (short, seconds) = (max_prepared.to_le_bytes(), [idle, age].map(u32::to_le_bytes));
        let counts = [preparations, inferences].map(u64::to_le_bytes);
        [&short[..], seconds.as_flattened(), counts.as_flattened(), store.as_bytes()].concat()
    }

    /// Splits terms off a server's bytes, if these are long enough.
    fn split_from(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (max_prepared, rest) = bytes.split_first_chunk()?;
        let (idle, rest) = rest.split_first_chunk()?;
        let (age, rest) = rest.split_first_chunk()?;
        let (preparations, rest) = rest.split_first_chunk()?;
        let (inferences, rest) = rest.split_first_chunk()?;
        let (store, rest) = rest.split_first_chunk()?;
        let terms = Self {
            max_prepared: u16::from_le_bytes(*max_prepared),
            idle: u32::from_le_bytes(*idle),
            age: u32::from_le_bytes(*age),
            preparations: u64::from_le_bytes(*preparations),
            inferences: u64::from_le_bytes(*inferences),
            store: StoreId::from_bytes(*store),
        };
        Some((terms, rest))
    }
}

/// The server's answer to a client that wants a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Welcome<'a> {
    /// What the client may ask for.
    pub terms: Terms,
    /// The client's view of the plan, as [`crate::plan::codec::encode_view`] writes it.
    pub view: &'a [u8],
}

impl<'a> Welcome<'a> {
    /// The bytes that are sent.
    pub fn to_bytes(self) -> Vec<u8> {
        [&self.terms.to_bytes(), self.view].concat()
    }

    /// Reads a welcome from the server's bytes; the view in it is not checked.
    ///
    /// # Errors
    /// The message is too short.
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, PeerFault> {
        let too_short = || PeerFault::Protocol("its welcome is too short".into());
        let (terms, view) = Terms::split_from(bytes).ok_or_else(too_short)?;
        Ok(Self { terms, view })
    }
}

/// A plan in a server's list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// What the server calls it.
    pub name: PlanName,
    /// Its digest.
    pub id: PlanId,
}

impl Listed {
    /// The bytes of a list, which are sent.
    pub fn to_bytes(list: &[Self]) -> Vec<u8> {
        postcard::to_allocvec(list).expect("names and digests are nothing that postcard refuses")
    }

    /// Reads a list from the server's bytes.
    ///
    /// # Errors
    /// They are no such list, or it is too long.
    pub fn from_bytes(bytes: &[u8]) -> Result<Vec<Self>, PeerFault> {
        match postcard::take_from_bytes::<Vec<Self>>(bytes) {
            Ok((list, [])) if list.len() <= MAX_PLANS => Ok(list),
            _ => Err(PeerFault::Protocol("its list of plans is malformed".into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hellos_survive_the_wire_and_bad_ones_do_not() {
        let name = PlanName::like(&"x".repeat(PlanName::MAX));
        let wanted = [Wanted::Any, Wanted::Id(PlanId::from_bytes([7; 32])), Wanted::Name(name), Wanted::List];
        for wanted in wanted {
            for token in [None, Some(Token::from_bytes([9; 32]))] {
                let bytes = Hello { wanted: wanted.clone(), token: token.clone() }.to_bytes();
                assert!(bytes.len() <= HELLO_BYTES);
                let read = Hello::from_bytes(&bytes).unwrap();
                assert_eq!((&read.wanted, read.token.is_some()), (&wanted, token.is_some()));
                assert_eq!(read.to_bytes(), bytes);
                for end in 0..bytes.len() {
                    let cut = Hello::from_bytes(&bytes[..end]);
                    // A name may be cut to a name.
                    assert!(cut.is_err() || matches!(wanted, Wanted::Name(_)), "{wanted} cut to {end}");
                }
            }
        }
        let bytes = |end: &[u8]| [&PROTOCOL_VERSION.to_le_bytes(), end].concat();
        for end in [&[0, 0, 0][..], &[2, 0], &[0, 4], &[0, 2], &[0, 2, b' '], &[0, 2, 0xff], &[0, 3, 0]] {
            assert!(Hello::from_bytes(&bytes(end)).is_err(), "{end:?}");
        }
        let mut other_version = bytes(&[0, 0]);
        assert!(Hello::from_bytes(&other_version).is_ok());
        other_version[0] = 99;
        assert!(
            Hello::from_bytes(&other_version).is_err_and(|error| error.to_string().contains("version 99"))
        );
    }

    #[test]
    fn welcomes_and_lists_survive_the_wire_and_bad_ones_do_not() {
        let terms = Terms {
            max_prepared: 3,
            idle: 4,
            age: 5,
            preparations: 6,
            inferences: 7,
            store: StoreId::from_bytes([8; 16]),
        };
        let welcome = Welcome { terms, view: b"plan" };
        let bytes = welcome.to_bytes();
        assert_eq!(bytes.len(), Terms::BYTES + 4);
        assert_eq!(Welcome::from_bytes(&bytes).unwrap(), welcome);
        assert!((0..Terms::BYTES).all(|end| Welcome::from_bytes(&bytes[..end]).is_err()));
        let listed = Listed { name: PlanName::like(&"y".repeat(64)), id: PlanId::from_bytes([255; 32]) };
        let bytes = Listed::to_bytes(&vec![listed.clone(); MAX_PLANS]);
        assert!(bytes.len() <= PLANS_BYTES);
        assert_eq!(Listed::from_bytes(&bytes).unwrap(), vec![listed.clone(); MAX_PLANS]);
        assert!(Listed::from_bytes(&bytes[..bytes.len() - 1]).is_err());
        assert!(Listed::from_bytes(&Listed::to_bytes(&vec![listed; MAX_PLANS + 1])).is_err());
        assert!(Listed::from_bytes(&[1, 1, b'\n', 0]).is_err());
    }
}
