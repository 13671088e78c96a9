//! Bytes, rounds and time of each step, reported to whoever wants to know.

use crate::channel::Traffic;
use crate::plan::StepId;
use std::time::Duration;

/// Told about each step as a session runs; progress bars and reports hang on it.
pub trait Observer: Send {
    /// `total` steps lie ahead.
    fn begin(&mut self, total: usize) {
        let _ = total;
    }

    /// A step has ended.
    fn step(&mut self, report: StepReport) {
        let _ = report;
    }
}

/// Observes nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {}

/// Keeps every report.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    /// In order of execution.
    pub steps: Vec<StepReport>,
}

impl Observer for Recorder {
    fn step(&mut self, report: StepReport) {
        self.steps.push(report);
    }
}

/// One step as one party saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepReport {
    /// At the server a step of the plan; at the client, who does not know these, a position in its
    /// schedule: the input, each exchange, the reveal.
    pub step: StepId,
    /// What is done.
    pub op: &'static str,
    /// From its beginning to its end.
    pub elapsed: Duration,
    /// What it sent, received and waited for.
    pub traffic: Traffic,
    /// Messages from server to client, counted where they are sent or received.
    pub rounds: u64,
}

impl StepReport {
    /// Time in which this party worked.
    pub fn busy(&self) -> Duration {
        self.elapsed.saturating_sub(self.traffic.waited)
    }
}
