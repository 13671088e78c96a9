//! # What it does
//! Where the channels of a layer are multiplied by one integer each, so that they agree with the other branches of a
//! sum, the multipliers go into the weights of the layer.
//!
//! # Requires
//! Nothing. It pays in suite `shared`, where one more layer under encryption costs more than wider weights.
//!
//! # Guarantees
//! Every output value stays the same. Multipliers stay a layer of their own where the products would not fit 32 bits.
//!
//! # Example
//! See the test `rows_are_multiplied`.

use crate::error::Result;
use crate::graph::{Graph, Integer, NodeId, Op, Window};

/// Runs the pass.
///
/// # Errors
/// None; the signature is that of every pass.
pub fn absorb_multipliers(mut graph: Graph<Integer>) -> Result<Graph<Integer>> {
    for id in graph.ids_in_order() {
        let Some(factors) = factors(&graph, id) else { continue };
        let layer = graph.sole_input(id);
        if graph.sole_consumer(layer) != Some(id) {
            continue;
        }
        let Some(op) = multiplied(graph.op(layer), &factors) else { continue };
        let fact = graph.node(id).fact.clone();
        let node = graph.node_mut(layer);
        (node.op, node.fact) = (op, fact);
        graph.bypass(id);
    }
    Ok(graph)
}

/// What `id` multiplies channels by, where it does nothing else.
fn factors(graph: &Graph<Integer>, id: NodeId) -> Option<Vec<i32>> {
    let Op::Conv(conv) = graph.op(id) else { return None };
    let apart = conv.window == Window::dense([1, 1]) && conv.groups == conv.weights.len();
    (apart && conv.bias.iter().all(|&bias| bias == 0)).then(|| conv.weights.clone())
}

/// The layer `op` with its rows multiplied; `None` where weights do not fit.
fn multiplied(op: &Op<Integer>, factors: &[i32]) -> Option<Op<Integer>> {
    let mut op = op.clone();
    let (weights, bias) = match &mut op {
        Op::Conv(conv) => (&mut conv.weights, &mut conv.bias),
        Op::Dense(dense) => (&mut dense.weights, &mut dense.bias),
        _ => return None,
    };
    let columns = weights.len() / factors.len();
    for ((row, bias), &factor) in weights.chunks_mut(columns).zip(bias).zip(factors) {
        for weight in row {
            *weight = weight.checked_mul(factor)?;
        }
        *bias = bias.checked_mul(factor.into())?;
    }
    Some(op)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Conv, IntegerFact, Range, Scale, Shape};
    use crate::reference::integer;

    fn graph(factors: [i32; 2]) -> Graph<Integer> {
        let fact = |channels| IntegerFact {
            shape: Shape::new(channels, 1, 2),
            scale: Scale::PerTensor(1.0),
            range: vec![Range { low: 0, high: 9 }; channels],
            ring: None,
            compared: None,
            room: None,
        };
        let conv = |groups, weights: &[i32], bias: &[i128]| {
            let (weights, bias) = (weights.to_vec(), bias.to_vec());
            Op::Conv(Conv { window: Window::dense([1, 1]), groups, weights, bias })
        };
        let mut graph = Graph::new("image", fact(2));
        let layer = graph.add("layer", conv(1, &[1, 2, 3, -4], &[5, -6]), &[graph.input()], fact(2));
        let product = graph.add("sum", conv(2, &factors, &[0, 0]), &[layer], fact(2));
        graph.set_output(product);
        graph
    }

    #[test]
    fn rows_are_multiplied() {
        let before = graph([7, -3]);
        let after = absorb_multipliers(before.clone()).unwrap();
        assert_eq!(after.len(), before.len() - 1);
        let image = [1, 2, 3, 4];
        assert_eq!(integer::run(&after, &image), integer::run(&before, &image));
    }

    #[test]
    fn wide_products_stay_apart() {
        let before = graph([1 << 30, 1]);
        assert_eq!(absorb_multipliers(before.clone()).unwrap().len(), before.len());
    }
}
