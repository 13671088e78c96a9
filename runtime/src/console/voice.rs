//! Lines on standard error, some of which are said only when they are wanted.

use anstream::eprintln;
use anstyle::{AnsiColor, Style};
use clap::Args;
use std::fmt::Display;
use std::sync::atomic::{AtomicU8, Ordering};

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const LABEL: Style = Style::new().bold();

/// How much is said: set once, by the program's `main`.
static LEVEL: AtomicU8 = AtomicU8::new(NOTES);
/// Errors and warnings.
const QUIET: u8 = 0;
/// Notes and progress, too.
const NOTES: u8 = 1;
/// And details.
const DETAILS: u8 = 2;

/// Flags of every command.
#[derive(Args, Clone, Copy, Debug)]
pub struct Verbosity {
    /// Say nothing but errors and warnings: no progress, no notes
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "On standard error")]
    quiet: bool,
    /// Say more about what is done
    #[arg(short, long, global = true, help_heading = "On standard error")]
    verbose: bool,
}

impl Verbosity {
    /// Holds for the whole process from now on.
    pub fn set(self) {
        let level = match self {
            Self { quiet: true, .. } => QUIET,
            Self { verbose: true, .. } => DETAILS,
            _ => NOTES,
        };
        LEVEL.store(level, Ordering::Relaxed);
    }
}

/// Whether notes and progress are wanted.
pub fn is_quiet() -> bool {
    LEVEL.load(Ordering::Relaxed) == QUIET
}

/// Why the program fails, and what to do about it, if there is something.
pub fn error(error: &dyn Display, advice: Option<&str>) {
    eprintln!("{ERROR}error:{ERROR:#} {error}");
    if let Some(advice) = advice {
        eprintln!("{LABEL}help:{LABEL:#} {advice}");
    }
}

/// What may be a mistake.
pub fn warn(what: &dyn Display) {
    eprintln!("{WARNING}warning:{WARNING:#} {what}");
}

/// What is worth knowing.
pub fn note(what: &dyn Display) {
    if !is_quiet() {
        eprintln!("{LABEL}note:{LABEL:#} {what}");
    }
}

/// How far something is, in lines that stay.
pub fn tell(what: &dyn Display) {
    if !is_quiet() {
        eprintln!("{what}");
    }
}

/// What is worth knowing to who wants to know more.
pub fn detail(what: &dyn Display) {
    if LEVEL.load(Ordering::Relaxed) == DETAILS {
        eprintln!("{what}");
    }
}
