//! What the compiler tells its user when it cannot go on: a list of diagnostics, never only the first.

use std::fmt;
use std::path::{Path, PathBuf};

/// One finding about one node of the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The node's name in the model (or its output's, where it has none).
    pub node: String,
    /// The operator, as the model spells it.
    pub op: String,
    /// What is wrong and why.
    pub what: String,
    /// What the user can do about it, as a phrase; empty where there is no advice.
    pub hint: String,
}

/// `node 'lstm_3' (LSTM): it repeats over a sequence; use …`
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}

impl Diagnostic {
    /// The finding, which is also about so many nodes more.
    fn write(&self, f: &mut impl fmt::Write, more: usize) -> fmt::Result {
        write!(f, "node '{}'", self.node)?;
        if more > 0 {
            write!(f, " and {more} more")?;
        }
        write!(f, " ({}): {}", self.op, self.what)?;
        if self.hint.is_empty() { Ok(()) } else { write!(f, "; {}", self.hint) }
    }

    /// Whether both say the same, of whichever nodes.
    fn is_like(&self, other: &Self) -> bool {
        (&self.op, &self.what, &self.hint) == (&other.op, &other.what, &other.hint)
    }
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused a file.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not what it should be.
    #[error("{}: {what}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The model has parts that cannot be compiled; all of them.
    #[error("the model cannot be compiled:\n{}", list(.0))]
    Unsupported(Vec<Diagnostic>),
    /// An option contradicts the model or another option.
    #[error("{0}")]
    Option(String),
    /// The plan is too far from the model; says how far, where it arises, and what was tried.
    #[error("{0}")]
    Inaccurate(String),
    /// No plan that was tried is accurate enough; names the best.
    #[error("{0}")]
    Budget(String),
    /// The observer of the passes wanted no more.
    #[error("stopped after {after}")]
    Stopped {
        /// The last pass that ran.
        after: &'static str,
    },
    /// A pass broke an invariant: a defect of the compiler, not of the model.
    #[error("internal error: {0}")]
    Bug(String),
    /// Data or execution failed in the runtime.
    #[error(transparent)]
    Runtime(#[from] runtime::Error),
}

impl Error {
    /// The file `path` is not what it should be.
    pub(crate) fn malformed(path: &Path, what: &str) -> Self {
        Error::Malformed { path: path.into(), what: what.into() }
    }
}

/// A result whose error is this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// A line for each; what is said of several nodes of an operator is said once.
fn list(diagnostics: &[Diagnostic]) -> String {
    let mut lines: Vec<(&Diagnostic, usize)> = Vec::new();
    for diagnostic in diagnostics {
        match lines.iter_mut().find(|(first, _)| first.is_like(diagnostic)) {
            Some((_, more)) => *more += 1,
            None => lines.push((diagnostic, 0)),
        }
    }
    let line = |(first, more): (&Diagnostic, usize)| {
        let mut line = "  ".to_string();
        first.write(&mut line, more).map(|()| line).unwrap_or_default()
    };
    lines.into_iter().map(line).collect::<Vec<_>>().join("\n")
}
