//! Models and images that lie outside the project, in the folder POPCORN_DATA (../shared). The importer's own tests
//! include this file too.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Where `file`, such as `models/lenet5.onnx`, is; `None`, and a skip on record, where it is absent.
pub(crate) fn outside(file: impl AsRef<Path>) -> Option<PathBuf> {
    let root = std::env::var_os("POPCORN_DATA").map_or_else(|| PathBuf::from("../../shared"), PathBuf::from);
    let path = root.join(file);
    if !path.exists() {
        skip(&format!("{} is absent (set POPCORN_DATA)", path.display()));
        return None;
    }
    Some(path)
}

/// Says that the running test leaves something out: on standard error, past libtest, which shows a passing test's
/// output to nobody, and in the file that POPCORN_SKIPS names, if any.
pub(crate) fn skip(reason: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let line = format!("skipped: {test}: {reason}\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
    if let Some(list) = std::env::var_os("POPCORN_SKIPS") {
        let mut list = OpenOptions::new().append(true).create(true).open(list).expect("the list of skips");
        list.write_all(line.as_bytes()).expect("the list of skips");
    }
}
