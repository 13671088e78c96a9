//! The folder's files: written whole or not at all, removed for good.

use crate::error::{self, Error};
use crate::files::{SyncedFolder, create_private, lock};
use std::fs::{self, DirBuilder, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
#[cfg(test)]
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// What the file is called that the process locks which has the folder open.
const LOCK: &str = "lock";

/// A folder that this process alone has open.
pub(super) struct Disk {
    folder: PathBuf,
    synced: SyncedFolder,
    _lock: File,
    /// Steps until everything fails, as if the process were dead.
    #[cfg(test)]
    pub(super) left: AtomicUsize,
    /// Only the step fails that comes after those.
    #[cfg(test)]
    pub(super) fails_once: AtomicBool,
}

/// Why a file was not written.
pub(super) struct Unwritten {
    pub(super) error: io::Error,
    /// Whether nothing of it is there, nor will be after a crash; else it may be there or not.
    pub(super) is_gone: bool,
}

/// Writes, and dies where tests want it.
struct Mortal<'d> {
    disk: &'d Disk,
    file: BufWriter<File>,
}

impl Disk {
    /// Opens a folder, making it where there is none.
    ///
    /// # Errors
    /// Another process, or another part of this one, has it open; or it cannot be made.
    pub(super) fn open(folder: &Path) -> error::Result<Self> {
        let failed = |error| Error::cannot("open", folder, error);
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder).map_err(failed)?;
        Ok(Self {
            folder: folder.into(),
            synced: SyncedFolder::open(folder).map_err(failed)?,
            _lock: lock(&folder.join(LOCK), "somebody else has this store open")?,
            #[cfg(test)]
            left: AtomicUsize::new(usize::MAX),
            #[cfg(test)]
            fails_once: AtomicBool::new(false),
        })
    }

    /// Where a file is.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// What the files in it are called.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn names(&self) -> io::Result<Vec<String>> {
        let entries = fs::read_dir(&self.folder)?.collect::<io::Result<Vec<_>>>()?;
        Ok(entries.into_iter().filter_map(|entry| entry.file_name().into_string().ok()).collect())
    }

    /// Writes a file that only its owner can read, under the name `temporary` until all of it is on disk.
    ///
    /// # Errors
    /// The system's, and whether that left nothing.
    pub(super) fn write(
        &self,
        temporary: &str,
        name: &str,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Unwritten> {
        if let Err(error) = self.write_temporary(temporary, write) {
            self.forget(temporary);
            return Err(Unwritten { error, is_gone: true });
        }
        self.publish(temporary, name).map_err(|error| {
            self.forget(temporary);
            Unwritten { error, is_gone: self.remove(name).is_ok() }
        })
    }

    fn write_temporary(
        &self,
        temporary: &str,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        self.step()?;
        remove_if_there(&self.path(temporary))?; // what a crash left
        let file = BufWriter::new(create_private(&self.path(temporary))?);
        let mut file = Mortal { disk: self, file };
        write(&mut file)?;
        file.flush()?;
        self.step()?;
        file.file.get_ref().sync_all()
    }

    /// Gives a file its name, for good.
    fn publish(&self, temporary: &str, name: &str) -> io::Result<()> {
        self.step()?;
        fs::rename(self.path(temporary), self.path(name))?;
        self.sync()
    }

    /// Removes what is under way if that can be done, or else the next time that the folder is opened.
    fn forget(&self, temporary: &str) {
        let _ = self.step().and_then(|()| fs::remove_file(self.path(temporary)));
    }

    /// Removes a file for good: if this returns, no crash brings it back. It may be gone already.
    ///
    /// # Errors
    /// The system's; the file may be there or not.
    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        self.step()?;
        remove_if_there(&self.path(name))?;
        self.sync()
    }

    fn sync(&self) -> io::Result<()> {
        self.step()?;
        self.synced.sync()
    }

    /// Before everything that changes what is on disk.
    fn step(&self) -> io::Result<()> {
        #[cfg(test)]
        {
            let next = |left: usize| match (left.checked_sub(1), self.fails_once.load(Ordering::Relaxed)) {
                (None, true) => Some(usize::MAX),
                (left, _) => left,
            };
            let step = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
            if step.unwrap_or(0) == 0 {
                return Err(io::Error::other("the disk has failed"));
            }
        }
        Ok(())
    }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

impl Write for Mortal<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.disk.step()?;
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.disk.step()?;
        self.file.flush()
    }
}
