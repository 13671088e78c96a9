//! `popcornc passes`, and what `popcornc compile` tells of the passes as they run.

use super::progress::Spinner;
use super::{Outcome, output};
use clap::Args;
use clap::builder::PossibleValuesParser;
use compiler::pipeline::{self, Listed, Observer, Ran};
use serde_json::json;
use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::time::Duration;

/// Print the compiler's passes in the order in which they run, as a Markdown table
#[derive(Args)]
#[command(after_help = "\
Examples:
  popcornc passes
  popcornc compile mnist.onnx --stop-after fold_affine
  popcornc compile mnist.onnx -o mnist.plan --print-ir-after all --time-passes 2> passes.txt")]
pub(super) struct Passes {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Passes {
    pub(super) fn run(&self) -> Outcome {
        if !self.json {
            return output::print(&pipeline::markdown());
        }
        let row = |Listed { info, graph }: Listed| json!({ "name": info.name, "graph": graph, "summary": info.summary });
        output::print_json(&pipeline::listed().into_iter().map(row).collect::<Vec<_>>())
    }
}

/// Looking into a compilation; not into a search, which compiles many plans.
#[derive(Args)]
pub(super) struct PassArgs {
    /// Print the graph after every run of this pass to standard error (`popcornc passes` lists them)
    #[arg(long, value_name = "NAME|all", value_parser = names(&["all"]), hide_possible_values = true, conflicts_with = "max_accuracy_drop")]
    print_ir_after: Option<String>,
    /// Print the graph after the first run of this pass, and write no plan
    #[arg(long, value_name = "NAME", value_parser = names(&[]), hide_possible_values = true, conflicts_with = "max_accuracy_drop")]
    pub stop_after: Option<String>,
    /// Print the seconds of each pass to standard error at the end
    #[arg(long, conflicts_with = "max_accuracy_drop")]
    time_passes: bool,
}

fn names(others: &[&'static str]) -> PossibleValuesParser {
    PossibleValuesParser::new(pipeline::names().into_iter().chain(others.iter().copied()))
}

/// What a compilation shows while it runs.
pub(super) struct Watcher<'a> {
    options: &'a PassArgs,
    spinner: Spinner,
    times: Times,
    /// The graph after the pass at which the compilation stops.
    pub stopped: Option<String>,
}

impl<'a> Watcher<'a> {
    pub(super) fn new(options: &'a PassArgs) -> Self {
        Self { options, spinner: Spinner::new(), times: Times::default(), stopped: None }
    }

    /// Prints what is to be printed at the end.
    pub(super) fn finish(&self) {
        if self.options.time_passes {
            self.spinner.print(&self.times.table());
        }
    }
}

impl Observer for Watcher<'_> {
    fn working(&mut self, what: &str) {
        self.spinner.show(what);
    }

    fn ran(&mut self, pass: &Ran<'_>) -> ControlFlow<()> {
        let run = self.times.add(pass.name, pass.time);
        self.spinner.detail(&format!("{:>9.3} s  {}", pass.time.as_secs_f64(), pass.name));
        if self.options.print_ir_after.as_deref().is_some_and(|name| name == "all" || name == pass.name) {
            self.spinner.print(&format!("after {}, run {run}: {:#}\n", pass.name, pass.graph));
        }
        if self.options.stop_after.as_deref() != Some(pass.name) {
            return ControlFlow::Continue(());
        }
        self.stopped = Some(format!("{:#}", pass.graph));
        ControlFlow::Break(())
    }
}

/// What passes took, in the order of their first run.
#[derive(Default)]
struct Times(Vec<(&'static str, usize, Duration)>);

impl Times {
    /// The number of the run.
    fn add(&mut self, name: &'static str, time: Duration) -> usize {
        if let Some((_, runs, total)) = self.0.iter_mut().find(|(other, ..)| *other == name) {
            *runs += 1;
            *total += time;
            return *runs;
        }
        self.0.push((name, 1, time));
        1
    }

    fn table(&self) -> String {
        let mut text = String::from("  seconds  runs  pass");
        for (name, runs, time) in &self.0 {
            // Writing to a string cannot fail.
            let _ = write!(text, "\n{:>9.3} {runs:>5}  {name}", time.as_secs_f64());
        }
        let total: Duration = self.0.iter().map(|(.., time)| *time).sum();
        let _ = write!(text, "\n{:>9.3}        all passes", total.as_secs_f64());
        text
    }
}
