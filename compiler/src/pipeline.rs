//! The list of the compiler's stages, in order.

use crate::calibration::Calibration;
use crate::error::{Error, Result};
use crate::from_onnx::{self, Imported};
use crate::graph::{Domain, Graph, Integer, Real, verify};
use crate::lower::{cost, lower};
use crate::options::CompileOptions;
use crate::passes::{
    Choices, canonicalize, expand_activations, fold_affine, prune_channels, quantize, range, remove_dead,
    sink_relu, split_max_pool,
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
    let graph = simplify(model.graph.clone())?;
    let graph = to_integers(&graph, &input, options)?;
    let plan = lower(&graph, &model.name, &input, options)?;
    let plan = cost::price(plan);
    ValidPlan::new(plan).map_err(|violations| {
        let list: Vec<String> = violations.iter().map(ToString::to_string).collect();
        Error::Bug(format!("the plan is invalid: {}", list.join("; ")))
    })
}

/// The passes over the float graph.
///
/// # Errors
/// [`Error::Unsupported`], or a defect of a pass.
pub fn simplify(graph: Graph<Real>) -> Result<Graph<Real>> {
    let graph = verified(expand_activations(graph)?, "expand_activations")?;
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
    let graph = prune_channels(graph, options.channel_sparsity, calibration.as_ref())?;
    let graph = verified(remove_dead(verified(graph, "prune_channels")?)?, "remove_dead")?;
    let graph = verified(quantize(&graph, input, &choices, calibration.as_ref())?, "quantize")?;
    let graph = verified(remove_dead(graph)?, "remove_dead")?;
    let graph = verified(split_max_pool(graph)?, "split_max_pool")?;
    verified(range(graph, input, options)?, "range")
}

fn verified<D: Domain>(graph: Graph<D>, pass: &str) -> Result<Graph<D>> {
    verify::check(&graph, pass)?;
    Ok(graph)
}
