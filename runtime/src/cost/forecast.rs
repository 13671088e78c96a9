//! A plan's predicted seconds, with the machine and the network that they are for.

use super::Machine;
use super::capacity::{Capacity, Load};
use super::prediction::{Prediction, Seconds};
use super::profile::{Entry, Profile, ProfileError};
use crate::channel::Link;
use crate::error::{Error, InvalidInput, Result};
use crate::plan::ValidPlan;
use serde::Serialize;
use std::path::Path;
use std::{fmt, fs};

/// What a plan will take, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// The machine, and what was measured there; none where it is the typical one.
    measured: Option<(Machine, Entry)>,
    link: Option<Link>,
    prediction: Prediction,
}

impl Forecast {
    /// Of `plan` on the machine that `profile` was measured on; without a link, both parties on it in one process.
    ///
    /// # Errors
    /// The profile is of other keys.
    pub fn by_profile(
        plan: &ValidPlan,
        profile: Profile,
        link: Option<Link>,
    ) -> std::result::Result<Self, ProfileError> {
        let entry = profile.entry(plan.plan().key_bits)?.clone();
        let prediction = Prediction::new(plan, &entry, link);
        Ok(Self { prediction, measured: Some((profile.machine, entry)), link })
    }

    /// As [`by_profile`](Self::by_profile), of the profile in the file at `path`.
    ///
    /// # Errors
    /// The file cannot be read, holds no profile, or one of other keys.
    pub fn from_file(plan: &ValidPlan, path: &Path, link: Option<Link>) -> Result<Self> {
        let read = fs::read(path);
        let json = read.map_err(|error| Error::cannot("read", path, error))?;
        let wrong = |error: ProfileError| InvalidInput::file(path, error);
        let profile = Profile::from_json(&json).map_err(wrong)?;
        Ok(Self::by_profile(plan, profile, link).map_err(wrong)?)
    }

    /// Of `plan` on the machine that plans are compiled for by default; without a link, both parties on it in one process.
    pub fn typical(plan: &ValidPlan, link: Option<Link>) -> Self {
        Self { prediction: Prediction::typical(plan, link), measured: None, link }
    }

    /// The seconds.
    pub const fn prediction(&self) -> &Prediction {
        &self.prediction
    }

    /// Whether it is by what was measured on a machine, rather than for the typical one.
    pub const fn is_by_profile(&self) -> bool {
        self.measured.is_some()
    }

    /// What servers of the plan it takes to bear a load; `None` where nothing was measured.
    pub fn capacity(&self, plan: &ValidPlan, load: Load) -> Option<Capacity> {
        let (machine, entry) = self.measured.as_ref()?;
        Some(Capacity::new(plan, machine, entry, self.link, load))
    }

    /// The machine and the network, as half a sentence: `two of: Abacus, ..; 100 Mbit/s, 20 ms round trip`.
    pub fn place(&self) -> String {
        let machine = match &self.measured {
            Some((machine, _)) => machine.to_string(),
            None => "the compiler's typical core (2023, AVX-512 IFMA)".into(),
        };
        match self.link {
            Some(link) => format!("two of: {machine}; {link}"),
            None => format!("both parties on: {machine}"),
        }
    }

    /// All but the steps, for programs.
    pub fn summary(&self) -> Summary<'_> {
        Summary {
            machine: self.measured.as_ref().map(|(machine, _)| machine),
            link: self.link.map(|link| link.to_string()),
            tables: self.prediction.tables,
            session: self.prediction.session,
            image: self.prediction.image(),
            first_answer_seconds: self.prediction.first_answer(),
        }
    }
}

/// Where, the table, and how to read it.
impl fmt::Display for Forecast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "predicted for {}\n", self.place())?;
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

/// All of a [`Forecast`] but the steps, for programs.
#[derive(Clone, Debug, Serialize)]
pub struct Summary<'a> {
    machine: Option<&'a Machine>,
    link: Option<String>,
    tables: Seconds,
    session: Seconds,
    image: Seconds,
    first_answer_seconds: f64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::prediction::testing::entry;
    use crate::plan::{Cost, KeyBits, Processor, UnitCosts, codec};

    fn plan() -> ValidPlan {
        codec::decode(include_bytes!("../../../testdata/mnist-mlp.plan")).unwrap()
    }

    /// Both are what the compiler weighs its choices by.
    #[test]
    fn the_typical_link_is_that_of_the_typical_machine() {
        let unit = UnitCosts::typical(KeyBits::default(), Processor::default());
        let link = [Link::TYPICAL.byte(), Link::TYPICAL.round_trip()];
        assert!((link[0] - unit.byte).abs() < 1e-12 && (link[1] - unit.round).abs() < 1e-9, "{link:?}");
        let plan = plan();
        let total: f64 = Forecast::typical(&plan, Some(Link::TYPICAL)).prediction().image().total();
        let cost = [plan.plan().offline_cost(), plan.plan().online_cost()].into_iter().sum::<Cost>();
        assert!((total - cost.seconds(&unit)).abs() < 1e-9);
    }

    #[test]
    fn a_forecast_says_what_it_is_for() {
        let plan = plan();
        assert_eq!(
            Forecast::typical(&plan, Some(Link::TYPICAL)).place(),
            "two of: the compiler's typical core (2023, AVX-512 IFMA); 40 Mbit/s, 20 ms round trip"
        );
        let machine = Machine { processor: "Abacus".into(), ..Machine::this(1) };
        let profile = Profile { machine, entries: vec![entry(3072)] };
        let forecast = Forecast::by_profile(&plan, profile, None).unwrap();
        assert!(forecast.place().starts_with("both parties on: Abacus, "), "{}", forecast.place());
        assert!(forecast.to_string().starts_with(&format!("predicted for {}\n\nseconds ", forecast.place())));
    }
}
