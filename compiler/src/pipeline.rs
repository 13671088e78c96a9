//! The list of the compiler's stages, in order.

use crate::calibration::{self, Calibration};
use crate::error::{Error, Result};
use crate::from_onnx::{self, Imported};
use crate::graph::{Domain, Graph, Integer, Real, verify};
use crate::lower::{cost, lower};
use crate::options::CompileOptions;
use crate::passes::expand_activations::Fineness;
use crate::passes::rescale::{self, Shifts};
use crate::passes::{
    Choices, canonicalize, expand_activations, fold_affine, quantize, range, remove_dead, sink_relu,
};
use runtime::plan::{InputSpec, ValidPlan};
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
    let input = model.input_spec(&options.input)?;
    let graph = simplify(model.graph.clone(), options.activations)?;
    let graph = to_integers(&graph, &input, options)?;
    let plan = lower(&graph, &model.name, &input, options)?;
    let plan = cost::price(plan);
    ValidPlan::new(plan).map_err(|violations| {
        let list: Vec<String> = violations.iter().map(ToString::to_string).collect();
        Error::Bug(format!("the plan is invalid: {}", list.join("; ")))
    })
}

/// The passes over the float graph; `activations` says how closely these are followed.
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
    let calibration = options.calibration.as_deref();
    let calibration = calibration
        .map(|data| Calibration::new(data, options.calibration_images, graph, input))
        .transpose()?;
    let choices = Choices::uniform(options.layer());
    let peaks = calibration::peaks(graph, calibration.as_ref(), input)?;
    let quantized = |shifts: &Shifts| quantize(graph, input, &choices, calibration.as_ref(), &peaks, shifts);
    let unshifted = Shifts::default();
    let first = quantized(&unshifted)?;
    let shifts = rescale::choose(&first.graph, input, |id| first.source(id, graph).is_some(), options)?;
    let graph = if shifts.is_empty() {
        first.graph
    } else {
        let shifts = shifts.renamed(|id| first.source(id, graph));
        quantized(&shifts)?.graph
    };
    let graph = verified(remove_dead(verified(graph, "quantize")?)?, "remove_dead")?;
    verified(range(graph, input, options)?, "range")
}

fn verified<D: Domain>(graph: Graph<D>, pass: &str) -> Result<Graph<D>> {
    verify::check(&graph, pass)?;
    Ok(graph)
}
