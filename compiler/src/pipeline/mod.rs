//! The passes of a compilation: a list for each graph, and what runs them in order.

mod list;
mod observer;
mod pass;

pub use list::{Listed, listed, markdown, names};
pub use observer::{Observer, Ran, Silent};
pub use pass::{Context, Pass, PassInfo};

use crate::activation::Fineness;
use crate::calibration::Calibration;
use crate::error::{Error, Result};
use crate::graph::{Graph, Integer, Real};
use crate::lower::{self, lower};
use crate::options::CompileOptions;
use crate::passes::{Choices, Narrowing, Places, Precision, Preparation, Quantized, rescale};
use list::{BOUND, FINISH, PRUNE, QUANTIZE, RESCALE, SIMPLIFY};
use pass::{observed, run};
use runtime::cost;
use runtime::plan::{InputSpec, OutputPart, Plan, ValidPlan};

/// The simplified float graph of a model, without calibration images.
///
/// # Errors
/// [`Error::Unsupported`], or a defect of a pass.
pub fn simplify(graph: Graph<Real>, activations: Fineness) -> Result<Graph<Real>> {
    let options = CompileOptions { activations, ..CompileOptions::default() };
    let input = options.input.spec(graph.shape(graph.input()))?;
    let context = Context::new(&options, &input, None);
    simplify_seen(graph, &context, &mut Silent)
}

/// The simplified float graph, with the ranges of activations that `context` has.
///
/// # Errors
/// [`Error::Unsupported`], a defect of a pass, or [`Error::Stopped`].
pub fn simplify_seen(
    graph: Graph<Real>,
    context: &Context<'_>,
    observer: &mut dyn Observer,
) -> Result<Graph<Real>> {
    run(SIMPLIFY, graph, context, observer)
}

/// The passes from the simplified float graph to the integer graph.
///
/// # Errors
/// [`Error::Unsupported`] where scales do not agree or numbers are too wide.
pub fn to_integers(
    graph: &Graph<Real>,
    input: &InputSpec,
    options: &CompileOptions,
) -> Result<Graph<Integer>> {
    let data = options.calibration.as_deref();
    let calibration =
        data.map(|data| Calibration::new(data, options.calibration_images, graph, input)).transpose()?;
    let calibration = calibration.as_ref();
    let context = Context::new(options, input, calibration);
    let graph = prune(graph.clone(), &context, &mut Silent)?;
    let precision = Precision::usual(options);
    let preparation = Preparation::for_choices(&graph, input, calibration, &precision.choices)?;
    Ok(integers(&preparation, &precision, options, &mut Silent)?.finished)
}

/// The float graph without the channels that the options prune.
///
/// # Errors
/// [`Error::Option`] where channels are to go and there are no calibration images; [`Error::Stopped`].
pub fn prune(graph: Graph<Real>, context: &Context<'_>, observer: &mut dyn Observer) -> Result<Graph<Real>> {
    run(PRUNE, graph, context, observer)
}

/// An integer graph at two stages.
#[derive(Clone, Debug)]
pub struct Integers {
    /// The integer graph as quantised: all channels of the float graph are still in it.
    pub quantized: Quantized,
    /// The graph after all passes: with its ranges, and its rings where the suite has rings.
    pub finished: Graph<Integer>,
}

/// The integer graph of a prepared float graph: rounded as finely as `precision` says, and truncated where that saves
/// time; if numbers are too wide then, truncated wherever possible.
///
/// # Errors
/// [`Error::Unsupported`] where scales do not agree, or numbers are too wide whatever is narrowed; [`Error::Stopped`].
pub fn integers(
    preparation: &Preparation<'_>,
    precision: &Precision,
    options: &CompileOptions,
    observer: &mut dyn Observer,
) -> Result<Integers> {
    let narrowed = |places: Places, observer: &mut dyn Observer| {
        let narrowing = Narrowing::at(options, places).with_values(precision.values.clone());
        narrowed(preparation, &precision.choices, &narrowing, options, observer)
    };
    match places(preparation, precision, options, observer).and_then(|places| narrowed(places, observer)) {
        Err(Error::Unsupported(_)) => narrowed(Places::Everywhere, observer).map_err(tried_everywhere),
        other => other,
    }
}

/// The values that are truncated although that takes a round, chosen on a draft.
fn places(
    preparation: &Preparation<'_>,
    precision: &Precision,
    options: &CompileOptions,
    observer: &mut dyn Observer,
) -> Result<Places> {
    let Precision { choices, values } = precision;
    let chosen = || {
        let draft = preparation.draft(choices, &Narrowing::free(options).with_values(values.clone()))?;
        let places = rescale::choose(&draft, preparation.graph(), preparation.input(), options)?;
        Ok((places, draft))
    };
    Ok(observed(RESCALE, observer, chosen, |(_, draft)| &draft.graph)?.0)
}

fn narrowed(
    preparation: &Preparation<'_>,
    choices: &Choices,
    narrowing: &Narrowing,
    options: &CompileOptions,
    observer: &mut dyn Observer,
) -> Result<Integers> {
    let quantize = || preparation.quantize(choices, narrowing);
    let quantized = observed(QUANTIZE, observer, quantize, |quantized| &quantized.graph)?;
    let (input, calibration) = (preparation.input(), preparation.calibration());
    let context = Context::new(options, input, calibration);
    let graph = run(FINISH, quantized.graph.clone(), &context, observer)?;
    let finished = run(BOUND, graph, &context, observer)?;
    Ok(Integers { quantized, finished })
}

/// `error`, with the remark that truncation everywhere does not help.
fn tried_everywhere(error: Error) -> Error {
    let Error::Unsupported(mut diagnostics) = error else { return error };
    for diagnostic in &mut diagnostics {
        diagnostic.what += ", even with a truncation after every layer";
    }
    Error::Unsupported(diagnostics)
}

/// The graph in which every value has its range, and its ring where the suite has rings.
///
/// # Errors
/// [`Error::Unsupported`] where numbers are too wide.
pub fn bounded(
    graph: Graph<Integer>,
    input: &InputSpec,
    calibration: Option<&Calibration>,
    options: &CompileOptions,
) -> Result<Graph<Integer>> {
    let context = Context::new(options, input, calibration);
    run(BOUND, graph, &context, &mut Silent)
}

/// The plan of an integer graph that computes `outputs`, one after the other; priced and validated.
///
/// # Errors
/// [`Error::Unsupported`], or a defect of the compiler.
pub fn plan(
    graph: Graph<Integer>,
    name: &str,
    outputs: &[OutputPart],
    input: &InputSpec,
    options: &CompileOptions,
) -> Result<ValidPlan> {
    validated(cost::predict(lower(&graph, name, input, outputs, options)?))
}

/// A finished plan, with the batches of inferences that it pays to prepare together.
///
/// # Errors
/// A defect of the compiler.
pub fn with_batches(plan: Plan, options: &CompileOptions) -> Result<ValidPlan> {
    let plan = lower::with_batches(plan, options);
    validated(cost::predict(plan))
}

/// Validates a plan that this compiler has made.
///
/// # Errors
/// A defect of the compiler.
fn validated(plan: Plan) -> Result<ValidPlan> {
    ValidPlan::new(plan).map_err(|violations| {
        let list: Vec<String> = violations.iter().map(ToString::to_string).collect();
        Error::Bug(format!("the plan is invalid: {}", list.join("; ")))
    })
}
