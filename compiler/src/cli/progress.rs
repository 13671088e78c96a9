//! A bar that counts images.

use compiler::data::Progress;
use indicatif::{ProgressBar, ProgressStyle};

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
