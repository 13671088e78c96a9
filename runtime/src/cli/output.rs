//! Printing to standard output, which may be a pipe that nobody reads any more.

use runtime::{Error, Result};
use std::io::{self, Write};

/// Prints `text`. A reader that went away is no error: nobody is left to be told.
pub(crate) fn print(text: &str) -> Result<()> {
    print_bytes(text.as_bytes())
}

/// The same of bytes.
pub(crate) fn print_bytes(bytes: &[u8]) -> Result<()> {
    match io::stdout().lock().write_all(bytes) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error::io("cannot print", error)),
        _ => Ok(()),
    }
}
