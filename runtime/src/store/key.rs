//! A store's key, and what is derived from it.

use super::label::{ClientId, Label};
use crate::error::{InvalidInput, Result};
use crate::files::{read_private, write_private};
use crate::paillier::SecureRng;
use std::path::Path;
use zeroize::Zeroizing;

const BYTES: usize = 32;

/// The 32 random bytes that a store's files are sealed under; wiped on drop. No `Clone`, no `Debug`.
pub(super) struct StoreKey(Zeroizing<[u8; BYTES]>);

/// A short name of a half, by which its file is called.
pub(super) type FileId = [u8; 16];

/// A short name of a client, which says nothing of it without the key.
pub(super) type ClientTag = [u8; 16];

impl StoreKey {
    /// The key in the file at `path`; a new one, in a new file that only its owner can read, where there is none.
    ///
    /// # Errors
    /// The file cannot be read or written, or holds no such key.
    pub(super) fn read_or_create(path: &Path) -> Result<Self> {
        if !path.exists() {
            return Self::create(path);
        }
        let bytes = read_private(path, BYTES as u64)?;
        let bytes: [u8; BYTES] = bytes[..].try_into().map_err(|_| {
            InvalidInput::file(path, format_args!("a store's key has {BYTES} bytes, not these"))
        })?;
        Ok(Self(Zeroizing::new(bytes)))
    }

    fn create(path: &Path) -> Result<Self> {
        let mut key = Self(Zeroizing::default());
        random(&mut *key.0)?;
        write_private(path, &*key.0)?;
        Ok(key)
    }

    /// What shows that an identity was written under this key.
    pub(super) fn check(&self, identity: &[u8]) -> FileId {
        short(self.derive("identity", &[identity]))
    }

    /// What the file of a half is called.
    pub(super) fn file_id(&self, label: &Label) -> FileId {
        let (plan, client) = (label.owner.plan.as_bytes(), label.owner.client.as_bytes());
        short(self.derive("file", &[plan, client, label.server.as_bytes(), label.name.as_bytes()]))
    }

    /// What headers call a client.
    pub(super) fn client_tag(&self, client: &ClientId) -> ClientTag {
        short(self.derive("client", &[client.as_bytes()]))
    }

    /// The key of a file with this header.
    pub(super) fn seal(&self, header: &[u8]) -> Zeroizing<[u8; BYTES]> {
        Zeroizing::new(*self.derive("seal", &[header]).as_bytes())
    }

    /// Fields have fixed lengths for each purpose.
    fn derive(&self, purpose: &str, fields: &[&[u8]]) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(purpose.as_bytes()).update(&[0]);
        for field in fields {
            hasher.update(field);
        }
        hasher.finalize()
    }
}

fn short(hash: blake3::Hash) -> FileId {
    hash.as_bytes().first_chunk().copied().unwrap_or_default()
}

/// Fills `bytes` from the operating system's randomness.
pub(super) fn random(bytes: &mut [u8]) -> Result<()> {
    SecureRng::from_os()?.fill(bytes);
    Ok(())
}
