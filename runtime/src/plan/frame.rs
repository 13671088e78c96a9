//! How a plan's bytes begin, and the digest that names it.
//!
//! ```text
//! "POPCORN" kind:u8   server plan 'P', client view 'C'
//! version:u32         little-endian, FORMAT_VERSION
//! length:u64          of the body
//! digest:[u8; 32]     BLAKE3 of "POPCORN", kind, version and body
//! body                postcard
//! ```

use super::Plan;
use super::ids::PlanId;
use serde::Serialize;

/// Version of the format that this build writes and reads.
pub const FORMAT_VERSION: u32 = 13;

pub(super) const MAGIC: &[u8; 7] = b"POPCORN";
/// Bytes before the body: all that the format lists above it.
pub const HEADER_BYTES: usize = MAGIC.len() + 1 + 4 + 8 + 32;

/// The party that a plan's bytes are for, as they say in their byte `kind`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    Server = b'P' as isize,
    Client = b'C' as isize,
}

impl Owner {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Owner::Server => "a server's plan",
            Owner::Client => "a client's view",
        }
    }
}

/// The digest that names a plan.
pub(super) fn plan_id(plan: &Plan) -> PlanId {
    PlanId::from_bytes(frame(Owner::Server, plan).1)
}

/// `content` as bytes, and its digest.
pub(super) fn frame(owner: Owner, content: &impl Serialize) -> (Vec<u8>, [u8; 32]) {
    let body = postcard::to_stdvec(content).expect("plans hold nothing that postcard refuses");
    let digest = digest(owner, &body);
    let mut bytes = Vec::with_capacity(HEADER_BYTES + body.len());
    bytes.extend_from_slice(MAGIC);
    bytes.push(owner as u8);
    bytes.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
    bytes.extend_from_slice(&(body.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&digest);
    bytes.extend_from_slice(&body);
    (bytes, digest)
}

pub(super) fn digest(owner: Owner, body: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(MAGIC).update(&[owner as u8]).update(&FORMAT_VERSION.to_le_bytes()).update(body);
    *hasher.finalize().as_bytes()
}
