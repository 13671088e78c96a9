//! `popcorn bench`.

use super::{output, serve};
use clap::Args;
use runtime::bench::Machine;
use runtime::bench::kernels::{Kernel, Kernels};
use runtime::bench::paper_style::Units;
use runtime::bench::plans::{self, PlanTime};
use runtime::bench::profile::Profile;
use runtime::paillier::{SecretKey, SecureRng};
use runtime::plan::{KeyBits, ValidPlan};
use runtime::{Error, Result};
use serde::Serialize;
use std::path::PathBuf;
use std::time::Duration;

/// Measure this machine, each figure beside a baseline of the same run
#[derive(Args)]
#[command(after_help = "Examples:
  popcorn bench                                        # products, sums, encryptions, comparisons on one core
  popcorn bench --key-bits 2048 --key-bits 3072 --json
  popcorn bench model.plan                             # a whole inference, beside the way of the paper
  popcorn bench --profile this-machine.json            # seconds of each operation, all cores busy")]
pub(crate) struct Bench {
    /// Run these plans, instead of single operations
    plans: Vec<PathBuf>,
    /// Key sizes to measure: 2048, 3072 or 4096
    #[arg(long, value_name = "BITS", default_value = "3072")]
    key_bits: Vec<KeyBits>,
    /// Threads that compute whole plans; single operations always take one. By default all cores
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Milliseconds for each figure
    #[arg(long, value_name = "MS", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..=600_000))]
    budget: u64,
    /// Write what a unit of each cost takes here to a new file, instead
    #[arg(long, value_name = "OUT", conflicts_with = "plans")]
    profile: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    machine: Machine,
    kernels: Vec<Kernel>,
    plans: Vec<PlanTime>,
}

impl Bench {
    pub(crate) fn run(self) -> Result<()> {
        let alone = self.plans.is_empty() && self.profile.is_none();
        let threads = if alone { 1 } else { usize::from(self.threads.unwrap_or(0)) };
        // The pool of the whole process: the parties of a plan have threads of their own.
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
        pool.map_err(|error| Error::Bug(error.to_string()))?;
        match &self.profile {
            Some(path) => self.write_profile(path),
            None => self.report(),
        }
    }

    fn budget(&self) -> Duration {
        Duration::from_millis(self.budget)
    }

    fn write_profile(&self, path: &std::path::Path) -> Result<()> {
        let profile = Profile::measure(&self.key_bits, self.budget())?;
        let text = serde_json::to_string_pretty(&profile).map_err(|error| Error::Bug(error.to_string()))?;
        let written = std::fs::write(path, text + "\n");
        written.map_err(|error| Error::io(format!("cannot write {}", path.display()), error))
    }

    fn report(&self) -> Result<()> {
        let machine = Machine::this(rayon::current_num_threads());
        self.say(&format!(
            "{}, {}, {} cores, {} computing\n",
            machine.processor, machine.system, machine.cores, machine.threads
        ))?;
        let kernels = if self.plans.is_empty() { self.kernels()? } else { Vec::new() };
        let plans = if self.plans.is_empty() { Vec::new() } else { self.plans()? };
        if !self.json {
            return Ok(());
        }
        let report = serde_json::to_string(&Report { machine, kernels, plans });
        output::print(&(report.map_err(|error| Error::Bug(error.to_string()))? + "\n"))
    }

    fn kernels(&self) -> Result<Vec<Kernel>> {
        let mut all = Vec::new();
        self.say(&format!(
            "{:<15} {:>6} {:>14} {:>14} {:>7}  baseline\n",
            "one core", "bits", "ours ns", "baseline ns", "ratio"
        ))?;
        for &bits in &self.key_bits {
            let mut outcome = Ok(());
            let mut show = |kernel: &Kernel| outcome = self.say(&row(kernel));
            all.extend(Kernels::new(bits, self.budget())?.run(&mut show)?);
            outcome?;
        }
        Ok(all)
    }

    fn plans(&self) -> Result<Vec<PlanTime>> {
        self.say(&format!(
            "{:<20} {:>6} {:>10} {:>12} {:>15} {:>7}\n",
            "plan", "key", "seconds", "predicted", "paper's way", "ratio"
        ))?;
        self.plans.iter().map(|path| self.plan(serve::read_plan(path)?)).collect()
    }

    fn plan(&self, plan: ValidPlan) -> Result<PlanTime> {
        let bits = plan.plan().key_bits;
        let mut rng = SecureRng::from_os()?;
        let units = Units::measure(&SecretKey::generate(bits, &mut rng), plans::SAMPLE_TIME, &mut rng);
        let profile = Profile::measure(&[bits], plans::SAMPLE_TIME)?;
        let time = plans::time(plan, &units, &profile)?;
        self.say(&format!(
            "{:<20} {:>6} {:>10.2} {:>12.2} {:>15.1} {:>7.1}\n",
            time.plan,
            time.key_bits,
            time.seconds,
            time.predicted_seconds,
            time.paper_style_seconds,
            time.ratio
        ))?;
        Ok(time)
    }

    /// Prints a line for people.
    fn say(&self, text: &str) -> Result<()> {
        if self.json { Ok(()) } else { output::print(text) }
    }
}

fn row(kernel: &Kernel) -> String {
    format!(
        "{:<15} {:>6} {:>14.0} {:>14.0} {:>7.2}  {}\n",
        kernel.name, kernel.bits, kernel.ours_ns, kernel.baseline_ns, kernel.ratio, kernel.baseline
    )
}
