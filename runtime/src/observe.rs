//! Bytes, rounds and time of each step, reported to whoever wants to know; and what the process takes.

mod process;

pub use process::{cpu_time, peak_memory, resident_memory};

use crate::channel::Traffic;
use crate::plan::StepId;
use std::iter::Sum;
use std::ops::AddAssign;
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

/// An observer that drops all reports.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {}

/// An observer that keeps all reports.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    /// The reports in order of execution.
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
    /// Before it is known: nothing that is done depends on it.
    Offline,
    /// Once it is known.
    Online,
}

/// One step as one party saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepReport {
    /// Whether the image was known when the step was done.
    pub phase: Phase,
    /// At the server a step of the plan; at the client, who does not know these, a position in its
    /// schedule: the input, each exchange, the reveal.
    pub step: StepId,
    /// Name of the operation, for example `relu`.
    pub op: &'static str,
    /// Time by the clock from the beginning of the step to its end.
    pub elapsed: Duration,
    /// What the party sent and received in it, and how long it waited.
    pub traffic: Traffic,
    /// Messages from server to client, counted where they are sent or received.
    pub rounds: u64,
}

/// What a session has taken so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spending {
    /// What was spent before images were known, the handshake included.
    pub offline: Spent,
    /// What was spent from each image to its answer.
    pub online: Spent,
}

/// Time and traffic of one phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Time by the clock, waiting for the peer included.
    pub elapsed: Duration,
    /// What was sent and received.
    pub traffic: Traffic,
}

impl Spending {
    /// What was spent since an `earlier` moment.
    pub fn since(&self, earlier: &Self) -> Self {
        let since = |now: Spent, then: Spent| Spent {
            elapsed: now.elapsed.saturating_sub(then.elapsed),
            traffic: now.traffic - then.traffic,
        };
        Self { offline: since(self.offline, earlier.offline), online: since(self.online, earlier.online) }
    }

    /// Traffic of both phases together.
    pub fn traffic(&self) -> Traffic {
        let mut traffic = self.offline.traffic;
        traffic += self.online.traffic;
        traffic
    }
}

impl AddAssign for Spending {
    fn add_assign(&mut self, more: Spending) {
        self.offline += more.offline;
        self.online += more.online;
    }
}

impl Sum for Spending {
    fn sum<I: Iterator<Item = Spending>>(parts: I) -> Spending {
        parts.fold(Spending::default(), |mut sum, part| {
            sum += part;
            sum
        })
    }
}

impl Spending {
    /// For each of `count` images that were asked about together an equal part of time and bytes; frames are all of them.
    pub fn divided(self, count: usize) -> Self {
        let count = u32::try_from(count.max(1)).unwrap_or(u32::MAX);
        let divided = |Spent { elapsed, traffic }: Spent| Spent {
            elapsed: elapsed / count,
            traffic: Traffic {
                sent: traffic.sent / u64::from(count),
                received: traffic.received / u64::from(count),
                waited: traffic.waited / count,
                ..traffic
            },
        };
        Self { offline: divided(self.offline), online: divided(self.online) }
    }
}

impl AddAssign for Spent {
    fn add_assign(&mut self, more: Spent) {
        self.elapsed += more.elapsed;
        self.traffic += more.traffic;
    }
}

impl StepReport {
    /// Time in which this party worked.
    pub fn busy(&self) -> Duration {
        self.elapsed.saturating_sub(self.traffic.waited)
    }
}
