//! What goes to stdout, and files that are never left half-written.

use super::Outcome;
use compiler::error::Error;
use runtime::files::is_same;
use serde::Serialize;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Prints `text` and a line break. A reader that closed the pipe has what it wanted.
pub(super) fn print(text: &str) -> Outcome {
    print_bytes(format!("{}\n", text.trim_end()).as_bytes())
}

/// The same of bytes, as they are.
pub(super) fn print_bytes(bytes: &[u8]) -> Outcome {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(file_error(Path::new("stdout"), error)),
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// Prints `value` as indented JSON.
pub(super) fn print_json(value: &impl Serialize) -> Outcome {
    print(&serde_json::to_string_pretty(value).map_err(|error| Error::Bug(error.to_string()))?)
}

/// Writes `bytes` to a new file beside `path`, then puts it in the place of `path`.
///
/// # Errors
/// [`Error::File`]; `path` is then as it was.
pub(super) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let temporary = beside(path)?;
    let written = write_synced(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
    written.map_err(|error| {
        // Nothing can be done if even this fails; the first error is the one to report.
        let _ = fs::remove_file(&temporary);
        file_error(path, error)
    })
}

/// Whether [`write_atomically`] will be able to write: told before long work, not after it.
///
/// # Errors
/// [`Error::File`].
pub(super) fn check_writable(path: &Path) -> Result<(), Error> {
    let temporary = beside(path)?;
    let tried = write_synced(&temporary, &[]).and_then(|()| fs::remove_file(&temporary));
    tried.map_err(|error| file_error(path, error))
}

/// That `output`, which is to be written, is not `input`, which is read.
///
/// # Errors
/// [`Error::Option`].
pub(super) fn check_apart(output: &Path, input: &Path) -> Result<(), Error> {
    if is_same(output, input) {
        let what =
            format!("{} would be overwritten by what is made of it: give another name", input.display());
        return Err(Error::Option(what));
    }
    Ok(())
}

/// The [`Error::File`] that names `path` and the reason.
pub(super) fn file_error(path: &Path, source: io::Error) -> Error {
    Error::File { path: path.to_owned(), source }
}

/// `.NAME.PROCESS.tmp` in the directory of `path`, where a rename stays on one file system.
fn beside(path: &Path) -> Result<PathBuf, Error> {
    let name = path.file_name().ok_or_else(|| file_error(path, io::Error::other("this names no file")))?;
    Ok(path.with_file_name(format!(".{}.{}.tmp", name.to_string_lossy(), std::process::id())))
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
