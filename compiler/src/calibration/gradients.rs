//! Gradients with respect to every value of a float graph, by back-propagation from the logits.

use super::adjoint::adjoint;
use super::{Batch, apply};
use crate::graph::{Graph, NodeId, Real};
use std::sync::Arc;

/// A node's value, what it reads and its gradient, on some images.
pub struct Seen<'a> {
    /// The values that the node reads, in the order of its inputs.
    pub inputs: Vec<&'a Batch>,
    /// The node's value.
    pub output: &'a Batch,
    /// The gradient with respect to the node's value, of the number per image that the seed defines.
    pub gradient: &'a Batch,
}

/// Calls `visit` with every node that the output depends on, readers first: with its inputs and its value on `images`,
/// and the gradient of a number per image. That number is defined by `seed`, which turns the output into the number's
/// gradient with respect to it.
///
/// All values of `images` are held at a time.
pub fn gradients(
    graph: &Graph<Real>,
    images: Arc<Batch>,
    seed: impl FnOnce(&Batch) -> Batch,
    mut visit: impl FnMut(NodeId, Seen<'_>),
) {
    let order = graph.ids_in_order();
    let mut values: Vec<Option<Arc<Batch>>> = vec![None; graph.id_bound()];
    for &id in &order {
        let value = match (id == graph.input(), read(graph, id, &values)) {
            (true, _) => images.clone(),
            (false, inputs) => Arc::new(apply(graph.op(id), &inputs, graph.shape(id))),
        };
        values[id.index()] = Some(value);
    }
    let mut gradients: Vec<Option<Batch>> = vec![None; graph.id_bound()];
    gradients[graph.output().index()] = values[graph.output().index()].as_deref().map(seed);
    for id in order.into_iter().rev() {
        let (Some(gradient), Some(output)) = (gradients[id.index()].take(), values[id.index()].take()) else {
            continue;
        };
        let inputs = read(graph, id, &values);
        for (position, input) in graph.inputs(id).into_iter().enumerate() {
            let passed = adjoint(graph.op(id), &inputs, position, &output, &gradient);
            gradients[input.index()] = Some(match gradients[input.index()].take() {
                Some(known) => known.plus(&passed),
                None => passed,
            });
        }
        visit(id, Seen { inputs, output: &output, gradient: &gradient });
    }
}

/// What `id` reads, by position.
fn read<'a>(graph: &Graph<Real>, id: NodeId, values: &'a [Option<Arc<Batch>>]) -> Vec<&'a Batch> {
    graph.inputs(id).iter().filter_map(|input| values[input.index()].as_deref()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::testing::{graphs, pattern};
    use crate::graph::{Op, Shape};
    use proptest::prelude::*;

    /// Σ logits of an image, in 64 bits.
    fn sum(graph: &Graph<Real>, image: &[f32], at: usize, by: f64) -> f64 {
        let mut image: Vec<f64> = image.iter().map(|&x| x.into()).collect();
        image[at] += by;
        crate::reference::real::evaluate(graph, &image).iter().sum()
    }

    proptest! {
        /// Where the network is straight around the image, gradients are difference quotients.
        #[test]
        fn gradients_are_difference_quotients(graph in graphs(), at in 0usize..1000) {
            prop_assume!(graph.ids().all(|id| !matches!(graph.op(id), Op::Sign | Op::Activation(_))));
            let shape: Shape = graph.shape(graph.input());
            // Not quite the pattern, whose means are 0 often, where ReLUs bend.
            let bent = pattern(2 * shape.elements()).into_iter().enumerate();
            let images = bent.map(|(index, x)| x + 1.3e-3 * (1 + index * 37 % 11) as f32).collect();
            let images = Batch::new(shape, images);
            let mut found = None;
            let ones = |output: &Batch| Batch::new(output.shape(), vec![1.0; output.values().len()]);
            gradients(&graph, Arc::new(images.clone()), ones, |id, seen| {
                if id == graph.input() {
                    found = Some(seen.gradient.clone());
                }
            });
            let at = at % shape.elements();
            for image in 0..2 {
                let quotient = |by: f64| {
                    (sum(&graph, images.image(image), at, by) - sum(&graph, images.image(image), at, 0.0)) / by
                };
                let [right, left] = [1e-5, -1e-5].map(quotient);
                let got = found.as_ref().map_or(0.0, |found| f64::from(found.image(image)[at]));
                if (right - left).abs() <= 1e-3 * (1.0 + right.abs()) {
                    prop_assert!((got - right).abs() <= 1e-2 * (1.0 + right.abs()), "{got} {right} {left}");
                }
            }
        }
    }
}
