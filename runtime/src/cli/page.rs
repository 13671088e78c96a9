//! `popcorn run --report`: a page about the plan, with what the run took beside what was predicted.

use clap::Args;
use runtime::channel::Link;
use runtime::cost::Machine;
use runtime::cost::forecast::Forecast;
use runtime::error::InvalidInput;
use runtime::files::is_same;
use runtime::observe::{Spending, StepReport};
use runtime::plan::ValidPlan;
use runtime::report::{Measured, Report};
use runtime::{Error, Result};
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Whether to write one.
#[derive(Args)]
pub(crate) struct Page {
    /// Write a page of HTML about the plan to this file, as `popcornc report` does, with what the first image took beside what was
    /// predicted
    #[arg(long, value_name = "FILE.html", conflicts_with_all = ["plain", "together"])]
    report: Option<PathBuf>,
    /// Predict for machines like the one that `popcorn bench --profile` measured. By default for a core of 2023 with AVX-512 IFMA
    #[arg(long, value_name = "PROFILE.json", requires = "report")]
    profile: Option<PathBuf>,
}

/// A page that is to be written.
pub(crate) struct Pending<'a> {
    path: &'a Path,
    forecast: Forecast,
    link: Option<Link>,
}

impl Page {
    /// The prediction, where a page is wanted: before the run, so that no run is in vain.
    ///
    /// # Errors
    /// The profile cannot be read, or is none for the plan's keys; the page cannot be written, or would be over the plan in `file`.
    pub(crate) fn begin(
        &self,
        (file, plan): (&Path, &ValidPlan),
        link: Option<Link>,
    ) -> Result<Option<Pending<'_>>> {
        let Some(path) = self.report.as_deref() else { return Ok(None) };
        if is_same(path, file) {
            return Err(InvalidInput::file(path, "this is the plan: give the page another name").into());
        }
        let forecast = match &self.profile {
            Some(profile) => Forecast::from_file(plan, profile, link)?,
            None => Forecast::typical(plan, link),
        };
        let opened = OpenOptions::new().append(true).create(true).open(path);
        opened.map_err(|error| Error::cannot("write", path, error))?;
        Ok(Some(Pending { path, forecast, link }))
    }
}

impl Pending<'_> {
    /// Writes the page about the first inference in the reports of the client and the server; `spent` and the making of the client's
    /// tables are what it took at the client.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn write(
        self,
        plan: &ValidPlan,
        reports: (&[StepReport], &[StepReport]),
        (spent, tables): (Spending, Duration),
    ) -> Result<()> {
        let machine = Machine::this(rayon::current_num_threads());
        let network = self.link.map_or_else(String::new, |link| format!("; {link}"));
        let place = format!("both parties on: {machine}{network}");
        let measured = Measured::first(plan.plan(), reports, (spent, tables), place);
        let page = Report::new(plan, &self.forecast).beside(&measured).html();
        fs::write(self.path, page).map_err(|error| Error::cannot("write", self.path, error))
    }
}
