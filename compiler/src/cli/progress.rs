//! What is shown while something takes long: a bar that counts images, a line that says what is done.

use compiler::evaluation::Progress;
use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;

/// How often a line moves.
const TICK: Duration = Duration::from_millis(200);

/// A bar on stderr; invisible where that is no terminal, gone when dropped.
pub(super) struct Bar(ProgressBar);

impl Bar {
    pub(super) fn new(images: usize) -> Self {
        let style = ProgressStyle::with_template("{bar:40} {pos}/{len} images, {eta} left");
        let bar = ProgressBar::new(images as u64);
        Self(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
    }
}

impl Progress for Bar {
    fn image_done(&self) {
        self.0.inc(1);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// A line on stderr; invisible where that is no terminal, gone when dropped.
pub(super) struct Spinner(ProgressBar);

impl Spinner {
    pub(super) fn new() -> Self {
        let spinner = ProgressBar::new_spinner();
        spinner.enable_steady_tick(TICK);
        Self(spinner)
    }

    /// Replaces the text of the line by `what`.
    pub(super) fn show(&self, what: &str) {
        self.0.set_message(what.to_owned());
    }

    /// A line that stays, terminal or not.
    pub(super) fn print(&self, line: &str) {
        self.0.suspend(|| eprintln!("{line}"));
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
