//! The result of an inference, for people and for scripts.

use runtime::channel::Link;
use runtime::observe::{StepReport, peak_memory};
use runtime::plan::{KeyBits, Suite};
use runtime::roles::client::Prediction;
use serde::Serialize;
use std::fmt::Write;
use std::time::Duration;

/// What `infer` and `run` print with `--json`.
#[derive(Serialize)]
pub(crate) struct Report {
    label: usize,
    logits: Vec<f64>,
    /// The exact integers behind the logits, as text: they may exceed what JSON numbers hold.
    integers: Vec<String>,
    seconds: Seconds,
    bytes: Bytes,
    rounds: u64,
    /// The network that was imitated, if any.
    link: Option<String>,
    /// Of the whole process, where the system tells.
    peak_memory_bytes: Option<u64>,
    suite: String,
    key_bits: u32,
}

#[derive(Serialize)]
struct Seconds {
    /// Before the image is needed: key, tables, handshake.
    offline: f64,
    online: f64,
}

#[derive(Serialize)]
struct Bytes {
    sent: u64,
    received: u64,
}

/// What an inference took, whole.
pub(crate) struct Totals {
    /// Before the image is needed.
    pub(crate) offline: Duration,
    /// From the image to the answer.
    pub(crate) online: Duration,
    /// By the client.
    pub(crate) sent: u64,
    /// By the client.
    pub(crate) received: u64,
    /// Times that the client waited for the server.
    pub(crate) rounds: u64,
}

impl Report {
    pub(crate) fn new(prediction: &Prediction, totals: &Totals, suite: Suite, key_bits: KeyBits) -> Self {
        Self {
            label: prediction.label(),
            logits: prediction.logits.clone(),
            integers: prediction.integers.iter().map(i128::to_string).collect(),
            seconds: Seconds { offline: totals.offline.as_secs_f64(), online: totals.online.as_secs_f64() },
            bytes: Bytes { sent: totals.sent, received: totals.received },
            rounds: totals.rounds,
            link: None,
            peak_memory_bytes: peak_memory(),
            suite: suite.to_string(),
            key_bits: key_bits.get(),
        }
    }

    /// The parties had such a network between them.
    pub(crate) fn over(self, link: Option<Link>) -> Self {
        Self { link: link.map(|link| link.to_string()), ..self }
    }

    /// One line of JSON.
    pub(crate) fn json(&self) -> String {
        // Numbers, strings and lists of them: serialisation has nothing to refuse.
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }

    /// The `top` largest logits, then what it took.
    pub(crate) fn text(&self, prediction: &Prediction, top: usize) -> String {
        let mut text = format!("prediction  {}\n", self.label);
        for class in prediction.ranking().into_iter().take(top) {
            let _ = writeln!(text, "{class:>10}  {:.4}", self.logits[class]);
        }
        let _ = writeln!(
            text,
            "time        {:.2} s online, {:.2} s before",
            self.seconds.online, self.seconds.offline
        );
        let _ = writeln!(text, "bytes       {} sent, {} received", self.bytes.sent, self.bytes.received);
        let _ = writeln!(text, "rounds      {}", self.rounds);
        if let Some(link) = &self.link {
            let _ = writeln!(text, "network     {link}");
        }
        if let Some(bytes) = self.peak_memory_bytes {
            let _ = writeln!(text, "memory      {} at most", megabytes(bytes));
        }
        let _ = writeln!(text, "suite       {}, {} bit key", self.suite, self.key_bits);
        text
    }
}

/// Bytes for people.
pub(crate) fn megabytes(bytes: u64) -> String {
    format!("{:.0} MB", bytes as f64 / 1e6)
}

/// Where one party's time went: a line per step (steps of several rounds together), largest first column widths fixed.
pub(crate) fn steps(party: &str, reports: &[StepReport]) -> String {
    let mut text = format!(
        "{party:<8} {:<10} {:>9} {:>9} {:>12} {:>12} {:>6}\n",
        "step", "busy s", "wait s", "sent", "received", "rounds"
    );
    for group in reports.chunk_by(|a, b| a.step == b.step) {
        let busy: f64 = group.iter().map(|report| report.busy().as_secs_f64()).sum();
        let waited: f64 = group.iter().map(|report| report.traffic.waited.as_secs_f64()).sum();
        let sent: u64 = group.iter().map(|report| report.traffic.sent).sum();
        let received: u64 = group.iter().map(|report| report.traffic.received).sum();
        let rounds: u64 = group.iter().map(|report| report.rounds).sum();
        let (step, op) = (group[0].step.to_string(), group[0].op);
        let _ = writeln!(
            text,
            "{step:<8} {op:<10} {busy:>9.3} {waited:>9.3} {sent:>12} {received:>12} {rounds:>6}"
        );
    }
    text
}
