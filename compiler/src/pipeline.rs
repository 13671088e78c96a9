//! The list of the compiler's stages, in order.

use crate::calibration::Calibration;
use crate::error::{Error, Result};
use crate::graph::{Domain, Graph, Integer, Real, verify};
use crate::lower::lower;
use crate::options::CompileOptions;
use crate::passes::expand_activations::{Fineness, Ranges};
use crate::passes::{
    Choices, Narrowing, Places, Precision, Preparation, Quantized, absorb_multipliers, canonicalize,
    expand_activations, fold_affine, prune_channels, range, remove_dead, rescale, rings, sink_relu,
    split_max_pool,
};
use runtime::cost;
use runtime::plan::{InputSpec, Plan, ValidPlan};
use std::borrow::Cow;

/// The passes over the float graph.
///
/// # Errors
/// [`Error::Unsupported`], or a defect of a pass.
pub fn simplify(graph: Graph<Real>, activations: Fineness) -> Result<Graph<Real>> {
    simplify_seen(graph, activations, &Ranges::new())
}

/// The same where it is known what activations read and give.
///
/// # Errors
/// As [`simplify`].
pub fn simplify_seen(graph: Graph<Real>, activations: Fineness, ranges: &Ranges) -> Result<Graph<Real>> {
    let graph = verified(expand_activations(graph, activations, ranges)?, "expand_activations")?;
    let graph = verified(canonicalize(graph)?, "canonicalize")?;
    let graph = verified(fold_affine(graph)?, "fold_affine")?;
    let graph = verified(sink_relu(graph)?, "sink_relu")?;
    verified(remove_dead(graph)?, "remove_dead")
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
    let graph = prune(Cow::Borrowed(graph), calibration.as_ref(), options)?;
    let precision = Precision::usual(options);
    let preparation = Preparation::for_choices(&graph, input, calibration.as_ref(), &precision.choices)?;
    Ok(integers(&preparation, &precision, options)?.finished)
}

/// The float graph without the channels that are not wanted.
///
/// # Errors
/// [`Error::Option`] where channels are to go and there are no example images.
pub fn prune<'a>(
    graph: Cow<'a, Graph<Real>>,
    calibration: Option<&Calibration>,
    options: &CompileOptions,
) -> Result<Cow<'a, Graph<Real>>> {
    if options.channel_sparsity == 0.0 {
        return Ok(graph);
    }
    let graph = prune_channels(&graph, options.channel_sparsity, calibration)?;
    verified(remove_dead(verified(graph, "prune_channels")?)?, "remove_dead").map(Cow::Owned)
}

/// An integer graph as it was quantised, and what the passes behind made of it.
#[derive(Clone, Debug)]
pub struct Integers {
    /// All channels of the float graph still in it.
    pub quantized: Quantized,
    /// With its ranges, and its rings where the suite has rings.
    pub finished: Graph<Integer>,
}

/// The integer graph of a prepared float graph, rounded as finely as `precision` says, narrowed where that pays; where
/// numbers are too wide then, wherever they can be.
///
/// # Errors
/// [`Error::Unsupported`] where scales do not agree, or numbers are too wide whatever is narrowed.
pub fn integers(
    preparation: &Preparation<'_>,
    precision: &Precision,
    options: &CompileOptions,
) -> Result<Integers> {
    let Precision { choices, values } = precision;
    let narrowing = |places| Narrowing::at(options, places).with_values(values.clone());
    let chosen = || {
        let draft = preparation.draft(choices, &Narrowing::free(options).with_values(values.clone()))?;
        rescale::choose(&draft, preparation.graph(), preparation.input(), options)
    };
    match chosen().and_then(|places| narrowed(preparation, choices, &narrowing(places), options)) {
        Err(Error::Unsupported(_)) => {
            narrowed(preparation, choices, &narrowing(Places::Everywhere), options).map_err(tried_everywhere)
        }
        other => other,
    }
}

fn narrowed(
    preparation: &Preparation<'_>,
    choices: &Choices,
    narrowing: &Narrowing,
    options: &CompileOptions,
) -> Result<Integers> {
    let quantized = preparation.quantize(choices, narrowing)?;
    let quantized = quantized.try_map(|graph| verified(graph, "quantize"))?;
    let (input, calibration) = (preparation.input(), preparation.calibration());
    let finished = finish(quantized.graph.clone(), input, calibration, options)?;
    Ok(Integers { quantized, finished })
}

/// `error`, and that narrowing does not help.
fn tried_everywhere(error: Error) -> Error {
    let Error::Unsupported(mut diagnostics) = error else { return error };
    for diagnostic in &mut diagnostics {
        diagnostic.what += ", even with a truncation behind every layer";
    }
    Error::Unsupported(diagnostics)
}

/// The passes over the integer graph.
///
/// # Errors
/// [`Error::Unsupported`] where numbers are too wide.
pub fn finish(
    graph: Graph<Integer>,
    input: &InputSpec,
    calibration: Option<&Calibration>,
    options: &CompileOptions,
) -> Result<Graph<Integer>> {
    let graph = verified(remove_dead(graph)?, "remove_dead")?;
    let mut graph = verified(split_max_pool(graph)?, "split_max_pool")?;
    if options.has_rings() {
        graph = verified(absorb_multipliers(graph)?, "absorb_multipliers")?;
    }
    bounded(graph, input, calibration, options)
}

/// Every value with its range, and its ring where the suite has rings.
///
/// # Errors
/// [`Error::Unsupported`] where numbers are too wide.
pub fn bounded(
    graph: Graph<Integer>,
    input: &InputSpec,
    calibration: Option<&Calibration>,
    options: &CompileOptions,
) -> Result<Graph<Integer>> {
    if options.has_rings() {
        verified(rings(graph, input, calibration, options)?, "rings")
    } else {
        verified(range(graph, input, options)?, "range")
    }
}

/// The plan of an integer graph, priced and validated.
///
/// # Errors
/// [`Error::Unsupported`], or a defect of the compiler.
pub fn plan(
    graph: Graph<Integer>,
    name: &str,
    input: &InputSpec,
    options: &CompileOptions,
) -> Result<ValidPlan> {
    validated(cost::predict(lower(&graph, name, input, options)?)?)
}

/// A plan of this compiler.
///
/// # Errors
/// A defect of the compiler.
pub fn validated(plan: Plan) -> Result<ValidPlan> {
    ValidPlan::new(plan).map_err(|violations| {
        let list: Vec<String> = violations.iter().map(ToString::to_string).collect();
        Error::Bug(format!("the plan is invalid: {}", list.join("; ")))
    })
}

fn verified<D: Domain>(graph: Graph<D>, pass: &str) -> Result<Graph<D>> {
    verify::check(&graph, pass)?;
    Ok(graph)
}
