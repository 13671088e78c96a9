//! The entries of a zip archive: stored or deflated, checked against their CRC-32.

use super::inflate::inflate;
use std::borrow::Cow;

const END: &[u8] = b"PK\x05\x06";
const END_LENGTH: usize = 22;
const DIRECTORY_ENTRY: &[u8] = b"PK\x01\x02";
const DIRECTORY_ENTRY_LENGTH: usize = 46;
const LOCAL: &[u8] = b"PK\x03\x04";
const LOCAL_LENGTH: usize = 30;
const DAMAGED: &str = "the archive's directory is damaged or cut off";

/// A file inside an archive.
pub(super) struct Entry<'a> {
    /// Its name, `images.npy`.
    pub name: String,
    archive: &'a [u8],
    method: u16,
    encrypted: bool,
    crc: u32,
    compressed: usize,
    size: usize,
    local: usize,
}

/// The archive's entries in the order of its directory.
pub(super) fn entries(archive: &[u8]) -> Result<Vec<Entry<'_>>, String> {
    let end = find_end(archive).ok_or("the archive is cut off: it has no directory")?;
    let count = usize::from(u16_at(archive, end + 10)?);
    let mut at = u32_at(archive, end + 16)? as usize;
    let mut entries = Vec::new();
    for _ in 0..count {
        let (entry, next) = read_entry(archive, at)?;
        entries.push(entry);
        at = next;
    }
    Ok(entries)
}

/// The end record stands last, before a comment of at most 65,535 bytes.
fn find_end(archive: &[u8]) -> Option<usize> {
    let last = archive.len().checked_sub(END_LENGTH)?;
    (last.saturating_sub(0xffff)..=last).rev().find(|&at| archive[at..].starts_with(END))
}

/// The directory's entry at `at` and where the next begins.
fn read_entry(archive: &[u8], at: usize) -> Result<(Entry<'_>, usize), String> {
    if slice(archive, at, DIRECTORY_ENTRY.len())? != DIRECTORY_ENTRY {
        return Err(DAMAGED.into());
    }
    let u16_of = |offset: usize| u16_at(archive, at + offset);
    let u32_of = |offset: usize| u32_at(archive, at + offset);
    let (name, extra, comment) = (usize::from(u16_of(28)?), usize::from(u16_of(30)?), usize::from(u16_of(32)?));
    let entry = Entry {
        name: String::from_utf8_lossy(slice(archive, at + DIRECTORY_ENTRY_LENGTH, name)?).into_owned(),
        archive,
        encrypted: u16_of(8)? & 1 != 0,
        method: u16_of(10)?,
        crc: u32_of(16)?,
        compressed: u32_of(20)? as usize,
        size: u32_of(24)? as usize,
        local: u32_of(42)? as usize,
    };
    Ok((entry, at + DIRECTORY_ENTRY_LENGTH + name + extra + comment))
}

impl<'a> Entry<'a> {
    /// The entry's bytes, decompressed and checked.
    pub(super) fn read(&self) -> Result<Cow<'a, [u8]>, String> {
        let fault = |what: &str| format!("entry '{}': {what}", self.name);
        let data = self.stored().map_err(|what| fault(&what))?;
        let content = match self.method {
            _ if self.encrypted => return Err(fault("encrypted entries are not supported")),
            0 if self.size == self.compressed => Cow::Borrowed(data),
            0 => return Err(fault("its two lengths differ")),
            8 => Cow::Owned(inflate(data, self.size).map_err(fault)?),
            other => return Err(fault(&format!("compression method {other} is not supported"))),
        };
        if crc32(&content) == self.crc { Ok(content) } else { Err(fault("its checksum is wrong")) }
    }

    /// The bytes as they stand in the archive.
    fn stored(&self) -> Result<&'a [u8], String> {
        if slice(self.archive, self.local, LOCAL.len())? != LOCAL {
            return Err(DAMAGED.into());
        }
        let name = usize::from(u16_at(self.archive, self.local + 26)?);
        let extra = usize::from(u16_at(self.archive, self.local + 28)?);
        slice(self.archive, self.local + LOCAL_LENGTH + name + extra, self.compressed)
    }
}

fn slice(bytes: &[u8], at: usize, length: usize) -> Result<&[u8], String> {
    bytes.get(at..).and_then(|rest| rest.get(..length)).ok_or_else(|| DAMAGED.into())
}

fn u16_at(bytes: &[u8], at: usize) -> Result<u16, String> {
    let bytes = slice(bytes, at, 2)?;
    Ok(u16::from_le_bytes([bytes[0], bytes[1]]))
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32, String> {
    Ok(u32::from(u16_at(bytes, at)?) | u32::from(u16_at(bytes, at + 2)?) << 16)
}

/// The checksum of zip archives (reflected polynomial 0xedb88320).
fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = crc_table();
    !bytes.iter().fold(!0, |crc, &byte| TABLE[((crc ^ u32::from(byte)) & 0xff) as usize] ^ (crc >> 8))
}

const fn crc_table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut value = index as u32;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { value >> 1 ^ 0xedb8_8320 } else { value >> 1 };
            bit += 1;
        }
        table[index] = value;
        index += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_usual_one() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }
}
