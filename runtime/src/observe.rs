//! Bytes, rounds and time of each step, reported to whoever wants to know; and the memory of the process.

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

/// Whether the image is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Before, and does not depend on it.
    Offline,
    /// Afterwards.
    Online,
}

/// One step as one party saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepReport {
    /// When it was done.
    pub phase: Phase,
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

/// The most memory that this process has held at a time (resident, with code and stacks), in bytes; `None`
/// where the system does not tell.
pub fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = peak.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn the_peak_covers_what_was_held_once() {
        const HELD: usize = 64 << 20;
        drop(std::hint::black_box(vec![1u8; HELD]));
        assert!(peak_memory().unwrap() > HELD as u64);
    }
}
