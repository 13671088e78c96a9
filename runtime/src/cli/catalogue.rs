//! The plans that `popcorn serve` offers: one file, or all of a folder.

use runtime::error::InvalidInput;
use runtime::roles::server::Tokens;
use runtime::{Error, Plan, PlanId, PlanName, Result};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The plan in the file at `path`, or those in all files `*.plan` of that folder, in the order of their names, called like their
/// files.
///
/// # Errors
/// Something cannot be read, or is no plan; a file's name is no name of a plan; the folder holds none.
pub(crate) fn read(path: &Path) -> Result<Vec<(PlanName, Plan)>> {
    if !path.is_dir() {
        return Ok(vec![(PlanName::like(&stem(path)), Plan::read(path)?)]);
    }
    let unreadable = |error| Error::cannot("read", path, error);
    let entries = fs::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let mut files: Vec<PathBuf> = entries.map_err(unreadable)?.iter().map(fs::DirEntry::path).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "plan"));
    files.sort();
    if files.is_empty() {
        return Err(InvalidInput::file(path, "it holds no files *.plan").into());
    }
    files.iter().map(|file| Ok((named(file)?, Plan::read(file)?))).collect()
}

/// The clients in the file at `path`.
///
/// # Errors
/// It cannot be read, or a line is no client's.
pub(crate) fn read_tokens(path: &Path) -> Result<Tokens> {
    let text = fs::read_to_string(path);
    let text = text.map_err(|error| Error::cannot("read", path, error))?;
    Ok(Tokens::parse(&text).map_err(|what| InvalidInput::file(path, what))?)
}

fn named(file: &Path) -> Result<PlanName> {
    let stem = stem(file);
    if stem.parse::<PlanId>().is_ok() {
        return Err(InvalidInput::file(file, "clients would take its name for a digest").into());
    }
    Ok(stem.parse().map_err(|what| InvalidInput::file(file, what))?)
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}
