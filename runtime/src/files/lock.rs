//! What one process at a time may have.

use crate::error::{Error, InvalidInput, Result};
use std::fs::{File, TryLockError};
use std::path::Path;

/// Locks a file, which is made where there is none, for its owner alone, until what this returns is dropped, or the process ends.
///
/// # Errors
/// [`InvalidInput::File`] that says `taken`: another process, or another part of this one, has it locked. Or the system's.
pub fn lock(path: &Path, taken: &str) -> Result<File> {
    let failed = |error| Error::cannot("lock", path, error);
    let mut options = File::options();
    #[cfg(unix)] // who may open it may lock it
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.create(true).append(true).open(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(InvalidInput::file(path, taken).into()),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn its_owner_alone_may_lock_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let first = lock(&path, "taken").unwrap();
        assert_eq!(first.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert!(lock(&path, "taken").is_err_and(|error| error.to_string().ends_with("taken")));
        drop(first);
        lock(&path, "taken").unwrap();
    }
}
