//! How coarsely the image may be quantised.

use super::labelled::Labelled;
use crate::error::Result;
use crate::from_onnx::Model;
use crate::graph::{Graph, Real};
use crate::options::{CompileOptions, InputOptions};
use runtime::plan::InputSpec;

/// Steps of the raw range that are tried, coarsest first: widths of 3 to 7 bits.
const STEPS: [u32; 5] = [7, 15, 31, 63, 127];

/// The coarsest input for which `is_good` holds of the float network's accuracy on the images that `labelled` gives for
/// it; that of the options where there is none. Every bit less makes all later values narrower.
///
/// # Errors
/// Those of `labelled`.
pub(super) fn coarsest(
    model: &Model,
    graph: &Graph<Real>,
    options: &CompileOptions,
    labelled: impl Fn(&InputSpec) -> Result<Labelled>,
    is_good: impl Fn(f64) -> bool,
) -> Result<InputSpec> {
    for steps in STEPS.into_iter().filter(|&steps| steps < options.input.steps) {
        let spec = model.input_spec(&InputOptions { steps, ..options.input.clone() })?;
        if is_good(labelled(&spec)?.accuracy(graph)) {
            return Ok(spec);
        }
    }
    model.input_spec(&options.input)
}
