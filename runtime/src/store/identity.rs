//! Which store a folder is, and whether a key is its own.
//!
//! ```text
//! magic, with a version · the store's random id · the key's check of both
//! ```

use super::disk::Disk;
use super::key::{StoreKey, random};
use super::label::StoreId;
use crate::error::{Error, InvalidInput, Result};
use std::fs;
use std::io::ErrorKind;

/// What the file is called.
const FILE: &str = "identity";
const MAGIC: &[u8; 10] = b"popstore\x01\x00";

/// Which store the folder is, once its key is known to be right; a new one in an empty folder.
///
/// # Errors
/// [`InvalidInput::File`]: it was filled under another key, or by another version. Or the system's.
pub(super) fn read_or_create(disk: &Disk, key: &StoreKey) -> Result<StoreId> {
    let path = disk.path(FILE);
    let refused = |what| InvalidInput::file(&path, what);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return create(disk, key),
        Err(error) => return Err(Error::cannot("read", &path, error)),
    };
    let (identity, check) = bytes.split_at(bytes.len().min(MAGIC.len() + StoreId::BYTES));
    let id = identity.strip_prefix(MAGIC).and_then(|id| id.try_into().ok());
    let id = id.ok_or_else(|| refused("this is no store, or one of another version"))?;
    if check != key.check(identity) {
        return Err(refused("the store was filled under another key, or is damaged").into());
    }
    Ok(StoreId::from_bytes(id))
}

fn create(disk: &Disk, key: &StoreKey) -> Result<StoreId> {
    let mut id = [0; StoreId::BYTES];
    random(&mut id)?;
    let identity = [&MAGIC[..], &id].concat();
    let written = disk.write("identity.new", FILE, |file| {
        file.write_all(&identity)?;
        file.write_all(&key.check(&identity))
    });
    written.map_err(|unwritten| Error::cannot("write", &disk.path(FILE), unwritten.error))?;
    Ok(StoreId::from_bytes(id))
}
