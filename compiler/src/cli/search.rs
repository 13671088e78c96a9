//! The search of `popcornc compile --max-accuracy-drop`: its options, its progress, its table.

use super::options::read_data;
use super::progress::Spinner;
use clap::Args;
use compiler::error::Error;
use compiler::evaluation::odd_labels;
use compiler::from_onnx::Model;
use compiler::options::CompileOptions;
use compiler::search::{Budget, Event, Found, LayerOutcome, Trial, search};
use runtime::console;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::PathBuf;

/// Search for the cheapest plan within an accuracy budget, instead of choosing widths and zeros.
#[derive(Args)]
pub(super) struct SearchArgs {
    /// Find the cheapest plan that loses at most so many percentage points of accuracy: bits and zeros
    /// are chosen layer by layer, and whole channels may go. Takes minutes
    #[arg(long, value_name = "POINTS", requires = "eval", conflicts_with_all = ["weight_bits", "sparsity", "channel_sparsity"])]
    max_accuracy_drop: Option<f64>,
    /// Labelled images on which the accuracy is measured; without --calibration weights are rounded
    /// after them too. The search fits them: measure the plan on others (popcornc eval)
    #[arg(long, value_name = "DATA.npz", requires = "max_accuracy_drop")]
    eval: Option<PathBuf>,
    /// Try candidates on so many of them; the plan that is chosen is measured on all
    #[arg(long, value_name = "N", default_value_t = 10_000, requires = "eval")]
    eval_images: usize,
}

impl SearchArgs {
    /// Runs the search, where one is asked for; progress goes to stderr.
    ///
    /// # Errors
    /// Those of the search.
    pub(super) fn run(&self, model: &Model, options: &CompileOptions) -> Result<Option<Found>, Error> {
        let (Some(points), Some(path)) = (self.max_accuracy_drop, &self.eval) else { return Ok(None) };
        let classes = model.graph.shape(model.graph.output()).elements();
        let input = model.input_spec(&options.input)?;
        let data = read_data(path, &input, model.outputs.first(), self.eval_images)?;
        if let Some(odd) = odd_labels(data.labels(), classes) {
            console::warn(&odd);
        }
        let budget = Budget { points, data: data.into(), images: self.eval_images };
        console::tell(&HEADER);
        let spinner = Spinner::new();
        let mut watch = |event: Event<'_>| match event {
            Event::Working(what) => spinner.show(what),
            Event::Tried(trial) => spinner.tell(&row(trial)),
        };
        search(model, options, &budget, &mut watch).map(Some)
    }
}

const HEADER: &str = "products of the server, bytes both ways and predicted seconds of one inference; - loses too much\n\
       bits  values  zeros  channels  accuracy     products      bytes   seconds  tried";

fn row(trial: &Trial) -> String {
    format!(
        "{} {:>5.2} {:>7.2} {:>5.1}% {:>8.1}% {:>8.2}% {:>12} {:>10} {:>9.1}  {}",
        if trial.within { ' ' } else { '-' },
        trial.bits,
        trial.value_bits,
        100.0 * trial.sparsity,
        100.0 * trial.channels,
        100.0 * trial.accuracy,
        trial.cost.products,
        trial.cost.bytes_up + trial.cost.bytes_down,
        trial.seconds,
        trial.step,
    )
}

/// What was tried and chosen, for people.
pub(super) fn table(found: &Found) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "layer by layer:\n  bits  values  zeros asked   channels  layer");
    for LayerOutcome { name, channels, channels_before, choice, value_bits } in &found.layers {
        let zeros = 100.0 * choice.sparsity;
        let _ = writeln!(
            text,
            "  {:>4} {value_bits:>+7} {zeros:>11.0}% {channels:>4} of {channels_before:<4} {name}",
            choice.bits
        );
    }
    let _ = write!(
        text,
        "{} plans tried; accuracy on {} images: float {:.2} %, this plan {:.2} %",
        found.trials.len(),
        found.images,
        100.0 * found.float_accuracy,
        100.0 * found.accuracy,
    );
    if let Some(dense) = found.dense() {
        let less = |ours: u64, theirs: u64| 100.0 * (1.0 - ours as f64 / theirs.max(1) as f64);
        let (ours, theirs) = (&found.chosen.cost, &dense.cost);
        let _ = write!(
            text,
            "\nagainst the dense 8-bit plan: {:.1} % fewer products, {:.1} % fewer bytes, predicted {:.1} s instead of {:.1} s",
            less(ours.products, theirs.products),
            less(ours.bytes_up + ours.bytes_down, theirs.bytes_up + theirs.bytes_down),
            found.chosen.seconds,
            dense.seconds,
        );
    }
    text
}

/// What was tried and chosen, as JSON.
pub(super) fn json(found: &Found) -> Value {
    json!({
        "calibration_images": found.calibration_images,
        "images": found.images,
        "float_accuracy": found.float_accuracy,
        "plan_accuracy": found.accuracy,
        "layers": found.layers,
        "chosen": found.chosen,
        "trials": found.trials,
    })
}
