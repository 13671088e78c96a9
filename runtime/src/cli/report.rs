//! The result of an inference, for people and for scripts.

use runtime::channel::{Link, Traffic};
use runtime::observe::{Phase, Spending, Spent, StepReport, peak_memory};
use runtime::plan::{ClientPlan, OutputPart, spelled};
use runtime::roles::client::Prediction;
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write;

/// What `infer` and `run` print with `--json`.
#[derive(Serialize)]
pub(crate) struct Report {
    /// The image, as it was named; where several were asked about together, what follows is an equal part of what they took.
    image: Option<String>,
    /// Where the output is one score for each class.
    label: Option<usize>,
    /// What the class is called, where the plan says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Where it has classes for each position of a map: the best of each, in row-major order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    labels: Vec<usize>,
    /// Axes of the output, which `logits` lists in row-major order. Of the first of several.
    axes: Vec<usize>,
    /// Where several outputs are revealed: what `logits` lists one after the other.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    outputs: Vec<Output>,
    logits: Vec<f64>,
    /// The exact integers of the logits, as text: they may exceed what JSON numbers hold.
    integers: Vec<String>,
    /// What all classes are called.
    #[serde(skip)]
    names: Vec<String>,
    seconds: Seconds,
    bytes: Bytes,
    rounds: u64,
    /// Before the image is needed: key, tables, handshake, and what suite `shared` prepares.
    offline: Part,
    online: Part,
    /// The network that was imitated, if any.
    link: Option<String>,
    /// Of the whole process, where the system tells.
    peak_memory_bytes: Option<u64>,
    suite: String,
    key_bits: u32,
}

/// One of several outputs.
#[derive(Serialize)]
struct Output {
    name: String,
    axes: Vec<usize>,
}

impl Output {
    fn new(part: &OutputPart) -> Self {
        Self { name: part.name.clone(), axes: part.axes.clone() }
    }
}

#[derive(Serialize)]
struct Seconds {
    offline: f64,
    online: f64,
}

#[derive(Serialize)]
struct Bytes {
    sent: u64,
    received: u64,
}

/// What one phase took, at the client.
#[derive(Serialize)]
struct Part {
    seconds: f64,
    sent: u64,
    received: u64,
    /// Messages that the client waited for.
    rounds: u64,
}

impl From<Spent> for Part {
    fn from(spent: Spent) -> Self {
        let Spent { elapsed, traffic } = spent;
        let (sent, received, rounds) = (traffic.sent, traffic.received, traffic.frames_received);
        Self { seconds: elapsed.as_secs_f64(), sent, received, rounds }
    }
}

impl Part {
    fn line(&self, name: &str) -> String {
        let Self { seconds, sent, received, rounds } = self;
        format!("{name:<8} {seconds:>9.3} {sent:>12} {received:>12} {rounds:>7}\n")
    }
}

impl Report {
    pub(crate) fn new(prediction: &Prediction, totals: Spending, plan: &ClientPlan) -> Self {
        let (traffic, offline, online) =
            (totals.traffic(), Part::from(totals.offline), Part::from(totals.online));
        let parts = &plan.output.parts;
        let first = &parts[0];
        Self {
            image: None,
            label: (!first.is_map()).then(|| prediction.label()),
            name: if first.is_map() { None } else { prediction.name().map(String::from) },
            names: first.names.clone(),
            labels: if first.is_map() { prediction.labels().to_vec() } else { Vec::new() },
            axes: first.axes.clone(),
            outputs: if parts.len() > 1 { parts.iter().map(Output::new).collect() } else { Vec::new() },
            logits: prediction.logits.clone(),
            integers: prediction.integers.iter().map(i128::to_string).collect(),
            seconds: Seconds { offline: offline.seconds, online: online.seconds },
            bytes: Bytes { sent: traffic.sent, received: traffic.received },
            rounds: traffic.frames_received,
            offline,
            online,
            link: None,
            peak_memory_bytes: peak_memory(),
            suite: plan.suite.to_string(),
            key_bits: plan.key_bits.get(),
        }
    }

    /// About the image of this name.
    pub(crate) fn about(self, image: &str) -> Self {
        Self { image: Some(image.into()), ..self }
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
        let mut text =
            self.label.map_or_else(String::new, |label| format!("prediction  {}\n", self.called(label)));
        if self.label.is_none() || !self.outputs.is_empty() {
            text += &self.values();
        }
        if !self.labels.is_empty() {
            text += &self.classes(top);
        }
        let scores = self.label.map_or(0, |_| top);
        for &class in prediction.ranking().iter().take(scores) {
            if let Some(logit) = self.logits.get(class) {
                let name = self.names.get(class).map_or_else(String::new, |name| format!("  {name}"));
                let _ = writeln!(text, "{class:>10}  {logit:.4}{name}");
            }
        }
        let _ =
            writeln!(text, "\n{:<8} {:>9} {:>12} {:>12} {:>7}", "", "seconds", "sent", "received", "rounds");
        text += &self.offline.line("offline");
        text += &self.online.line("online");
        text.push('\n');
        if let Some(link) = &self.link {
            let _ = writeln!(text, "network     {link}");
        }
        if let Some(bytes) = self.peak_memory_bytes {
            let _ = writeln!(text, "memory      {} at most", megabytes(bytes));
        }
        let _ = writeln!(text, "suite       {}, {} bit key", self.suite, self.key_bits);
        text
    }

    /// `281 tabby cat`.
    fn called(&self, class: usize) -> String {
        self.names.get(class).map_or_else(|| class.to_string(), |name| format!("{class} {name}"))
    }

    /// `output      2x32x32, from -1.2000 to 3.4000`; a line for each of several.
    fn values(&self) -> String {
        let line = |name: &str, axes: &[usize], values: &[f64]| {
            let least = values.iter().copied().fold(f64::INFINITY, f64::min);
            let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            format!(
                "{name:<11} {}, from {least:.4} to {most:.4} (--output writes it to a file)\n",
                spelled(axes)
            )
        };
        if self.logits.is_empty() {
            return String::new();
        }
        if self.outputs.is_empty() {
            return line("output", &self.axes, &self.logits);
        }
        let mut rest = &self.logits[..];
        let of_output = |output: &Output| {
            let (own, after) = rest.split_at(output.axes.iter().product::<usize>().min(rest.len()));
            rest = after;
            line(&output.name, &output.axes, own)
        };
        self.outputs.iter().map(of_output).collect()
    }

    /// `classes     of 1024 positions: 3 (41.0 %), 0 (20.5 %)`: the `top` most frequent ones.
    fn classes(&self, top: usize) -> String {
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        self.labels.iter().for_each(|&label| *counts.entry(label).or_default() += 1);
        let mut counts: Vec<(usize, usize)> = counts.into_iter().collect();
        counts.sort_by_key(|&(_, count)| Reverse(count));
        let positions = self.labels.len();
        let share = |&(label, count): &(usize, usize)| {
            format!("{} ({:.1} %)", self.called(label), 100.0 * count as f64 / positions as f64)
        };
        let most: Vec<String> = counts.iter().take(top).map(share).collect();
        format!(
            "classes     of {positions} positions: {} (--output writes them to a file)\n",
            most.join(", ")
        )
    }
}

/// So many bytes in units of 10^6 bytes, rounded, for people to read.
pub(crate) fn megabytes(bytes: u64) -> String {
    format!("{:.0} MB", bytes as f64 / 1e6)
}

/// Where one party's time went: a line per step of each phase, the rounds of a step together.
pub(crate) fn steps(party: &str, reports: &[StepReport]) -> String {
    let mut text = format!(
        "{party:<8} {:<10} {:>9} {:>9} {:>12} {:>12} {:>6}\n",
        "step", "busy s", "wait s", "sent", "received", "rounds"
    );
    for phase in reports.chunk_by(|a, b| a.phase == b.phase) {
        let _ = match phase[0].phase {
            Phase::Offline => writeln!(text, "offline"),
            Phase::Online => writeln!(text, "online"),
        };
        for group in phase.chunk_by(|a, b| (a.step, a.op) == (b.step, b.op)) {
            text += &line(group);
        }
    }
    text
}

fn line(group: &[StepReport]) -> String {
    let busy: f64 = group.iter().map(|report| report.busy().as_secs_f64()).sum();
    let mut traffic = Traffic::default();
    group.iter().for_each(|report| traffic += report.traffic);
    let rounds: u64 = group.iter().map(|report| report.rounds).sum();
    let (step, op, waited) = (group[0].step.to_string(), group[0].op, traffic.waited.as_secs_f64());
    format!(
        "{step:<8} {op:<10} {busy:>9.3} {waited:>9.3} {:>12} {:>12} {rounds:>6}\n",
        traffic.sent, traffic.received
    )
}
