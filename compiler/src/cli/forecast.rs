//! What `popcornc inspect --profile` predicts.

use super::output;
use compiler::error::Error;
use runtime::channel::Link;
use runtime::cost::Machine;
use runtime::cost::capacity::{Capacity, Load};
use runtime::cost::prediction::{Prediction, Seconds};
use runtime::cost::profile::{Entry, Profile, ProfileError};
use runtime::plan::{StepId, ValidPlan};
use serde::Serialize;
use std::path::Path;
use std::{fmt, fs};

/// What a plan will take, and where.
pub(super) struct Forecast {
    machine: Machine,
    entry: Entry,
    link: Option<Link>,
    prediction: Prediction,
}

impl Forecast {
    /// Predicts `plan` by the profile in the file at `path`.
    ///
    /// # Errors
    /// The file cannot be read, is no profile, or one of other keys.
    pub(super) fn new(plan: &ValidPlan, path: &Path, link: Option<Link>) -> Result<Self, Error> {
        let json = fs::read(path).map_err(|source| output::file_error(path, source))?;
        let malformed =
            |error: ProfileError| Error::Malformed { path: path.to_owned(), what: error.to_string() };
        let profile = Profile::from_json(&json).map_err(malformed)?;
        let entry = profile.entry(plan.plan().key_bits).map_err(malformed)?.clone();
        Ok(Self { prediction: Prediction::new(plan, &entry, link), machine: profile.machine, entry, link })
    }

    /// Predicted seconds of one step of the plan.
    pub(super) fn step(&self, id: StepId) -> Seconds {
        self.prediction.steps[id.index()]
    }

    /// What servers of the plan it takes to bear a load.
    pub(super) fn capacity(&self, plan: &ValidPlan, load: Load) -> Capacity {
        Capacity::new(plan, &self.machine, &self.entry, self.link, load)
    }
}

/// Where, the table, and how to read it.
impl fmt::Display for Forecast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.link {
            Some(link) => writeln!(f, "predicted for two of: {}; {link}\n", self.machine)?,
            None => writeln!(f, "predicted for both parties on: {}\n", self.machine)?,
        }
        writeln!(f, "{}", self.prediction)?;
        writeln!(
            f,
            "first answer of a session: {:.2} s, once the client has its tables ({:.2} s); further ones: {:.2} s",
            self.prediction.first_answer(),
            self.prediction.tables.client,
            self.prediction.image().total()
        )
    }
}

/// All but the steps, for programs.
#[derive(Serialize)]
pub(super) struct Description<'a> {
    machine: &'a Machine,
    link: Option<String>,
    tables: Seconds,
    session: Seconds,
    image: Seconds,
    first_answer_seconds: f64,
}

impl<'a> Description<'a> {
    pub(super) fn new(forecast: &'a Forecast) -> Self {
        let prediction = &forecast.prediction;
        Self {
            machine: &forecast.machine,
            link: forecast.link.map(|link| link.to_string()),
            tables: prediction.tables,
            session: prediction.session,
            image: prediction.image(),
            first_answer_seconds: prediction.first_answer(),
        }
    }
}
