//! The list of the compiler's stages, in order.

use crate::calibration::Calibration;
use crate::error::{Error, Result};
use crate::from_onnx::{self, Imported};
use crate::graph::{Domain, Graph, Integer, Real, verify};
use crate::lower::{cost, lower};
use crate::options::CompileOptions;
use crate::passes::expand_activations::Fineness;
use crate::passes::rescale::{self, Shifts};
use crate::passes::{
    Choices, Preparation, Quantized, absorb_multipliers, canonicalize, expand_activations, fold_affine,
    prune_channels, range, remove_dead, rings, sink_relu, split_max_pool,
};
use runtime::plan::{InputSpec, ValidPlan};
use std::borrow::Cow;
use std::path::Path;

/// The plan for the model in the file `model`.
///
/// # Errors
/// Whatever is wrong with the file, the model or the options; see [`Error`].
pub fn compile(model: &Path, options: &CompileOptions) -> Result<ValidPlan> {
    options.check()?;
    compile_imported(&from_onnx::read(model)?, options)
}

/// The plan for an imported model.
///
/// # Errors
/// [`Error::Unsupported`], [`Error::Option`], or a defect of the compiler.
pub fn compile_imported(model: &Imported, options: &CompileOptions) -> Result<ValidPlan> {
    Ok(compile_counted(model, options)?.plan)
}

/// A plan, and on how many images its rings rest.
#[derive(Clone, Debug)]
pub struct Counted {
    /// The plan.
    pub plan: ValidPlan,
    /// Calibration images that were looked at.
    pub calibration_images: usize,
}

/// The plan for an imported model, and what it rests on.
///
/// # Errors
/// As [`compile_imported`].
pub fn compile_counted(model: &Imported, options: &CompileOptions) -> Result<Counted> {
    let quantized = quantize(model, options)?;
    let calibration_images = quantized.calibration.as_ref().map_or(0, |images| images.images().len());
    Ok(Counted { plan: quantized.plan(model, options)?, calibration_images })
}

/// A model at every stage of its compilation.
#[derive(Clone, Debug)]
pub struct Stages {
    /// The float graph that was quantised: activations as pieces, without pruned channels.
    pub float: Graph<Real>,
    /// The integer graph, all channels of the float graph still in it.
    pub integer: Quantized,
    /// The plan.
    pub plan: ValidPlan,
}

/// The stages of an imported model.
///
/// # Errors
/// As [`compile_imported`].
pub fn compile_in_stages(model: &Imported, options: &CompileOptions) -> Result<Stages> {
    let quantized = quantize(model, options)?;
    let plan = quantized.plan(model, options)?;
    let QuantizedModel { input, calibration, float, integer } = quantized;
    let integer = integer.try_map(|graph| bounded(graph, &input, calibration.as_ref(), options))?;
    Ok(Stages { float, integer, plan })
}

/// A model before its values have bounds.
struct QuantizedModel {
    input: InputSpec,
    calibration: Option<Calibration>,
    float: Graph<Real>,
    integer: Quantized,
}

impl QuantizedModel {
    fn plan(&self, model: &Imported, options: &CompileOptions) -> Result<ValidPlan> {
        let graph = finish(self.integer.graph.clone(), &self.input, self.calibration.as_ref(), options)?;
        plan(graph, &model.name, &self.input, options)
    }
}

fn quantize(model: &Imported, options: &CompileOptions) -> Result<QuantizedModel> {
    let input = model.input_spec(&options.input)?;
    let graph = simplify(model.graph.clone(), options.activations)?;
    let calibration = calibration(&graph, &input, options)?;
    let float = prune(Cow::Owned(graph), calibration.as_ref(), options)?.into_owned();
    let integer = quantized(&float, &input, calibration.as_ref(), options)?;
    Ok(QuantizedModel { input, calibration, float, integer })
}

/// The passes over the float graph.
///
/// # Errors
/// [`Error::Unsupported`], or a defect of a pass.
pub fn simplify(graph: Graph<Real>, activations: Fineness) -> Result<Graph<Real>> {
    let graph = verified(expand_activations(graph, activations)?, "expand_activations")?;
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
    let calibration = calibration(graph, input, options)?;
    let graph = prune(Cow::Borrowed(graph), calibration.as_ref(), options)?;
    let integers = quantized(&graph, input, calibration.as_ref(), options)?;
    finish(integers.graph, input, calibration.as_ref(), options)
}

fn calibration(
    graph: &Graph<Real>,
    input: &InputSpec,
    options: &CompileOptions,
) -> Result<Option<Calibration>> {
    let data = options.calibration.as_deref();
    data.map(|data| Calibration::new(data, options.calibration_images, graph, input)).transpose()
}

/// The float graph without the channels that are not wanted.
fn prune<'a>(
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

fn quantized(
    graph: &Graph<Real>,
    input: &InputSpec,
    calibration: Option<&Calibration>,
    options: &CompileOptions,
) -> Result<Quantized> {
    let choices = Choices::uniform(options.layer());
    let preparation = Preparation::for_choices(graph, input, calibration, &choices)?;
    integers(&preparation, &choices, options)
}

/// The integer graph of a prepared float graph, its layers compressed as `choices` say, narrowed where
/// that pays.
///
/// # Errors
/// [`Error::Unsupported`] where scales do not agree.
pub fn integers(
    preparation: &Preparation<'_>,
    choices: &Choices,
    options: &CompileOptions,
) -> Result<Quantized> {
    let (graph, input) = (preparation.graph(), preparation.input());
    let mut quantized = preparation.quantize(choices, &Shifts::default())?;
    let source = |id| quantized.source(id, graph);
    let shifts =
        rescale::choose(&quantized.graph, input, |id| source(id).is_some(), options)?.renamed(source);
    if !shifts.is_empty() {
        quantized = preparation.quantize(choices, &shifts)?;
    }
    quantized.try_map(|graph| verified(graph, "quantize"))
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
fn bounded(
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
    let plan = cost::price(lower(&graph, name, input, options)?)?;
    ValidPlan::new(plan).map_err(|violations| {
        let list: Vec<String> = violations.iter().map(ToString::to_string).collect();
        Error::Bug(format!("the plan is invalid: {}", list.join("; ")))
    })
}

fn verified<D: Domain>(graph: Graph<D>, pass: &str) -> Result<Graph<D>> {
    verify::check(&graph, pass)?;
    Ok(graph)
}
