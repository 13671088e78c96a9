//! Bounds on what a graph gives, as graphs.

use compiler::activation::{Fineness, approximate_all};
use compiler::graph::{Add, Affine, Conv, Dense, Graph, NodeId, Op, Real};

/// A graph that gives for the image 0, element by element, the most by which `graph` can be off when its
/// activations are off by their stated errors.
pub(crate) fn deviations(graph: &Graph<Real>) -> Graph<Real> {
    let mut bound = graph.clone();
    for id in bound.ids_in_order() {
        bound.node_mut(id).op = deviation(graph, id);
    }
    bound
}

/// A graph without activations as it would be if no terms cancelled.
pub(crate) fn magnitudes(graph: &Graph<Real>) -> Graph<Real> {
    let mut sizes = graph.clone();
    for id in sizes.ids_in_order() {
        let op = &mut sizes.node_mut(id).op;
        let parts: Vec<&mut Vec<f32>> = match op {
            Op::Conv(conv) => vec![&mut conv.weights, &mut conv.bias],
            Op::Dense(dense) => vec![&mut dense.weights, &mut dense.bias],
            Op::Add(add) => vec![&mut add.multipliers],
            _ => continue,
        };
        parts.into_iter().flatten().for_each(|x| *x = x.abs());
    }
    sizes
}

fn deviation(graph: &Graph<Real>, id: NodeId) -> Op<Real> {
    let abs = |values: &[f32]| values.iter().map(|x| x.abs()).collect::<Vec<f32>>();
    let channels = graph.shape(id).channels;
    match graph.op(id) {
        Op::Conv(conv) => {
            Op::Conv(Conv { weights: abs(&conv.weights), bias: vec![0.0; channels], ..conv.clone() })
        }
        Op::Dense(dense) => Op::Dense(Dense { weights: abs(&dense.weights), bias: vec![0.0; channels] }),
        Op::Affine(affine) => Op::Affine(Affine { scale: abs(&affine.scale), shift: vec![0.0; channels] }),
        Op::Add(add) => Op::Add(Add { multipliers: abs(&add.multipliers) }),
        Op::Activation(curve) => {
            let found = approximate_all(curve, channels, Fineness::Percent, None).unwrap();
            let each = |of: &dyn Fn(usize) -> f64| -> Vec<f32> {
                (0..channels).map(|channel| of(if found.len() == 1 { 0 } else { channel }) as f32).collect()
            };
            let steepest = |channel: usize| {
                let pieces = &found[channel].pieces;
                let slopes = pieces.bends.iter().scan(pieces.slope, |slope, bend| {
                    *slope += bend.change;
                    Some(slope.abs())
                });
                slopes.fold(pieces.slope.abs(), f64::max)
            };
            Op::Affine(Affine { scale: each(&steepest), shift: each(&|channel| found[channel].error) })
        }
        other => other.clone(),
    }
}
