//! The description of a pass, and the one loop that runs lists of passes.

use super::{Observer, Ran};
use crate::activation::Ranges;
use crate::calibration::Calibration;
use crate::error::{Error, Result};
use crate::graph::{Domain, Graph, verify};
use crate::options::CompileOptions;
use runtime::plan::InputSpec;
use std::ops::ControlFlow;
use std::time::Instant;

/// What passes depend on beside the graph.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The options of the compilation.
    pub options: &'a CompileOptions,
    /// How raw images become integers.
    pub input: &'a InputSpec,
    /// The calibration images, where there are any.
    pub calibration: Option<&'a Calibration>,
    /// By node of the imported graph: the range that each activation reads.
    pub ranges: &'a Ranges,
}

/// The ranges of a graph whose activations have not been measured, or are expanded already.
static NO_RANGES: Ranges = Ranges::new();

impl<'a> Context<'a> {
    /// A context in which the ranges of activations are not known.
    pub fn new(
        options: &'a CompileOptions,
        input: &'a InputSpec,
        calibration: Option<&'a Calibration>,
    ) -> Self {
        Self { options, input, calibration, ranges: &NO_RANGES }
    }
}

/// What the documentation and the command line say of a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassInfo {
    /// As in `--stop-after`; the pass's module in [`crate::passes`].
    pub name: &'static str,
    /// What the pass does, in one line.
    pub summary: &'static str,
}

/// A rewriting of a graph.
pub struct Pass<D: Domain> {
    /// Name and summary of the pass.
    pub info: PassInfo,
    /// Whether it runs in a compilation with these options.
    pub applies: fn(&CompileOptions) -> bool,
    /// The function that rewrites the graph.
    pub run: fn(Graph<D>, &Context<'_>) -> Result<Graph<D>>,
}

/// `graph` after all `passes` that apply.
///
/// # Errors
/// Those of the passes, [`Error::Bug`] where a graph breaks an invariant, [`Error::Stopped`] where the observer wants no
/// more.
pub(super) fn run<D: Domain>(
    passes: &[Pass<D>],
    graph: Graph<D>,
    context: &Context<'_>,
    observer: &mut dyn Observer,
) -> Result<Graph<D>> {
    passes.iter().filter(|pass| (pass.applies)(context.options)).try_fold(graph, |graph, pass| {
        observed(pass.info, observer, || (pass.run)(graph, context), |graph| graph)
    })
}

/// Runs `work`, checks the graph that `graph` finds in its result, and tells the observer of it under the name of the
/// pass `info`.
///
/// # Errors
/// As [`run`].
pub(super) fn observed<D: Domain, T>(
    info: PassInfo,
    observer: &mut dyn Observer,
    work: impl FnOnce() -> Result<T>,
    graph: impl FnOnce(&T) -> &Graph<D>,
) -> Result<T> {
    let start = Instant::now();
    let made = work()?;
    let time = start.elapsed();
    let graph = graph(&made);
    verify::check(graph, info.name)?;
    match observer.ran(&Ran { name: info.name, time, graph }) {
        ControlFlow::Continue(()) => Ok(made),
        ControlFlow::Break(()) => Err(Error::Stopped { after: info.name }),
    }
}
