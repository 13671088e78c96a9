//! What a half of a prepared inference belongs to.

use crate::paillier::SecureRng;
use crate::plan::PlanId;

/// The random name of a preparation, which both parties know and nobody else: who knows it, and shows the client's public key,
/// may use it up. No `Debug`, no `Display`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Name([u8; Self::BYTES]);

/// The random identity of a party's store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreId([u8; Self::BYTES]);

/// A client, by its public key: the BLAKE3 digest of the bytes that are sent of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientId([u8; 32]);

/// The plan and the client whose half it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The plan that the inference is of.
    pub plan: PlanId,
    /// The client that prepared it.
    pub client: ClientId,
}

/// All that tells a half from others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Label {
    /// The plan and the client.
    pub owner: Owner,
    /// The server's store, in which the other half is.
    pub server: StoreId,
    /// The preparation.
    pub name: Name,
}

/// How a half came to be put away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Both parties have put their halves away by agreement.
    Kept,
    /// A session left it when it ended, and the other party may have none.
    Left,
}

impl Name {
    /// Bytes of a name.
    pub const BYTES: usize = 32;

    /// A new one.
    pub fn random(rng: &mut SecureRng) -> Self {
        let mut bytes = [0; Self::BYTES];
        rng.fill(&mut bytes);
        Self(bytes)
    }

    /// The name with these bytes.
    pub const fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }
}

impl StoreId {
    /// Bytes of an identity.
    pub const BYTES: usize = 16;

    /// What a server says that keeps nothing.
    pub const NONE: Self = Self([0; Self::BYTES]);

    /// The identity with these bytes.
    pub const fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }
}

impl ClientId {
    /// Of the client with this public key, as it is sent.
    pub fn of(public_key: &[u8]) -> Self {
        Self(*blake3::hash(public_key).as_bytes())
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}
