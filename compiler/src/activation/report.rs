//! Reports the activations that linear segments only approximate.

use super::{Factor, Factored, Fineness, Form, Ranges, form};
use crate::graph::{Graph, Op, Real};
use serde::Serialize;
use std::fmt;

/// An activation that is not piecewise linear itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Approximated {
    /// The node's name in the model.
    pub node: String,
    /// The function, as an expression in x.
    pub curve: String,
    /// Number of linear segments; of the channel that has most, and where it is a product of the factor that has most.
    pub pieces: usize,
    /// Largest difference between the pieces and the function, whatever x is; where it is known what the function reads,
    /// for these x.
    pub error: f64,
}

/// The activations of an imported graph that are followed by linear segments, where values have these `ranges`; those
/// that cannot be followed are left out. `multiplies`: there may be products of two values.
pub fn approximated(
    graph: &Graph<Real>,
    fineness: Fineness,
    ranges: &Ranges,
    multiplies: bool,
) -> Vec<Approximated> {
    let report = |id| {
        let Op::Activation(curve) = graph.op(id) else { return None };
        let (channels, seen) = (graph.shape(id).channels, ranges.get(&id).copied());
        let (pieces, error) = match form(curve, channels, fineness, seen, multiplies).ok()? {
            Form::Product(Factored { factors, error }) => (factors.iter().map(Factor::pieces).max()?, error),
            Form::Segments(found) => {
                let error = found.iter().map(|found| found.error).fold(0.0, f64::max);
                (found.iter().map(|found| found.pieces.bends.len() + 1).max()?, error)
            }
        };
        let (node, curve) = (graph.node(id).name.clone(), curve.to_string());
        (error > 0.0).then_some(Approximated { node, curve, pieces, error })
    };
    graph.ids_in_order().into_iter().filter_map(report).collect()
}

/// `node 'act': sigmoid(x) by 7 linear segments, wrong by at most 0.0097`.
impl fmt::Display for Approximated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { node, curve, pieces, error } = self;
        write!(f, "node '{node}': {curve} by {pieces} linear segments, wrong by at most {error:.4}")
    }
}
