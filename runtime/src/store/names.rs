//! What the files of halves are called.

use super::key::FileId;

/// What the file of a half is called.
pub(super) fn file_name(id: &FileId) -> String {
    format!("{:032x}.half", u128::from_be_bytes(*id))
}

/// The same while it is being written.
pub(super) fn temporary_name(id: &FileId) -> String {
    format!("{:032x}.new", u128::from_be_bytes(*id))
}

/// The id in a file's name before its ending.
pub(super) fn file_id(stem: &str) -> Option<FileId> {
    let is_ours = stem.len() == 32 && stem.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
    is_ours.then(|| u128::from_str_radix(stem, 16).ok())?.map(u128::to_be_bytes)
}
