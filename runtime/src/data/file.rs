//! A file's bytes, and which format they have.

use crate::error::InvalidInput;
use std::path::Path;

/// Larger files are refused.
const MAX_FILE: u64 = 4 << 30;

/// What a file's first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileFormat {
    /// One array in numpy's format.
    Npy,
    /// A zip archive of arrays.
    Npz,
    /// PNG or JPEG.
    Picture,
}

impl FileFormat {
    pub(super) fn detect(bytes: &[u8]) -> Result<Self, String> {
        match bytes {
            [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => Ok(FileFormat::Npy),
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Ok(FileFormat::Npz),
            [0x89, b'P', b'N', b'G', ..] | [0xff, 0xd8, 0xff, ..] => Ok(FileFormat::Picture),
            [] => Err("the file is empty".into()),
            _ => Err("not an .npy, .npz, PNG or JPEG file".into()),
        }
    }
}

/// The bytes of the file at `path`.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, InvalidInput> {
    let length = std::fs::metadata(path).map_err(|error| InvalidInput::file(path, error))?.len();
    if length > MAX_FILE {
        return Err(InvalidInput::file(
            path,
            format!("{length} bytes are more than the {MAX_FILE} that are read at most"),
        ));
    }
    std::fs::read(path).map_err(|error| InvalidInput::file(path, error))
}
