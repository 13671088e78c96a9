//! Files that their owner alone may read.

use crate::error::{Error, Result};
use std::fs::{File, OpenOptions, remove_file};
use std::io::{self, Write};
use std::path::Path;

/// Writes a new file that only its owner can read; leaves nothing behind where that fails.
///
/// # Errors
/// The file exists already, or cannot be written.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |error| Error::io(format!("cannot write {}", path.display()), error);
    let mut file = create_private(path).map_err(failed)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    written.map_err(|error| {
        // Half a secret is of no use; the error that counts is the first one.
        let _ = remove_file(path);
        failed(error)
    })
}

/// A new file that only its owner can read.
///
/// # Errors
/// The file exists already, or cannot be made.
pub fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Waits until what was made, renamed and removed in a folder is on disk; on Unix alone, elsewhere the system decides when it is.
///
/// # Errors
/// The system's.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
