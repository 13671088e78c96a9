//! `popcornc compile`.

use super::options::{CompileArgs, odd_calibration};
use super::passes::{PassArgs, Watcher};
use super::search::{self, SearchArgs};
use super::{Outcome, output};
use clap::Args;
use compiler::activation::{Approximated, Ranges, approximated};
use compiler::compile::{Compiled, compile_in_stages};
use compiler::error::Error;
use compiler::from_onnx::Model;
use compiler::options::CompileOptions;
use compiler::search::Found;
use runtime::console;
use runtime::plan::{ValidPlan, codec};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Compile a model to a plan
#[derive(Args)]
#[command(after_help = "\
Examples:
  popcornc compile mnist.onnx -o mnist.plan
  popcornc compile lenet.onnx -o lenet.plan --input-scale 1/255 --input-mean 0.1307 --input-std 0.3081
  popcornc compile mnist.onnx -o mnist.plan --calibration train.npz
  popcornc compile mnist.onnx -o mnist.plan --reveal label --activation-bits 8 --calibration train.npz
  popcornc compile mnist.onnx -o small.plan --weight-bits 4 --sparsity 0.75 --calibration train.npz
  popcornc compile mnist.onnx -o small.plan --max-accuracy-drop 1 --eval test.npz --calibration train.npz
  popcornc compile cifar.onnx -o cifar.plan --input-scale 1/255 --input-mean 0.49,0.48,0.45 --input-std 0.25,0.24,0.26")]
pub(super) struct Compile {
    /// The model
    #[arg(value_name = "MODEL.onnx")]
    model: PathBuf,
    /// Where the plan goes
    #[arg(short, long, value_name = "OUT.plan", required_unless_present = "stop_after")]
    output: Option<PathBuf>,
    #[command(flatten)]
    options: CompileArgs,
    #[command(flatten)]
    search: SearchArgs,
    #[command(flatten)]
    passes: PassArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Compile {
    pub(super) fn run(&self) -> Outcome {
        match &self.output {
            Some(file) if self.passes.stop_after.is_none() => self.write(file),
            _ => self.stop(),
        }
    }

    /// The model, the options, and the warnings that have been printed about them.
    fn read(&self) -> Result<(Model, CompileOptions, Vec<String>), Error> {
        let (model, options) = self.options.read(&self.model)?;
        let warnings: Vec<String> = odd_calibration(&options).into_iter().collect();
        warnings.iter().for_each(|warning| console::warn(warning));
        Ok((model, options, warnings))
    }

    /// Prints the graph at which the compilation stops.
    fn stop(&self) -> Outcome {
        let (model, options, warnings) = self.read()?;
        let mut watcher = Watcher::new(&self.passes);
        match compile_in_stages(&model, &options, &mut watcher) {
            Err(Error::Stopped { .. }) => {}
            Err(error) => return Err(error),
            Ok(_) => {
                let pass = self.passes.stop_after.as_deref().unwrap_or_default();
                let what = format!("{pass} does not run with these options; see `popcornc passes`");
                return Err(Error::Option(what));
            }
        }
        watcher.finish();
        let graph = watcher.stopped.unwrap_or_default();
        if self.json {
            return output::print_json(&json!({
                "stopped_after": self.passes.stop_after,
                "graph": graph,
                "warnings": warnings,
            }));
        }
        output::print(&graph)
    }

    fn write(&self, file: &Path) -> Outcome {
        output::check_apart(file, &self.model)?;
        output::check_writable(file)?;
        let (model, options, mut warnings) = self.read()?;
        let found = self.search.run(&model, &options)?;
        let Outcomes { plan, calibration_images, activations, doubts } = match &found {
            Some(found) => Outcomes::of_search(found, &model, &options),
            None => Outcomes::of_compilation(&model, &options, &self.passes)?,
        };
        doubts.iter().for_each(|warning| console::warn(warning));
        warnings.extend(doubts);
        let rings = options.has_rings().then(|| rings(calibration_images));
        let bytes = codec::encode(&plan);
        output::write_atomically(file, &bytes)?;
        if self.json {
            return output::print_json(&json!({
                "plan": file,
                "id": plan.id().to_string(),
                "bytes": bytes.len(),
                "widest_bits": widest(&plan),
                "key_bits": plan.plan().key_bits.get(),
                "cost": plan.plan().total_cost(),
                "activations": activations.iter().map(ToString::to_string).collect::<Vec<String>>(),
                "rings": rings,
                "check": plan.plan().check,
                "warnings": warnings,
                "search": found.as_ref().map(search::json),
            }));
        }
        let mut parts: Vec<String> = activations.iter().map(ToString::to_string).collect();
        parts.extend(rings);
        parts.extend(plan.plan().check.as_ref().map(ToString::to_string));
        parts.extend(found.as_ref().map(search::table));
        parts.push(summary(&plan, &file.display().to_string(), bytes.len()));
        output::print(&parts.join("\n"))
    }
}

/// What either way of compiling gives.
struct Outcomes {
    plan: ValidPlan,
    calibration_images: usize,
    activations: Vec<Approximated>,
    doubts: Vec<String>,
}

impl Outcomes {
    fn of_search(found: &Found, model: &Model, options: &CompileOptions) -> Self {
        Self {
            plan: found.plan.clone(),
            calibration_images: found.calibration_images,
            activations: approximated(&model.graph, options.activations, &Ranges::new(), options.has_rings()),
            doubts: Vec::new(),
        }
    }

    fn of_compilation(model: &Model, options: &CompileOptions, passes: &PassArgs) -> Result<Self, Error> {
        let mut watcher = Watcher::new(passes);
        let compiled = compile_in_stages(model, options, &mut watcher);
        watcher.finish();
        let Compiled { plan, approximated, calibration_images, warnings, .. } = compiled?;
        Ok(Self { plan, calibration_images, activations: approximated, doubts: warnings })
    }
}

/// What the rings of suite `shared` rest on.
fn rings(calibration_images: usize) -> String {
    match calibration_images {
        0 => "warning: rings hold what a few synthetic images need, and images that need more get wrong results; \
              give calibration images (--calibration)"
            .into(),
        count => format!("rings hold what {count} calibration images need, and a margin"),
    }
}

fn widest(plan: &ValidPlan) -> u32 {
    plan.plan().steps.iter().map(|step| step.bits).max().unwrap_or(0)
}

fn summary(plan: &ValidPlan, file: &str, size: usize) -> String {
    let (steps, widest) = (&plan.plan().steps, widest(plan));
    let cost = plan.plan().total_cost();
    format!(
        "{file}: plan {}, {} steps, {} bytes\n\
         values of at most {widest} bits, key of {} bits\n\
         one inference: {} products and {} squarings, {} encryptions, {} decryptions, {} rounds,\n\
         {} bytes up, {} bytes down; `popcornc inspect` shows them step by step",
        plan.id(),
        steps.len(),
        size,
        plan.plan().key_bits,
        cost.products,
        cost.squarings,
        cost.encryptions,
        cost.decryptions,
        cost.rounds,
        cost.bytes_up,
        cost.bytes_down,
    )
}
