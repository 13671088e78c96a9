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
    /// By node of the imported graph: what activations read.
    pub ranges: &'a Ranges,
}

/// Of a graph whose activations have not been looked at, or are no more.
static NO_RANGES: Ranges = Ranges::new();

impl<'a> Context<'a> {
    /// Where nothing is known of what activations read.
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

/// What `work` gives: a graph, found in it by `graph`, that is checked, and told to the observer as that of the pass `info`.
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
