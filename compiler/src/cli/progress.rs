//! What is shown while something takes long: a bar that counts images, a line that says what is done.

use compiler::evaluation::Progress;
use indicatif::ProgressBar;
use runtime::console;

/// A bar on stderr, gone when dropped.
pub(super) struct Bar(ProgressBar);

impl Bar {
    pub(super) fn new(images: usize) -> Self {
        Self(console::items(images, "images"))
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

/// A line on stderr, gone when dropped.
pub(super) struct Spinner(ProgressBar);

impl Spinner {
    pub(super) fn new() -> Self {
        Self(console::task(""))
    }

    /// Replaces the text of the line by `what`.
    pub(super) fn show(&self, what: &str) {
        self.0.set_message(what.to_owned());
    }

    /// A line that was asked for, and stays, terminal or not.
    pub(super) fn print(&self, line: &str) {
        self.0.suspend(|| eprintln!("{line}"));
    }

    /// A line that stays, and says how far it is.
    pub(super) fn tell(&self, line: &str) {
        self.0.suspend(|| console::tell(&line));
    }

    /// A line that stays for who wants to know more.
    pub(super) fn detail(&self, line: &str) {
        self.0.suspend(|| console::detail(&line));
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
