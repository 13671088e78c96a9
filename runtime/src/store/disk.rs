//! The folder's files: written whole or not at all, removed for good.

use crate::error::{Error, Result};
use crate::files::{create_private, lock, sync_folder};
use std::fs::{self, DirBuilder, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
#[cfg(test)]
use std::sync::atomic::{AtomicUsize, Ordering};

/// What the file is called that the process locks which has the folder open.
const LOCK: &str = "lock";

/// A folder that this process alone has open.
pub(super) struct Disk {
    folder: PathBuf,
    _lock: File,
    /// Steps until everything fails, as if the process were dead.
    #[cfg(test)]
    pub(super) left: AtomicUsize,
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
    pub(super) fn open(folder: &Path) -> Result<Self> {
        let failed = |error| Error::cannot("open", folder, error);
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder).map_err(failed)?;
        Ok(Self {
            folder: folder.into(),
            _lock: lock(&folder.join(LOCK), "somebody else has this store open")?,
            #[cfg(test)]
            left: AtomicUsize::new(usize::MAX),
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

    /// Writes a file that only its owner can read, under the name `temporary` until all of it is on disk; nothing stays
    /// where that fails.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn write(
        &self,
        temporary: &str,
        name: &str,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let written = self.written(temporary, name, write);
        if written.is_err() {
            // The error that counts is the first one; what is left under way is removed when the folder is opened.
            let _ = self.step().and_then(|()| fs::remove_file(self.path(temporary)));
        }
        written
    }

    fn written(
        &self,
        temporary: &str,
        name: &str,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        self.step()?;
        match fs::remove_file(self.path(temporary)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {} // what a crash left
        }
        let file = BufWriter::new(create_private(&self.path(temporary))?);
        let mut file = Mortal { disk: self, file };
        write(&mut file)?;
        file.flush()?;
        self.step()?;
        file.file.get_ref().sync_all()?;
        self.step()?;
        fs::rename(self.path(temporary), self.path(name))?;
        self.sync()
    }

    /// Removes a file for good: if this returns, no crash brings it back.
    ///
    /// # Errors
    /// The system's; the file may be there or not.
    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        self.step()?;
        fs::remove_file(self.path(name))?;
        self.sync()
    }

    fn sync(&self) -> io::Result<()> {
        self.step()?;
        sync_folder(&self.folder)
    }

    /// Before everything that changes what is on disk.
    fn step(&self) -> io::Result<()> {
        #[cfg(test)]
        {
            let alive = |left: usize| left.checked_sub(1);
            let step = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, alive);
            step.map_err(|_| io::Error::other("the process is dead"))?;
        }
        Ok(())
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
