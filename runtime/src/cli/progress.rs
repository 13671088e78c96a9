//! A progress bar over the steps of an inference, and what they took.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use runtime::observe::{Observer, Recorder, StepReport};

/// Moves a bar, and records every step.
pub(crate) struct Progress {
    bar: ProgressBar,
    pub(crate) recorder: Recorder,
}

/// A bar on standard error, where that is a terminal, or none where `quiet`.
pub(crate) fn bar(quiet: bool) -> ProgressBar {
    let bar = ProgressBar::new(0);
    bar.set_draw_target(if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() });
    if let Ok(style) = ProgressStyle::with_template("{bar:32} {pos}/{len} {msg} {elapsed}") {
        bar.set_style(style);
    }
    bar
}

impl Progress {
    /// Shown by this bar.
    pub(crate) fn new(bar: ProgressBar) -> Self {
        Self { bar, recorder: Recorder::default() }
    }

    /// Removes the bar; what was recorded since the last time.
    pub(crate) fn take(&mut self) -> Vec<StepReport> {
        self.bar.finish_and_clear();
        std::mem::take(&mut self.recorder.steps)
    }
}

impl Observer for Progress {
    fn begin(&mut self, total: usize) {
        self.bar.reset();
        self.bar.set_length(total as u64);
        self.bar.set_position(0);
        self.bar.tick();
    }

    fn step(&mut self, report: StepReport) {
        self.bar.set_message(format!("{} {}", report.step, report.op));
        self.bar.inc(1);
        self.recorder.step(report);
    }
}
