//! `popcorn bench`.

use super::kernel::KernelChoice;
use super::output;
use clap::Args;
use runtime::bench::cases::Material;
use runtime::bench::kernels::{self, Kernel};
use runtime::bench::plans::{self, PlanTime};
use runtime::bench::scaling::{self, Scaling};
use runtime::channel::Link;
use runtime::console;
use runtime::cost::Machine;
use runtime::cost::profile::Profile;
use runtime::plan::{KeyBits, ValidPlan};
use runtime::{Error, Result};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Measure this machine, each figure beside a baseline of the same run
#[derive(Args)]
#[command(after_help = "Examples:
  popcorn bench                              # products, sums, encryptions, comparisons; threads
  popcorn bench --key-bits 2048,3072 --json
  popcorn bench mnist.plan cifar.plan        # whole inferences, beside the way of the paper
  popcorn bench mnist.plan --link 100/40     # with a network between the parties: 100 Mbit/s, 40 ms round trip
  popcorn bench --key-bits 3072 mnist.plan   # both
  popcorn bench --profile this-machine.json  # for `popcornc inspect --profile`

Other work on the machine makes figures worse; a virtual machine's neighbours do, too.")]
pub(crate) struct Bench {
    /// Run these plans, with keys of the size that each is compiled for. Single operations are then measured
    /// only if --key-bits is given
    plans: Vec<PathBuf>,
    /// Key sizes to measure, by commas: 2048, 3072, 4096. By default 3072
    #[arg(long, value_name = "BITS", value_delimiter = ',')]
    key_bits: Option<Vec<KeyBits>>,
    /// A network between the parties of plans: megabits per second each way and milliseconds of round trip. The way
    /// of the paper is computed without one
    #[arg(long, value_name = "MBIT/MS", requires = "plans")]
    link: Option<Link>,
    /// Threads that compute plans and profiles, and whose gain is measured. By default all cores
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    #[command(flatten)]
    kernel: KernelChoice,
    /// Milliseconds for each figure of an operation
    #[arg(long, value_name = "MS", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..=600_000))]
    budget: u64,
    /// Write what a unit of each cost takes here to a file, instead
    #[arg(long, value_name = "OUT.json", conflicts_with = "plans")]
    profile: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    machine: Machine,
    kernels: Vec<Kernel>,
    scaling: Vec<Scaling>,
    /// Between the parties of the plans, if any.
    link: Option<String>,
    plans: Vec<PlanTime>,
}

impl Bench {
    pub(crate) fn run(self) -> Result<()> {
        self.kernel.apply()?;
        // The pool of the whole process: the parties of a plan have threads of their own.
        let threads = usize::from(self.threads.unwrap_or(0));
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
        pool.map_err(|error| Error::Bug(error.to_string()))?;
        match &self.profile {
            Some(path) => self.write_profile(path),
            None => self.report(),
        }
    }

    fn key_bits(&self) -> Vec<KeyBits> {
        self.key_bits.clone().unwrap_or_else(|| vec![KeyBits::default()])
    }

    fn budget(&self) -> Duration {
        Duration::from_millis(self.budget)
    }

    fn write_profile(&self, path: &Path) -> Result<()> {
        let measure = || Profile::measure(&self.key_bits(), self.budget());
        let profile = console::busy("measuring this machine", measure)?;
        let text = serde_json::to_string_pretty(&profile).map_err(|error| Error::Bug(error.to_string()))?;
        let written = std::fs::write(path, text + "\n");
        written.map_err(|error| Error::cannot("write", path, error))
    }

    fn report(&self) -> Result<()> {
        let plans = self.plans.iter().map(|path| ValidPlan::read(path)).collect::<Result<Vec<_>>>()?;
        let machine = Machine::this(rayon::current_num_threads());
        self.print(&format!("{machine}\n"))?;
        let link = self.link.map(|link| link.to_string());
        let mut report =
            Report { machine, kernels: Vec::new(), scaling: Vec::new(), link, plans: Vec::new() };
        if plans.is_empty() || self.key_bits.is_some() {
            for bits in self.key_bits() {
                self.operations(bits, &mut report)?;
            }
        }
        if !plans.is_empty() {
            report.plans = self.time(plans)?;
        }
        if !self.json {
            return Ok(());
        }
        let report = serde_json::to_string(&report).map_err(|error| Error::Bug(error.to_string()))?;
        output::print(&(report + "\n"))
    }

    fn operations(&self, bits: KeyBits, report: &mut Report) -> Result<()> {
        let material = Material::new(bits)?;
        self.print(&format!(
            "\n{:<15} {:>9} {:>12} {:>12} {:>7}  the baseline is\n",
            format!("{bits} bit keys"),
            "modulus",
            "one core",
            "baseline",
            "ratio"
        ))?;
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
        let pool = pool.map_err(|error| Error::Bug(error.to_string()))?;
        for case in kernels::cases(&material)? {
            let kernel = pool.install(|| kernels::time(case, self.budget()))?;
            self.print(&kernel_row(&kernel))?;
            report.kernels.push(kernel);
        }
        let threads = report.machine.threads;
        if threads > 1 {
            self.print("\n")?;
            for case in scaling::cases(&material, threads)? {
                let scaling = scaling::time(case, threads, self.budget())?;
                let Scaling { name, threads, ratio, .. } = &scaling;
                self.print(&format!("{name:<15} {threads} threads: {ratio:.2} times one\n"))?;
                report.scaling.push(scaling);
            }
        }
        Ok(())
    }

    fn time(&self, plans: Vec<ValidPlan>) -> Result<Vec<PlanTime>> {
        if let Some(link) = self.link {
            self.print(&format!("\nover {link}"))?;
        }
        self.print(&format!(
            "\n{:<16} {:<8} {:>8} {:>9} {:>9} {:>9} {:>9} {:>7} {:>10} {:>12} {:>7}\n",
            "plan",
            "suite",
            "key bits",
            "seconds",
            "online",
            "MB",
            "online",
            "rounds",
            "predicted",
            "paper's way",
            "ratio"
        ))?;
        let time = |plan| {
            let time = plans::time(plan, self.link)?;
            self.print(&plan_row(&time))?;
            Ok(time)
        };
        plans.into_iter().map(time).collect()
    }

    /// Prints a line for people.
    fn print(&self, text: &str) -> Result<()> {
        if self.json { Ok(()) } else { output::print(text) }
    }
}

fn kernel_row(kernel: &Kernel) -> String {
    let Kernel { name, bits, ours_ns, baseline, baseline_ns, ratio } = kernel;
    let [ours, theirs] = [*ours_ns, *baseline_ns].map(duration);
    format!("{name:<15} {bits:>9} {ours:>12} {theirs:>12} {ratio:>7.1}  {baseline}\n")
}

fn plan_row(time: &PlanTime) -> String {
    let PlanTime { plan, suite, key_bits, seconds, online_seconds, predicted_seconds, .. } = time;
    let megabytes = [time.bytes, time.online_bytes].map(|bytes| bytes as f64 / 1e6);
    format!(
        "{plan:<16} {suite:<8} {key_bits:>8} {seconds:>9.2} {online_seconds:>9.3} {:>9.2} {:>9.2} {:>7} {predicted_seconds:>10.2} {:>12.1} {:>7.1}\n",
        megabytes[0], megabytes[1], time.rounds, time.paper_style_seconds, time.ratio
    )
}

/// Three digits, in a unit that suits.
fn duration(nanoseconds: f64) -> String {
    let (value, unit) = match nanoseconds {
        ns if ns < 1e6 => (ns / 1e3, "us"),
        ns => (ns / 1e6, "ms"),
    };
    let decimals = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
    format!("{value:.decimals$} {unit}")
}
