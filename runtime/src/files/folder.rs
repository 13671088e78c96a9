//! Folders whose changes can be waited for.

use std::fs::File;
use std::io;
use std::path::Path;

/// A folder that is open for syncing, so that a process that has all the files open that it may can sync it still. Windows opens no
/// folders; there the system decides when changes are on disk.
pub struct SyncedFolder(Option<File>);

impl SyncedFolder {
    /// Opens a folder.
    ///
    /// # Errors
    /// The system's.
    pub fn open(folder: &Path) -> io::Result<Self> {
        Ok(Self(if cfg!(unix) { Some(File::open(folder)?) } else { None }))
    }

    /// Waits until what was made, renamed and removed in the folder is on disk.
    ///
    /// # Errors
    /// The system's.
    pub fn sync(&self) -> io::Result<()> {
        self.0.as_ref().map_or(Ok(()), File::sync_all)
    }
}
