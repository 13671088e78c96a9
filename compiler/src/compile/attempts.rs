//! Quantises a model again and again, with more bits each time, until the plan is close enough to the model.

use super::source::Source;
use crate::calibration::Calibration;
use crate::error::{Error, Result};
use crate::graph::{Graph, Real, multiplications};
use crate::lower::shorten;
use crate::options::{CompileOptions, LEAST_AGREEMENT};
use crate::passes::{Noise, Precision, Preparation, spend, spend_everywhere};
use crate::pipeline::{self, Integers, Observer};
use crate::self_check::{Fidelity, Images, headroom};
use runtime::plan::{Check, CheckImages, Headroom, InputSpec, ValidPlan};
use std::ops::Range;

/// In suite `shared`, where bits cost little, bits are added until the error of the logits is at most this.
const GOAL_SHARED: f64 = 0.015;
/// The same in suite `blinded`.
const GOAL_BLINDED: f64 = 0.02;
/// The same where there are only synthetic images, which say little of others.
const GOAL_SYNTHETIC: f64 = 0.035;
/// Bits are also added until the agreement with the model's labels, as expected from its margins, is at least this.
const EXPECTED_AGREEMENT: f64 = 0.993;
/// Bits are spent so often at most.
const MOST_ATTEMPTS: u64 = 6;
/// The same where the network and its images are so large that it takes long.
const LEAST_ATTEMPTS: u64 = 2;
/// Multiplications that all attempts take together on their images, about; bounds their time.
const WORK: u64 = 120_000_000_000;
/// More bits aim at this share of the squared error that is tolerated.
const AIM: f64 = 0.6;
/// More bits must bring errors below this share of what they were, or are not spent.
const WORTH: f64 = 0.9;

/// Everything that the attempts at one plan share.
pub(super) struct Workshop<'a> {
    pub(super) model: &'a Source<'a>,
    pub(super) options: &'a CompileOptions,
    pub(super) input: &'a InputSpec,
    pub(super) calibration: Option<Calibration>,
    pub(super) float: &'a Graph<Real>,
    pub(super) checks: Images,
    /// Outputs of the model, by image of the check.
    pub(super) expected: Vec<Vec<f32>>,
}

/// A plan, and how close it is to the model.
pub(super) struct Attempt {
    precision: Precision,
    pub(super) integers: Integers,
    pub(super) plan: ValidPlan,
    fidelity: Fidelity,
}

impl Attempt {
    fn is_good(&self, options: &CompileOptions) -> bool {
        let agrees = self.fidelity.agreement.is_some_and(|agreement| agreement >= LEAST_AGREEMENT);
        self.fidelity.error <= options.max_error || agrees
    }

    /// How many times larger the errors are than they should be.
    fn excess(&self, source: CheckImages, options: &CompileOptions) -> f64 {
        // Patterns say little of the margins of photographs.
        let is_real = source != CheckImages::Synthetic;
        let goal = match (is_real, options.has_rings()) {
            (true, true) => GOAL_SHARED,
            (true, false) => GOAL_BLINDED,
            (false, _) => GOAL_SYNTHETIC,
        };
        let by_error = self.fidelity.error / goal.min(options.max_error);
        if is_real { by_error.max(1.0 / self.fidelity.bearable(EXPECTED_AGREEMENT)) } else { by_error }
    }

    /// The source of rounding noise that adds most to the error of the logits.
    fn loudest(&self) -> Option<&Noise> {
        let noise = self.integers.quantized.noise().iter();
        noise.filter(|noise| noise.error > 0.0).max_by(|a, b| a.error.total_cmp(&b.error))
    }
}

impl Workshop<'_> {
    /// The first plan that is close enough to the model, or the closest that more bits bring.
    pub(super) fn run(&self, observer: &mut dyn Observer) -> Result<Attempt> {
        observer.working("measuring the float network");
        let usual = Precision::usual(self.options);
        let calibration = self.calibration.as_ref();
        let preparation = Preparation::for_choices(self.float, self.input, calibration, &usual.choices)?;
        let mut best = self.attempt(&preparation, usual, observer)?;
        let mut tries = 0..self.attempts();
        loop {
            let excess = best.excess(self.checks.source, self.options);
            if excess <= 1.0 {
                return Ok(best);
            }
            match self.better(&preparation, &best, excess, &mut tries, observer)? {
                Some(better) => best = better,
                None => return Ok(best),
            }
        }
    }

    /// How often more bits may be tried.
    fn attempts(&self) -> usize {
        let calibration = self.calibration.as_ref().map_or(0, |calibration| calibration.images().len());
        let each = multiplications(self.float) * (calibration + self.checks.raw.len()) as u64;
        (WORK / each.max(1)).clamp(LEAST_ATTEMPTS, MOST_ATTEMPTS) as usize
    }

    /// A plan that is clearly closer to the model than `best`, whose errors are `excess` times too large: with more
    /// bits for what is predicted to add most to the error, or else for everything.
    fn better(
        &self,
        preparation: &Preparation<'_>,
        best: &Attempt,
        excess: f64,
        tries: &mut Range<usize>,
        observer: &mut dyn Observer,
    ) -> Result<Option<Attempt>> {
        let noise = best.integers.quantized.noise();
        let most = excess.log2().ceil().clamp(1.0, 3.0) as u32;
        let aimed = spend(&best.precision, noise, AIM / excess.powi(2), self.options);
        // Scales depend on each other: sometimes it takes more bits everywhere before anything gets better.
        let [all, more] =
            [most, 2 * most].map(|bits| spend_everywhere(&best.precision, noise, bits, self.options));
        let mut candidates: Vec<Precision> = [aimed, all, more].into_iter().flatten().collect();
        candidates.dedup();
        for finer in candidates {
            let Some(made) = tries.next() else { return Ok(None) };
            observer.working(&format!("spending more bits, attempt {} of at most {}", made + 1, tries.end));
            let next = self.attempt(preparation, finer, observer)?;
            if next.fidelity.error < WORTH * best.fidelity.error {
                return Ok(Some(next));
            }
        }
        Ok(None)
    }

    fn attempt(
        &self,
        preparation: &Preparation<'_>,
        precision: Precision,
        observer: &mut dyn Observer,
    ) -> Result<Attempt> {
        observer.working("rounding weights and values");
        let integers = pipeline::integers(preparation, &precision, self.options, observer)?;
        observer.working("laying out the plan");
        let Source { name, outputs, .. } = self.model;
        let plan = pipeline::plan(integers.finished.clone(), name, outputs, self.input, self.options)?;
        observer.working("checking the plan beside the model");
        let fidelity = Fidelity::of_plan(&plan, &self.checks.raw, &self.expected)?;
        Ok(Attempt { precision, integers, plan, fidelity })
    }

    /// # Errors
    /// [`Error::Inaccurate`] where the plan is too far from the model, and that is not accepted.
    pub(super) fn verdict(&self, attempt: &Attempt) -> Result<Check> {
        let worst = attempt.loudest().map(|noise| self.float.node(noise.node).name.clone());
        let Fidelity { agreement, error, .. } = attempt.fidelity;
        let check = Check {
            images: self.checks.raw.len() as u32,
            source: self.checks.source,
            agreement,
            error: rounded(error, 2),
            worst: worst.map(|name| shorten(&name)).unwrap_or_default(),
            finer: attempt.precision.finer_nodes(self.options) as u32,
            headroom: headroom(&attempt.integers.finished).map(|headroom| Headroom {
                taken: rounded(headroom.taken, 2),
                overflow: rounded(headroom.overflow, 1),
                ..headroom
            }),
        };
        if attempt.is_good(self.options) || self.options.accept_error {
            return Ok(check);
        }
        Err(Error::Inaccurate(format!(
            "the plan is too far from the model: {check}; at most {:.0} % is allowed (--max-error) where fewer than {:.0} % \
             of the labels agree. More bits were tried where the error arises, as long as they helped (activations up to 16, \
             weights up to 12 unless --weight-bits makes them narrower); look at `popcornc compare`, give more calibration images like your customers', or take it with --accept-error",
            100.0 * self.options.max_error,
            100.0 * LEAST_AGREEMENT,
        )))
    }
}

/// `x` to so many significant digits: machines differ in the last ones, plans must not.
fn rounded(x: f64, digits: usize) -> f64 {
    format!("{x:.*e}", digits - 1).parse().unwrap_or(x)
}
