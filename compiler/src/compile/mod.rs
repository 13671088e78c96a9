//! Compiles a model to a plan that has been checked: runs the [`pipeline`], compares the plan with the model, and
//! spends more bits where they differ too much.
//!
//! `source` says what is compiled, `curves` how closely linear segments follow activations, `attempts` how finely weights and values are
//! rounded.

mod attempts;
mod curves;
mod source;
mod suite;

use crate::activation::{Approximated, Ranges, approximated, ranges};
use crate::calibration::Prepared;
use crate::calibration::{self, Batch, Calibration};
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
use crate::from_onnx::FloatReference;
use crate::from_onnx::Model;
use crate::graph::{Graph, Integer, Real, multiplications};
use crate::options::CompileOptions;
use crate::passes::Quantized;
use crate::pipeline::{self, Context, Integers, Observer, Silent};
use crate::self_check::{Images, doubts, keep_back};
use attempts::{Attempt, Workshop};
use curves::Followed;
use rayon::prelude::*;
use runtime::paillier::SecureRng;
use runtime::plan::{CheckImages, InputSpec, Plan, Salt, ValidPlan};
use source::Source;

/// Multiplications that the model may take on the images of a check; bounds its time.
const WORK: u64 = 40_000_000_000;

impl Model {
    /// The plan for this model, and what its user should know of it ([`Compiled::warnings`]).
    ///
    /// # Errors
    /// [`Error::Unsupported`], [`Error::Option`], [`Error::Inaccurate`], or a defect of the compiler.
    pub fn compile(&self, options: &CompileOptions) -> Result<Compiled> {
        options.check()?;
        compile_in_stages(self, options, &mut Silent)
    }
}

/// A model at every stage of its compilation, and what the compiler found when it checked the plan.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The float graph that was quantised: activations as linear segments, without pruned channels.
    pub float: Graph<Real>,
    /// The integer graph before anything has bounds, all channels of the float graph still in it.
    quantized: Quantized,
    calibration: Option<Calibration>,
    /// The integer graph that the plan computes.
    pub finished: Graph<Integer>,
    /// The plan, with what the compiler found when it checked it.
    pub plan: ValidPlan,
    /// Activations that linear segments approximate.
    pub approximated: Vec<Approximated>,
    /// Calibration images that chose the plan's numbers; 0 where synthetic ones did.
    pub calibration_images: usize,
    /// What the user should know of the plan.
    pub warnings: Vec<String>,
}

impl Compiled {
    /// The integer graph with its ranges, all channels of the float graph still in it; `options` are those of the
    /// compilation.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where numbers are too wide.
    pub fn integer(&self, options: &CompileOptions) -> Result<Quantized> {
        let (input, calibration) = (&self.plan.plan().input, self.calibration.as_ref());
        self.quantized.clone().try_map(|graph| pipeline::bounded(graph, input, calibration, options))
    }
}

/// The stages of an imported model; `observer` is told what is being done.
///
/// # Errors
/// As [`Model::compile`].
pub fn compile_in_stages(
    model: &Model,
    options: &CompileOptions,
    observer: &mut dyn Observer,
) -> Result<Compiled> {
    suite::check(model, options)?;
    let input = model.input_spec(&options.input)?;
    let revealed = source::revealed(model, options.reveal)?;
    let (chosen, checks) = images(model, options, &input)?;
    observer.working("running the model on the images of the check");
    let expected = expected(model, &input, &checks)?;
    let model = &Source::new(model, revealed, &expected)?;
    observer.working("looking at what activations read");
    let calibrated = |graph: &Graph<Real>| -> Result<Option<Calibration>> {
        let data = options.calibration.as_deref();
        data.map(|data| Calibration::of_some(data, &chosen, graph, &input)).transpose()
    };
    let ranges = match calibrated(&model.graph)? {
        Some(calibration) => ranges(&model.graph, calibration.images()),
        None => Ranges::new(),
    };
    let context = Context { ranges: &ranges, ..Context::new(options, &input, None) };
    let Followed { graph, ranges } =
        curves::follow(model, context, &checked(&checks, &input)?, &expected, observer)?;
    let calibration = calibrated(&graph)?;
    let context = Context::new(options, &input, calibration.as_ref());
    let float = pipeline::prune(graph, &context, observer)?;
    let workshop = Workshop { model, options, input: &input, calibration, float: &float, checks, expected };
    let best = workshop.run(observer)?;
    let check = workshop.verdict(&best)?;
    let warnings = doubts(&check, &workshop.expected);
    let Attempt { integers: Integers { quantized, finished }, plan, .. } = best;
    observer.working("laying out batches");
    let plan = Plan { check: Some(check), salt: salt(options)?, ..plan.into_plan() };
    let plan = pipeline::with_batches(plan, options)?;
    let approximated = approximated(&model.graph, options.activations, &ranges, options.has_rings());
    let calibration = workshop.calibration;
    let calibration_images = calibration.as_ref().map_or(0, |calibration| calibration.images().len());
    let float = float.clone();
    Ok(Compiled { quantized, calibration, finished, plan, approximated, calibration_images, warnings, float })
}

fn salt(options: &CompileOptions) -> Result<Salt> {
    if options.reproducible {
        return Ok(Salt::NONE);
    }
    let mut bytes = [0; 32];
    SecureRng::from_os().map_err(runtime::Error::from)?.fill(&mut bytes);
    Ok(Salt::new(bytes))
}

/// The calibration images that choose numbers, by index, and the images of the check.
fn images(model: &Model, options: &CompileOptions, input: &InputSpec) -> Result<(Vec<usize>, Images)> {
    let most = (WORK / multiplications(&model.graph).max(1)).max(1);
    match options.calibration.as_deref() {
        Some(data) => Ok(keep_back(data, options.calibration_images, most as usize)),
        None => {
            let raw = calibration::synthetic::images(input);
            Ok((Vec::new(), Images { raw, source: CheckImages::Synthetic }))
        }
    }
}

/// The images of a check as the model sees them once they are integers.
fn checked(checks: &Images, input: &InputSpec) -> Result<Batch> {
    calibration::as_seen(checks.raw.iter().cloned(), input)
}

/// Outputs of the model for the images of a check.
fn expected(model: &Model, input: &InputSpec, checks: &Images) -> Result<Vec<Vec<f32>>> {
    let reference = FloatReference::new(model)?;
    let run = |raw: &Vec<f32>| reference.run(&Prepared::new(input, raw)?.preprocessed);
    checks.raw.par_iter().map(run).collect()
}
