//! Documents that readers follow: README.md, and the chapters of the guide. Fenced blocks of `sh` and `python` are run, one
//! after another, in a folder of their document's own. A comment before a block says otherwise:
//!
//! * `<!-- not run: REASON -->`: its commands must parse, no more;
//! * `<!-- slow: REASON -->`: `.ci/slow` runs it;
//! * `<!-- with Python: MODULE .. -->`: `.ci/slow` runs it where Python has these;
//! * `<!-- needs: PROGRAM .. -->`: it is run where these are installed.

pub(crate) mod commands;
pub(crate) mod folder;
pub(crate) mod script;

use std::fs;
use std::path::{Path, PathBuf};

/// When a block is run.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum When {
    Always,
    Never,
    Slow,
    /// Where Python has these modules.
    Python(Vec<String>),
    /// Where these programs are installed.
    Programs(Vec<String>),
}

/// A fenced block.
pub(crate) struct Block {
    /// The line on which it begins, from 1.
    pub(crate) line: usize,
    /// What stands after the fence, such as `sh`; may be empty.
    pub(crate) language: String,
    pub(crate) text: String,
    pub(crate) when: When,
}

pub(crate) struct Document {
    /// From the project's root.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn document(path: PathBuf) -> Document {
    let text = fs::read_to_string(root().join(&path)).unwrap();
    Document { path, text }
}

/// README.md and the guide: what is run.
pub(crate) fn guide() -> Vec<Document> {
    let chapters = fs::read_dir(root().join("examples/guide")).unwrap();
    let mut paths: Vec<PathBuf> = chapters
        .map(|entry| Path::new("examples/guide").join(entry.unwrap().file_name()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    paths.push("README.md".into());
    paths.sort();
    paths.into_iter().map(document).collect()
}

/// The guide, and the other documents in which commands stand.
pub(crate) fn all() -> Vec<Document> {
    let others = ["ARCHITECTURE.md", "SECURITY.md", "testdata/README.md", "examples/README.md"];
    let folders = [
        "examples/deploy",
        "examples/draw",
        "examples/embed",
        "runtime/bindings/c",
        "runtime/bindings/python",
    ];
    let paths = others
        .map(PathBuf::from)
        .into_iter()
        .chain(folders.map(|folder| Path::new(folder).join("README.md")));
    guide().into_iter().chain(paths.map(document)).collect()
}

impl Document {
    /// Its fenced blocks, in order.
    pub(crate) fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let (mut when, mut open) = (When::Always, None::<Block>);
        for (index, line) in self.text.lines().enumerate() {
            match (&mut open, line.strip_prefix("```")) {
                (Some(block), None) => block.text += &format!("{line}\n"),
                (Some(_), Some(_)) => blocks.extend(open.take()),
                (None, Some(language)) => {
                    let when = std::mem::replace(&mut when, When::Always);
                    let language = language.trim().to_owned();
                    open = Some(Block { line: index + 1, language, text: String::new(), when });
                }
                (None, None) => when = mark(line).unwrap_or(When::Always),
            }
        }
        assert!(open.is_none(), "{}: a block has no end", self.path.display());
        blocks
    }

    /// Its text without fenced blocks.
    pub(crate) fn prose(&self) -> String {
        let fences = self.text.split("```").step_by(2);
        fences.collect()
    }
}

/// What a comment says of the block that follows.
fn mark(line: &str) -> Option<When> {
    let comment = line.strip_prefix("<!-- ")?.strip_suffix(" -->")?;
    let (kind, rest) = comment.split_once(": ")?;
    let words = || rest.split(' ').map(str::to_owned).collect();
    match kind {
        "not run" => Some(When::Never),
        "slow" => Some(When::Slow),
        "with Python" => Some(When::Python(words())),
        "needs" => Some(When::Programs(words())),
        _ => None,
    }
}
