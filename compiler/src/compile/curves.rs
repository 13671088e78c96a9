//! Chooses how closely linear segments follow activations.

use super::source::Source;
use crate::activation::Ranges;
use crate::calibration::{Batch, logits};
use crate::error::Result;
use crate::graph::{Graph, Real};
use crate::pipeline::{self, Context, Observer};
use crate::self_check::Fidelity;

/// Error of the logits that linear segments alone may cause.
const BEARABLE: f64 = 0.004;
/// The tolerance of all curves is halved so often at most.
const HALVINGS: usize = 4;
/// Finer segments must bring the error below this share of what it was, or are not used.
const WORTH: f64 = 0.8;

/// A simplified float graph, and how closely its linear segments follow the activations.
pub(super) struct Followed {
    pub graph: Graph<Real>,
    /// By node of the model's graph: the range and the tolerance of each activation.
    pub ranges: Ranges,
}

/// The simplified graph of `source`, whose activations have the ranges of `context`: its segments are as coarse as they
/// can be for the logits to be right on `images`, for which the model gives `outputs`.
///
/// # Errors
/// As [`pipeline::simplify_seen`].
pub(super) fn follow(
    source: &Source<'_>,
    context: Context<'_>,
    images: &Batch,
    outputs: &[Vec<f32>],
    observer: &mut dyn Observer,
) -> Result<Followed> {
    let mut simplified = |ranges: Ranges| -> Result<Followed> {
        let context = Context { ranges: &ranges, ..context };
        Ok(Followed {
            graph: pipeline::simplify_seen(source.graph.as_ref().clone(), &context, observer)?,
            ranges,
        })
    };
    let mut best = simplified(context.ranges.clone())?;
    if best.ranges.is_empty() {
        return Ok(best);
    }
    let mut error = error(&best.graph, source, images, outputs);
    for _ in 0..HALVINGS {
        if error <= BEARABLE {
            break;
        }
        let next = simplified(halved(&best.ranges))?;
        let less = self::error(&next.graph, source, images, outputs);
        if less > WORTH * error {
            break;
        }
        (best, error) = (next, less);
    }
    Ok(best)
}

fn halved(ranges: &Ranges) -> Ranges {
    let mut ranges = ranges.clone();
    ranges.values_mut().for_each(|seen| seen.tolerance /= 2.0);
    ranges
}

/// Relative error of the logits of `graph`.
fn error(graph: &Graph<Real>, source: &Source<'_>, images: &Batch, outputs: &[Vec<f32>]) -> f64 {
    Fidelity::of_graph(&source.outputs, &logits(graph, images), outputs).error
}
