//! `popcornc report`.

use super::{Outcome, inspect, output};
use clap::Args;
use compiler::error::Error;
use runtime::channel::Link;
use runtime::cost::forecast::Forecast;
use runtime::report;
use std::path::PathBuf;
use std::process::ExitCode;

/// Write a plan as a page of HTML: what it is, who learns what, where time and bytes go, the network as a picture, and every step
#[derive(Args)]
#[command(after_help = "Examples:
  popcornc report mnist.plan -o mnist.html
  popcornc report mnist.plan -o mnist.html --link 100/20
  popcornc report mnist.plan -o mnist.html --profile this.json   # from: popcorn bench --profile this.json
  popcornc report mnist.plan --picture mnist.svg

The page is a single file that loads nothing and runs no script. `popcorn run --report` writes the same with what a run took.")]
pub(super) struct Report {
    /// The plan
    #[arg(value_name = "OUT.plan")]
    plan: PathBuf,
    /// Where the page goes
    #[arg(short, long, value_name = "REPORT.html", required_unless_present = "picture")]
    output: Option<PathBuf>,
    /// Write the picture of the network to this file, too
    #[arg(long, value_name = "FILE.svg")]
    picture: Option<PathBuf>,
    /// Predict seconds for machines like the one that `popcorn bench --profile` measured. By default for a core of 2023 with AVX-512
    /// IFMA, as the compiler does
    #[arg(long, value_name = "PROFILE.json")]
    profile: Option<PathBuf>,
    /// The network of these predictions: megabits per second and milliseconds of round trip. Without it they are for 40/20, or with
    /// --profile for both parties on the machine, in one process
    #[arg(long, value_name = "MBIT/MS")]
    link: Option<Link>,
}

impl Report {
    pub(super) fn run(&self) -> Outcome {
        [&self.output, &self.picture]
            .into_iter()
            .flatten()
            .try_for_each(|written| output::check_apart(written, &self.plan))?;
        let plan = inspect::read(&self.plan)?;
        let forecast = match &self.profile {
            Some(profile) => Forecast::from_file(&plan, profile, self.link)?,
            None => Forecast::typical(&plan, Some(self.link.unwrap_or(Link::TYPICAL))),
        };
        let report = report::Report::new(&plan, &forecast);
        if let Some(path) = &self.output {
            output::write_atomically(path, report.html().as_bytes())?;
        }
        if let Some(path) = &self.picture {
            let too_large = || Error::Option("this network has too many steps to be drawn".into());
            output::write_atomically(path, report.picture().ok_or_else(too_large)?.as_bytes())?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
