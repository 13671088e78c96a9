//! The arrays in an `.npz` archive.

use std::io::{Cursor, Read};
use zip::ZipArchive;
use zip::result::ZipError;

/// Longest array that is read, decompressed: archives can promise more than they hold.
const MAX_ENTRY: u64 = 4 << 30;

/// A zip archive in memory.
pub(super) struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
}

impl<'a> Archive<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, String> {
        let zip = ZipArchive::new(Cursor::new(bytes));
        Ok(Self { zip: zip.map_err(|error| format!("the archive is damaged or cut off: {error}"))? })
    }

    /// The arrays' names as numpy shows them, without `.npy`, in the order of the archive.
    pub(super) fn names(&self) -> Vec<String> {
        (0..self.zip.len()).filter_map(|index| self.zip.name_for_index(index)).map(array_name).collect()
    }

    /// The array's bytes, an `.npy` file; the archive's checksum is verified.
    pub(super) fn read(&mut self, name: &str) -> Result<Vec<u8>, String> {
        let position = self.names().iter().position(|entry| entry == name);
        let index = position.ok_or_else(|| format!("the archive has no array '{name}'"))?;
        let fault = |what: String| format!("array '{name}' of the archive: {what}");
        let entry = self.zip.by_index(index).map_err(|error: ZipError| fault(error.to_string()))?;
        let mut bytes = Vec::new();
        let read = entry.take(MAX_ENTRY).read_to_end(&mut bytes);
        read.map_err(|error| fault(error.to_string()))?;
        Ok(bytes)
    }
}

fn array_name(entry: &str) -> String {
    entry.strip_suffix(".npy").unwrap_or(entry).to_owned()
}
