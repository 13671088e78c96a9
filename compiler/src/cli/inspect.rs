//! `popcornc inspect`.

use super::load::LoadArgs;
use super::{Outcome, output};
use clap::Args;
use compiler::error::Error;
use runtime::channel::Link;
use runtime::cost::capacity::Capacity;
use runtime::cost::forecast::{Forecast, Summary};
use runtime::cost::prediction::Seconds;
use runtime::cost::preparation::{PreparationErrors, PreparedMemory};
use runtime::plan::{Cost, InputSpec, Layout, OutputSpec, PricedBatch, Step, StepId, ValidPlan, codec};
use serde::Serialize;
use std::fs;
use std::path::{Path, PathBuf};

/// Print a plan as text, with what each step costs
#[derive(Args)]
#[command(after_help = "Examples:
  popcornc inspect mnist.plan
  popcornc inspect mnist.plan --client --json
  popcornc inspect mnist.plan --profile this.json     # from: popcorn bench --profile this.json
  popcornc inspect mnist.plan --profile server.json --link 100/20
  popcornc inspect mnist.plan --profile server.json --link 100/20 --rate 25   # machines for 25 inferences a second")]
pub(super) struct Inspect {
    /// The plan
    #[arg(value_name = "OUT.plan")]
    plan: PathBuf,
    /// What the client is given instead of what the server has
    #[arg(long)]
    client: bool,
    /// Also print the seconds that each step will take on machines like the one that `popcorn bench --profile` measured
    #[arg(long, value_name = "PROFILE.json", conflicts_with = "client")]
    profile: Option<PathBuf>,
    /// The network of these predictions: megabits per second and milliseconds of round trip. Without it both parties
    /// are on the machine, in one process
    #[arg(long, value_name = "MBIT/MS", requires = "profile")]
    link: Option<Link>,
    #[command(flatten)]
    load: LoadArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Inspect {
    pub(super) fn run(&self) -> Outcome {
        let plan = read(&self.plan)?;
        let forecast =
            self.profile.as_deref().map(|path| Forecast::from_file(&plan, path, self.link)).transpose()?;
        let capacity = forecast.as_ref().and_then(|forecast| self.load.capacity(&plan, forecast));
        match (self.client, self.json) {
            (false, false) => {
                let seconds = forecast.map_or_else(String::new, |forecast| format!("\n{forecast}"));
                let errors: String = PreparationErrors::of_plan(&plan).iter().map(line).collect();
                let memory =
                    PreparedMemory::of_plan(&plan).map_or_else(String::new, |memory| format!("\n{memory}\n"));
                let servers = capacity.map_or_else(String::new, |capacity| format!("\n{capacity}"));
                output::print(&format!("{plan}{errors}{memory}{seconds}{servers}"))
            }
            (false, true) => output::print_json(&Description::new(&plan, forecast.as_ref(), capacity)),
            (true, false) => output::print(&plan.client_view().to_string()),
            (true, true) => output::print_json(&client_json(&plan)?),
        }
    }
}

/// A line; the first after an empty one.
fn line(errors: &PreparationErrors) -> String {
    format!("{}{errors}\n", if errors.inferences == 1 { "\n" } else { "" })
}

/// The plan in the file at `path`.
///
/// # Errors
/// The file cannot be read, is longer than any plan, or holds none.
pub(super) fn read(path: &Path) -> Result<ValidPlan, Error> {
    let error = |source| output::file_error(path, source);
    if fs::metadata(path).map_err(error)?.len() > codec::MAX_PLAN_BYTES {
        return Err(Error::Malformed { path: path.to_owned(), what: "longer than any plan".into() });
    }
    let plan = codec::decode(&fs::read(path).map_err(error)?);
    plan.map_err(|error| Error::Malformed { path: path.to_owned(), what: error.to_string() })
}

/// The client's view, its digest spelled as everywhere else.
fn client_json(plan: &ValidPlan) -> Result<serde_json::Value, Error> {
    let mut view = serde_json::to_value(plan.client_view()).map_err(|error| Error::Bug(error.to_string()))?;
    view["id"] = plan.id().to_string().into();
    Ok(view)
}

/// A plan without its weights, for programs.
#[derive(Serialize)]
struct Description<'a> {
    id: String,
    name: &'a str,
    suite: String,
    key_bits: u32,
    input: &'a InputSpec,
    steps: Vec<StepDescription<'a>>,
    output: &'a OutputSpec,
    cost: Cost,
    /// Inferences that can be prepared together.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    batches: &'a [PricedBatch],
    /// Of suite `shared`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    statistical_errors: Vec<PreparationErrors>,
    /// Of suite `shared`.
    #[serde(skip_serializing_if = "Option::is_none")]
    prepared_memory: Option<PreparedMemory>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prediction: Option<Summary<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    capacity: Option<Capacity>,
}

#[derive(Serialize)]
struct StepDescription<'a> {
    id: String,
    name: &'a str,
    op: &'a str,
    inputs: Vec<String>,
    shape: [usize; 3],
    bits: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    layout: Option<Layout>,
    offline: Cost,
    cost: Cost,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<Seconds>,
}

impl<'a> Description<'a> {
    fn new(valid: &'a ValidPlan, forecast: Option<&'a Forecast>, capacity: Option<Capacity>) -> Self {
        let plan = valid.plan();
        let seconds = |id: StepId| forecast.map(|forecast| forecast.prediction().step(id));
        let steps = plan.steps().map(|(id, step)| StepDescription::new(id, step, seconds(id)));
        Self {
            id: valid.id().to_string(),
            name: &plan.name,
            suite: plan.suite.to_string(),
            key_bits: plan.key_bits.get(),
            input: &plan.input,
            steps: steps.collect(),
            output: &plan.output,
            cost: plan.total_cost(),
            batches: &plan.batches,
            statistical_errors: PreparationErrors::of_plan(valid),
            prepared_memory: PreparedMemory::of_plan(valid),
            prediction: forecast.map(Forecast::summary),
            capacity,
        }
    }
}

impl<'a> StepDescription<'a> {
    fn new(id: StepId, step: &'a Step, seconds: Option<Seconds>) -> Self {
        Self {
            id: id.to_string(),
            name: &step.name,
            op: step.op.name(),
            inputs: step.inputs.iter().map(StepId::to_string).collect(),
            shape: [step.shape.channels, step.shape.height, step.shape.width],
            bits: step.bits,
            layout: step.layout,
            offline: step.offline,
            cost: step.cost,
            seconds,
        }
    }
}
