//! Plans as bytes.
//!
//! ```text
//! "POPCORN" kind:u8   server plan 'P', client view 'C'
//! version:u32         little-endian, FORMAT_VERSION
//! length:u64          of the body
//! digest:[u8; 32]     BLAKE3 of kind, version and body
//! body                postcard
//! ```
//!
//! A plan's digest is its [`PlanId`]. Equal plans give equal bytes. Whoever reads bounds the length
//! first; postcard never allocates more than its input can fill.

use super::ids::PlanId;
use super::validate::{ValidPlan, Violation};
use super::view::ClientPlan;
use super::{Plan, validate};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Version of the format that this build writes and reads.
pub const FORMAT_VERSION: u32 = 1;

/// Longest plan that is read, in bytes.
pub const MAX_PLAN_BYTES: u64 = 4 << 30;

/// Longest client view that is read, in bytes.
pub const MAX_VIEW_BYTES: u64 = 16 << 20;

const MAGIC: &[u8; 7] = b"POPCORN";
const HEADER_BYTES: usize = MAGIC.len() + 1 + 4 + 8 + 32;

/// Why bytes are no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// They do not begin as a plan does.
    #[error("this is no Popcorn plan")]
    NotAPlan,
    /// A client's view where a server's plan is needed, or the reverse.
    #[error("this is {got}, not {expected}")]
    WrongKind {
        /// What is needed.
        expected: &'static str,
        /// What it is.
        got: &'static str,
    },
    /// Written by another version.
    #[error(
        "the plan has format version {got}; this program reads version {FORMAT_VERSION}: compile the model again"
    )]
    Version {
        /// What the plan says.
        got: u32,
    },
    /// Cut off, lengthened, or changed.
    #[error("the plan is corrupted: {0}")]
    Corrupted(&'static str),
    /// Well-formed, but contradicting itself.
    #[error("the plan is invalid: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<Violation>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Server = b'P' as isize,
    Client = b'C' as isize,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Kind::Server => "a server's plan",
            Kind::Client => "a client's view",
        }
    }
}

/// The bytes of a plan.
pub fn encode(plan: &ValidPlan) -> Vec<u8> {
    frame(Kind::Server, plan.plan()).0
}

/// A plan from its bytes.
///
/// # Errors
/// Whatever is wrong with them; nothing is trusted.
pub fn decode(bytes: &[u8]) -> Result<ValidPlan, DecodeError> {
    let plan: Plan = unframe(Kind::Server, bytes)?;
    ValidPlan::new(plan).map_err(DecodeError::Invalid)
}

/// The bytes of a client's view, as sent in the handshake.
pub fn encode_view(view: &ClientPlan) -> Vec<u8> {
    frame(Kind::Client, view).0
}

/// A client's view from its bytes.
///
/// # Errors
/// Whatever is wrong with them; nothing is trusted.
pub fn decode_view(bytes: &[u8]) -> Result<ClientPlan, DecodeError> {
    let view: ClientPlan = unframe(Kind::Client, bytes)?;
    match validate::view_violations(&view) {
        violations if violations.is_empty() => Ok(view),
        violations => Err(DecodeError::Invalid(violations)),
    }
}

/// The digest that names a plan.
pub fn plan_id(plan: &Plan) -> PlanId {
    PlanId::from_bytes(frame(Kind::Server, plan).1)
}

fn frame(kind: Kind, content: &impl Serialize) -> (Vec<u8>, [u8; 32]) {
    let body = postcard::to_stdvec(content).expect("plans hold nothing that postcard refuses");
    let digest = digest(kind, &body);
    let mut bytes = Vec::with_capacity(HEADER_BYTES + body.len());
    bytes.extend_from_slice(MAGIC);
    bytes.push(kind as u8);
    bytes.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
    bytes.extend_from_slice(&(body.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&digest);
    bytes.extend_from_slice(&body);
    (bytes, digest)
}

fn unframe<T: DeserializeOwned>(expected: Kind, bytes: &[u8]) -> Result<T, DecodeError> {
    let rest = bytes.strip_prefix(MAGIC).ok_or(DecodeError::NotAPlan)?;
    let (&kind, rest) = rest.split_first().ok_or(DecodeError::NotAPlan)?;
    let got =
        [Kind::Server, Kind::Client].into_iter().find(|&k| k as u8 == kind).ok_or(DecodeError::NotAPlan)?;
    if got != expected {
        return Err(DecodeError::WrongKind { expected: expected.name(), got: got.name() });
    }
    let (version, rest) = rest.split_first_chunk().ok_or(DecodeError::NotAPlan)?;
    match u32::from_le_bytes(*version) {
        FORMAT_VERSION => {}
        got => return Err(DecodeError::Version { got }),
    }
    let (length, rest) = rest.split_first_chunk().ok_or(CUT_OFF)?;
    let (stated, body) = rest.split_first_chunk::<32>().ok_or(CUT_OFF)?;
    if u64::from_le_bytes(*length) != body.len() as u64 {
        return Err(CUT_OFF);
    }
    if digest(expected, body) != *stated {
        return Err(DecodeError::Corrupted("its digest does not match its content"));
    }
    match postcard::take_from_bytes(body) {
        Ok((content, [])) => Ok(content),
        _ => Err(DecodeError::Corrupted("its content cannot be read")),
    }
}

const CUT_OFF: DecodeError = DecodeError::Corrupted("its length is not what its header says");

fn digest(kind: Kind, body: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(MAGIC).update(&[kind as u8]).update(&FORMAT_VERSION.to_le_bytes()).update(body);
    *hasher.finalize().as_bytes()
}
