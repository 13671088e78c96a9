//! A progress bar over the steps of an inference, and what they took.

use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget};
use runtime::console;
use runtime::observe::{Observer, Phase, Recorder, StepReport};

/// Moves a bar, and records every step.
pub(crate) struct Progress {
    bar: ProgressBar,
    /// Sent and received since the bar began.
    bytes: u64,
    pub(crate) recorder: Recorder,
}

/// A bar on standard error, where that is a terminal, or none where the answers are for a `machine`.
pub(crate) fn bar(machine: bool) -> ProgressBar {
    let bar = console::steps();
    if machine {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    bar
}

impl Progress {
    /// Shown by this bar.
    pub(crate) fn new(bar: ProgressBar) -> Self {
        Self { bar, bytes: 0, recorder: Recorder::default() }
    }

    /// Removes the bar; what was recorded since the last time.
    pub(crate) fn take(&mut self) -> Vec<StepReport> {
        self.bar.finish_and_clear();
        std::mem::take(&mut self.recorder.steps)
    }
}

impl Observer for Progress {
    fn begin(&mut self, total: usize) {
        self.bytes = 0;
        self.bar.reset();
        self.bar.set_length(total as u64);
        self.bar.set_position(0);
        self.bar.tick();
    }

    fn step(&mut self, report: StepReport) {
        self.bytes += report.traffic.sent + report.traffic.received;
        let doing = match report.phase {
            Phase::Offline => "preparing",
            Phase::Online => "asking",
        };
        let StepReport { step, op, .. } = report;
        self.bar.set_message(format!("{doing}: {op} ({step}), {}", HumanBytes(self.bytes)));
        self.bar.inc(1);
        self.recorder.step(report);
    }
}
