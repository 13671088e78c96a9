//! Files that their owner alone may read.

use super::folder::SyncedFolder;
use crate::error::{Error, InvalidInput, Result};
use std::fs::{File, OpenOptions, hard_link, remove_file, rename};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The content of a file of `limit` bytes at most, which nobody but its owner may read or change.
///
/// # Errors
/// [`InvalidInput::Exposed`] where the mode of a regular file lets others in (on Unix); [`InvalidInput::File`] for a longer file;
/// it cannot be read.
pub fn read_private(path: &Path, limit: u64) -> Result<Zeroizing<Vec<u8>>> {
    let failed = |error| Error::cannot("read", path, error);
    let file = File::open(path).map_err(failed)?;
    require_private(&file, path)?;
    // Room for all that is read: a buffer that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(limit + 1).unwrap_or(0)));
    let read = file.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
    if read as u64 > limit {
        let what = format!("it is longer than the {limit} bytes that such a file may have");
        return Err(InvalidInput::file(path, what).into());
    }
    Ok(bytes)
}

/// Refuses a file that is open to others; pipes and devices are their makers' concern.
#[cfg(unix)]
fn require_private(file: &File, path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = file.metadata();
    let metadata = metadata.map_err(|error| Error::cannot("read", path, error))?;
    let mode = metadata.permissions().mode() & 0o777;
    if metadata.is_file() && mode & 0o077 != 0 {
        return Err(InvalidInput::Exposed { path: path.into(), mode }.into());
    }
    Ok(())
}

#[cfg(not(unix))]
fn require_private(_file: &File, _path: &Path) -> Result<()> {
    Ok(())
}

/// Writes a new file that only its owner can read. The name stands for the whole content or does not exist, also where the system
/// stops in between; what was written is on the disk when this returns.
///
/// # Errors
/// The file exists already, or cannot be written; nothing is left behind then.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |error| Error::cannot("write", path, error);
    let unfinished = Unfinished::beside(path).map_err(failed)?;
    // A link, unlike a new name, replaces nothing that is there.
    let written = unfinished.write(bytes).and_then(|()| hard_link(&unfinished.0, path));
    drop(unfinished);
    written.and_then(|()| sync_folder_of(path)).map_err(failed)
}

/// The same in place of a file that is there: whoever reads the name finds the old content or the new one.
///
/// # Errors
/// It cannot be written; what was there is there still.
pub fn replace_private(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |error| Error::cannot("write", path, error);
    let unfinished = Unfinished::beside(path).map_err(failed)?;
    let written = unfinished.write(bytes).and_then(|()| rename(&unfinished.0, path));
    written.and_then(|()| sync_folder_of(path)).map_err(failed)
}

fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    SyncedFolder::open(folder.unwrap_or(Path::new(".")))?.sync()
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

/// A file under a name of its own, which is gone when this is dropped.
struct Unfinished(PathBuf);

impl Unfinished {
    /// In the folder of `path`.
    fn beside(path: &Path) -> io::Result<Self> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
        let number = getrandom::u64().map_err(io::Error::other)?;
        Ok(Self(path.with_file_name(format!(".{}.{number:016x}.new", name.to_string_lossy()))))
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let mut file = create_private(&self.0)?;
        file.write_all(bytes)?;
        file.sync_all()
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // It may never have been made; the error that counts is another.
        let _ = remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_once_and_nothing_lies_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        write_private(&path, b"first").unwrap();
        assert!(matches!(write_private(&path, b"second"), Err(Error::Io { .. })));
        assert_eq!(**read_private(&path, 5).unwrap(), *b"first");
        assert!(write_private(&folder.path().join("nowhere/secret"), b"").is_err());
        assert!(write_private(&folder.path().join(".."), b"").is_err());
        let names: Vec<_> =
            folder.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["secret"]);
    }

    #[test]
    fn long_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        write_private(&path, &[7; 100]).unwrap();
        assert!(matches!(read_private(&path, 99), Err(Error::InvalidInput(InvalidInput::File { .. }))));
        assert_eq!(read_private(&path, 100).unwrap().len(), 100);
    }

    #[cfg(unix)]
    #[test]
    fn files_that_others_may_read_or_change_are_refused_with_the_command_that_mends_it() {
        use std::fs::{Permissions, set_permissions};
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        write_private(&path, b"secret").unwrap();
        for (mode, is_private) in
            [(0o600, true), (0o400, true), (0o640, false), (0o604, false), (0o620, false), (0o601, false)]
        {
            set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            match read_private(&path, 99) {
                Ok(_) => assert!(is_private, "{mode:o}"),
                Err(error) => {
                    let text = error.to_string();
                    assert!(!is_private && text.contains("chmod 600"), "{mode:o}: {text}");
                }
            }
        }
    }
}
