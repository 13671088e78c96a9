//! From a model to a plan that has been checked: runs the [`pipeline`], looks at what comes out, and spends more bits
//! where it is too far from the model.

use crate::calibration::{self, Calibration};
use crate::error::{Error, Result};
use crate::from_onnx::{self, Imported};
use crate::graph::{Graph, Integer, Real};
use crate::lower::shorten;
use crate::options::{CompileOptions, LEAST_AGREEMENT};
use crate::passes::expand_activations::{Approximated, Ranges, approximated, ranges};
use crate::passes::{Noise, Precision, Preparation, Quantized, spend, spend_everywhere};
use crate::pipeline::{self, Integers};
use crate::reference::FloatReference;
use crate::self_check::{Fidelity, Images, headroom, keep_back, measure};
use runtime::plan::{Check, CheckImages, Headroom, InputSpec, ValidPlan};
use std::borrow::Cow;
use std::path::Path;

/// The error of logits down to which bits are spent: in suite `shared`, where they cost little, and in `blinded`, or where
/// there are only synthetic images.
const GOALS: [f64; 2] = [0.01, 0.035];
/// The agreement with the model's labels, as expected from its margins, up to which bits are spent.
const EXPECTED_AGREEMENT: f64 = 0.993;
/// So often at most.
const ROUNDS: usize = 4;
/// Squared errors are aimed at this share of what is borne.
const AIM: f64 = 0.7;
/// More bits must bring errors below this share of what they were, or are not spent.
const WORTH: f64 = 0.9;
/// Multiplications that the model may take on the images of a check; bounds its time.
const WORK: u64 = 40_000_000_000;

/// Told what is being done.
pub type Watch<'a> = &'a mut dyn FnMut(&str);

/// The plan for the model in the file `model`.
///
/// # Errors
/// Whatever is wrong with the file, the model or the options, and [`Error::Inaccurate`]; see [`Error`].
pub fn compile(model: &Path, options: &CompileOptions) -> Result<ValidPlan> {
    options.check()?;
    compile_imported(&from_onnx::read(model)?, options)
}

/// The plan for an imported model.
///
/// # Errors
/// [`Error::Unsupported`], [`Error::Option`], [`Error::Inaccurate`], or a defect of the compiler.
pub fn compile_imported(model: &Imported, options: &CompileOptions) -> Result<ValidPlan> {
    Ok(compile_in_stages(model, options, &mut |_| {})?.plan)
}

/// A model at every stage of its compilation, and what the compiler found when it checked the plan.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The float graph that was quantised: activations as pieces, without pruned channels.
    pub float: Graph<Real>,
    /// The integer graph before anything has bounds, all channels of the float graph still in it.
    quantized: Quantized,
    calibration: Option<Calibration>,
    /// The integer graph that the plan computes.
    pub finished: Graph<Integer>,
    /// The plan, with what the compiler found when it checked it.
    pub plan: ValidPlan,
    /// Activations that straight pieces stand for.
    pub approximated: Vec<Approximated>,
    /// Calibration images that chose the plan's numbers; 0 where synthetic ones did.
    pub calibration_images: usize,
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

/// The stages of an imported model; `watch` is told what is being done.
///
/// # Errors
/// As [`compile_imported`].
pub fn compile_in_stages(model: &Imported, options: &CompileOptions, watch: Watch<'_>) -> Result<Compiled> {
    let input = model.input_spec(&options.input)?;
    watch("looking at what activations read");
    let (chosen, checks) = images(model, options, &input)?;
    let calibrated = |graph: &Graph<Real>| -> Result<Option<Calibration>> {
        let data = options.calibration.as_deref();
        data.map(|data| Calibration::of_some(data, &chosen, graph, &input)).transpose()
    };
    let ranges = match calibrated(&model.graph)? {
        Some(calibration) => ranges(&model.graph, calibration.images()),
        None => Ranges::new(),
    };
    let graph = pipeline::simplify_seen(model.graph.clone(), options.activations, &ranges)?;
    let calibration = calibrated(&graph)?;
    let float = pipeline::prune(Cow::Owned(graph), calibration.as_ref(), options)?.into_owned();
    let reference = FloatReference::new(model)?;
    let workshop = Workshop { model, options, input: &input, calibration, float: &float, reference, checks };
    let best = workshop.run(watch)?;
    let check = workshop.verdict(&best)?;
    let Attempt { integers: Integers { quantized, finished }, .. } = best;
    let plan = pipeline::plan(finished.clone(), &model.name, &input, Some(check), options)?;
    let approximated = approximated(&model.graph, options.activations, &ranges);
    let calibration = workshop.calibration;
    let calibration_images = calibration.as_ref().map_or(0, |calibration| calibration.images().len());
    let float = float.clone();
    Ok(Compiled { quantized, calibration, finished, plan, approximated, calibration_images, float })
}

/// The calibration images that choose numbers, by index, and the images of the check.
fn images(model: &Imported, options: &CompileOptions, input: &InputSpec) -> Result<(Vec<usize>, Images)> {
    let most = (WORK / pipeline::multiplications(&model.graph).max(1)).max(1);
    match options.calibration.as_deref() {
        Some(data) => Ok(keep_back(data, options.calibration_images, most as usize)),
        None => {
            let raw = calibration::synthetic::images(input);
            Ok((Vec::new(), Images { raw, source: CheckImages::Synthetic }))
        }
    }
}

/// Everything that the attempts at one plan share.
struct Workshop<'a> {
    model: &'a Imported,
    options: &'a CompileOptions,
    input: &'a InputSpec,
    calibration: Option<Calibration>,
    float: &'a Graph<Real>,
    reference: FloatReference,
    checks: Images,
}

/// A plan, and how it came out.
struct Attempt {
    precision: Precision,
    integers: Integers,
    fidelity: Fidelity,
}

impl Attempt {
    fn is_good(&self, options: &CompileOptions) -> bool {
        self.fidelity.error <= options.max_error || self.fidelity.agreement >= LEAST_AGREEMENT
    }

    /// How many times larger the errors are than they should be.
    fn excess(&self, source: CheckImages, options: &CompileOptions) -> f64 {
        // Patterns say little of the margins of photographs.
        let is_real = source != CheckImages::Synthetic;
        let goal = if options.has_rings() && is_real { GOALS[0] } else { GOALS[1] };
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
    fn run(&self, watch: Watch<'_>) -> Result<Attempt> {
        watch("measuring the float network");
        let usual = Precision::usual(self.options);
        let calibration = self.calibration.as_ref();
        let preparation = Preparation::for_choices(self.float, self.input, calibration, &usual.choices)?;
        let mut best = self.attempt(&preparation, usual, watch)?;
        for round in 1..=ROUNDS {
            let excess = best.excess(self.checks.source, self.options);
            if excess <= 1.0 {
                break;
            }
            let Some(better) = self.better(&preparation, &best, excess, round, watch)? else { break };
            best = better;
        }
        Ok(best)
    }

    /// A plan that is clearly closer to the model than `best`, whose errors are `excess` times too large: with more bits for
    /// what is predicted to add most, or else for everything.
    fn better(
        &self,
        preparation: &Preparation<'_>,
        best: &Attempt,
        excess: f64,
        round: usize,
        watch: Watch<'_>,
    ) -> Result<Option<Attempt>> {
        let noise = best.integers.quantized.noise();
        let most = excess.log2().ceil().clamp(1.0, 3.0) as u32;
        let aimed = spend(&best.precision, noise, AIM / excess.powi(2), self.options);
        let all = spend_everywhere(&best.precision, noise, most, self.options);
        for finer in [aimed, all].into_iter().flatten() {
            watch(&format!("spending more bits, round {round}"));
            let next = self.attempt(preparation, finer, watch)?;
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
        watch: Watch<'_>,
    ) -> Result<Attempt> {
        watch("rounding weights and values");
        let integers = pipeline::integers(preparation, &precision, self.options)?;
        watch("laying out the plan");
        let plan =
            pipeline::plan(integers.finished.clone(), &self.model.name, self.input, None, self.options)?;
        watch("checking the plan beside the model");
        let model = |image: &[f32]| self.reference.run(image);
        let fidelity = measure(&plan, &model, &self.checks.raw)?;
        Ok(Attempt { precision, integers, fidelity })
    }

    /// # Errors
    /// [`Error::Inaccurate`] where the plan is too far from the model, and that is not accepted.
    fn verdict(&self, attempt: &Attempt) -> Result<Check> {
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
