//! What one process at a time may have.

use crate::error::{Error, InvalidInput, Result};
use std::fs::{File, TryLockError};
use std::path::Path;

/// Locks a file, which is made where there is none, until what this returns is dropped, or the process ends.
///
/// # Errors
/// [`InvalidInput::File`] that says `taken`: another process, or another part of this one, has it locked. Or the system's.
pub fn lock(path: &Path, taken: &str) -> Result<File> {
    let failed = |error| Error::io(format!("cannot lock {}", path.display()), error);
    let file = File::options().create(true).append(true).open(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(InvalidInput::File { path: path.into(), what: taken.into() }.into())
        }
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}
