//! `popcornc inspect`.

use super::forecast::{self, Forecast};
use super::load::LoadArgs;
use super::{Outcome, output};
use clap::Args;
use compiler::error::Error;
use runtime::channel::Link;
use runtime::cost::capacity::Capacity;
use runtime::cost::prediction::Seconds;
use runtime::message::Role;
use runtime::plan::{
    Cost, InputSpec, Layout, OutputSpec, PricedBatch, Schedule, Step, StepId, ValidPlan, Work, codec,
};
use runtime::protocol::shared::errors::StatisticalErrors;
use runtime::protocol::shared::online_messages::{communication, kept_bytes, stored_bytes};
use serde::Serialize;
use std::fmt;
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
            self.profile.as_deref().map(|path| Forecast::new(&plan, path, self.link)).transpose()?;
        let capacity = forecast.as_ref().and_then(|forecast| self.load.capacity(&plan, forecast));
        match (self.client, self.json) {
            (false, false) => {
                let seconds = forecast.map_or_else(String::new, |forecast| format!("\n{forecast}"));
                let errors = statistical_errors(&plan);
                let errors: String = errors.iter().map(line).collect();
                let memory = memory(&plan).map_or_else(String::new, |memory| format!("\n{memory}\n"));
                let servers = capacity.map_or_else(String::new, |capacity| format!("\n{capacity}"));
                output::print(&format!("{plan}{errors}{memory}{seconds}{servers}"))
            }
            (false, true) => output::print_json(&Description::new(&plan, forecast.as_ref(), capacity)),
            (true, false) => output::print(&plan.client_view().to_string()),
            (true, true) => output::print_json(&client_json(&plan)?),
        }
    }
}

/// Statistical errors of a preparation of so many inferences.
#[derive(Serialize)]
struct Errors {
    inferences: usize,
    #[serde(flatten)]
    errors: StatisticalErrors,
}

/// Of suite `shared`: of an inference that is prepared alone, and of each batch.
fn statistical_errors(plan: &ValidPlan) -> Vec<Errors> {
    let Work::Schedule(schedule) = &plan.client_view().work else { return Vec::new() };
    let sizes = [1].into_iter().chain(schedule.batches.iter().map(|batch| batch.inferences));
    let schedules = sizes.filter_map(|inferences| schedule.for_batch(inferences));
    let errors = |schedule: Schedule| Errors {
        inferences: schedule.inferences(),
        errors: StatisticalErrors::new(&schedule, plan.plan().key_bits),
    };
    schedules.map(errors).collect()
}

fn line(Errors { inferences, errors }: &Errors) -> String {
    match inferences {
        1 => format!("\nstatistical errors of an inference, at most: {errors}\n"),
        _ => format!("of {inferences} that are prepared together: {errors}\n"),
    }
}

/// Bytes of memory that an inference takes from its preparation until its image is asked about, and of files if it is kept longer than
/// a session.
#[derive(Serialize)]
struct PreparedMemory {
    client: u64,
    server: u64,
    client_file: u64,
    server_file: u64,
}

/// Of suite `shared`.
fn memory(plan: &ValidPlan) -> Option<PreparedMemory> {
    let Work::Schedule(schedule) = &plan.client_view().work else { return None };
    let costs = communication(schedule);
    let [client, server] = [Role::Client, Role::Server].map(|role| kept_bytes(schedule, &costs, role));
    let [client_file, server_file] =
        [Role::Client, Role::Server].map(|role| stored_bytes(schedule, &costs, role));
    Some(PreparedMemory { client, server, client_file, server_file })
}

impl fmt::Display for PreparedMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { client, server, client_file, server_file } = self;
        let [client, server, client_file, server_file] =
            [client, server, client_file, server_file].map(|&bytes| bytes as f64 / 1e6);
        write!(
            f,
            "memory of a prepared inference: {client:.1} MB at the client, {server:.1} MB at the server; \
             in a store: {client_file:.2} and {server_file:.2} MB"
        )
    }
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
    statistical_errors: Vec<Errors>,
    /// Of suite `shared`.
    #[serde(skip_serializing_if = "Option::is_none")]
    prepared_memory: Option<PreparedMemory>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prediction: Option<forecast::Description<'a>>,
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
        let seconds = |id: StepId| forecast.map(|forecast| forecast.step(id));
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
            statistical_errors: statistical_errors(valid),
            prepared_memory: memory(valid),
            prediction: forecast.map(forecast::Description::new),
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
