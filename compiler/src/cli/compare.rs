//! `popcornc compare`.

use super::options::{CompileArgs, read_data};
use super::progress::Bar;
use super::{Outcome, inspect, output};
use clap::Args;
use compiler::compile::{Compiled, compile_in_stages};
use compiler::error::Error;
use compiler::evaluation::{Comparison, NodeComparison, Sides, WRONG, compare};
use compiler::from_onnx::FloatReference;
use compiler::options::CompileOptions;
use compiler::pipeline::Silent;
use runtime::plan::Plan;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Show where a plan's values depart from the model's, node by node
///
/// Compiles the model with the same options as `popcornc compile` and runs both over images.
/// `error` is the root mean square of a value's errors, relative to that of the value; `own` is the part
/// that arises in the node itself, from rounding its weights. Look at the largest of them first.
#[derive(Args)]
#[command(after_help = "\
Examples:
  popcornc compare mnist.onnx --data mnist-test.npz
  popcornc compare mnist.onnx --data mnist-test.npz --weight-bits 4 --sparsity 0.75 --calibration train.npz
  popcornc compare lenet.onnx lenet.plan --data mnist-test.npz --input-scale 1/255 --limit 1000 --json")]
pub(super) struct Compare {
    /// The model
    #[arg(value_name = "MODEL.onnx")]
    model: PathBuf,
    /// A plan that these options should give; refused if they give another
    #[arg(value_name = "OUT.plan")]
    plan: Option<PathBuf>,
    /// Array `images` (N,C,H,W), raw pixels, or a folder of pictures; labels are not needed
    #[arg(long, value_name = "DATA.npz")]
    data: PathBuf,
    /// Look at so many images only
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
    #[command(flatten)]
    options: CompileArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Compare {
    pub(super) fn run(&self) -> Outcome {
        let (model, options) = self.options.read(&self.model)?;
        // What is wrong is what it shows.
        let options = CompileOptions { accept_error: true, ..options };
        let data = read_data(&self.data, &model.input_spec(&options.input)?, None, self.limit)?;
        let stages = compile_in_stages(&model, &options, &mut Silent)?;
        if let Some(path) = &self.plan {
            check_same(path, &stages)?;
        }
        let tract = FloatReference::new(&model)?;
        let bar = Bar::new(data.len().min(self.limit));
        let integer = &stages.integer(&options)?;
        let Compiled { float, plan, .. } = &stages;
        let (input, output) = (&plan.plan().input, &plan.plan().output.parts[0]);
        let sides = Sides { float, integer, input, output };
        let comparison = compare(sides, &|image| tract.run(image), &data, self.limit, &bar);
        drop(bar);
        let comparison = comparison?;
        if self.json {
            output::print_json(&Report::new(&comparison))
        } else {
            output::print(&table(&comparison))
        }
    }
}

/// Refuses a plan other than the compiled one.
fn check_same(path: &Path, stages: &Compiled) -> Result<(), Error> {
    let given = inspect::read(path)?;
    let salted = Plan { salt: given.plan().salt, ..stages.plan.plan().clone() };
    let (given, compiled) = (given.id(), salted.id());
    if given == compiled {
        return Ok(());
    }
    let what = format!(
        "{}: the model and these options give plan {compiled}, this is {given}; give the options that it was compiled with (a plan from a search has none)",
        path.display()
    );
    Err(Error::Option(what))
}

/// For programs.
#[derive(Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    comparison: &'a Comparison,
    /// The first node whose relative error exceeds a tenth.
    first_wrong: Option<&'a str>,
    /// The node with the largest error of its own.
    worst: Option<&'a str>,
}

impl<'a> Report<'a> {
    fn new(comparison: &'a Comparison) -> Self {
        let name = |node: Option<&'a NodeComparison>| node.map(|node| node.node.as_str());
        Self { comparison, first_wrong: name(comparison.first_wrong()), worst: name(comparison.worst()) }
    }
}

fn table(comparison: &Comparison) -> String {
    let width = comparison.nodes.iter().map(|node| node.node.chars().count()).max().unwrap_or(0).clamp(4, 40);
    let mut lines = vec![format!(
        "{:width$}  {:12}  {:>12}  {:>4}  {:>9}  {:>9}  {:>9}  {:>8}  {:>11}",
        "node", "op", "shape", "bits", "error", "own", "largest", "SNR", "correlation"
    )];
    lines.extend(comparison.nodes.iter().map(|node| row(node, width)));
    let choices = [comparison.agreement, comparison.model_agreement].map(|share| share.map(percent));
    lines.push(match choices {
        [Some(ours), Some(model)] => format!(
            "{} images; same first choice: plan and float graph {ours}, float graph and model {model}",
            comparison.images
        ),
        _ => format!("{} images", comparison.images),
    });
    lines.push(verdict(comparison));
    lines.join("\n")
}

fn row(node: &NodeComparison, width: usize) -> String {
    let [channels, height, columns] = node.shape;
    let name: String = node.node.chars().take(width).collect();
    format!(
        "{name:width$}  {:12}  {:>12}  {:>4}  {:>9}  {:>9}  {:>9.2e}  {:>8}  {:>11.6}",
        node.op,
        format!("{channels}x{height}x{columns}"),
        node.bits,
        percent(node.deviation.relative_error),
        percent(node.own_error),
        node.deviation.largest_error,
        format!("{:.1} dB", node.deviation.snr_db),
        node.deviation.correlation,
    )
}

/// Where it starts to go wrong.
fn verdict(comparison: &Comparison) -> String {
    let limit = format!("{:.0} %", 100.0 * WRONG);
    let start = match comparison.first_wrong() {
        Some(node) => format!("the error first exceeds {limit} at {} '{}'", node.op, node.node),
        None => format!("no error exceeds {limit}"),
    };
    comparison.worst().map_or(start.clone(), |worst| {
        format!("{start}; {} '{}' adds most, {}", worst.op, worst.node, percent(worst.own_error))
    })
}

fn percent(share: f64) -> String {
    format!("{:.3} %", 100.0 * share)
}
