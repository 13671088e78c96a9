//! The graph with fewer channels.

use super::needed::Needed;
use super::rows::RowLayout;
use crate::graph::{Affine, Clip, Conv, Dense, Domain, Graph, NodeId, Op, Shape};

/// A node with fewer channels.
struct Narrow<D: Domain> {
    id: NodeId,
    inputs: Vec<NodeId>,
    op: Op<D>,
    fact: D::Fact,
}

/// Removes the channels that nothing needs; whether there were any.
pub(super) fn narrow<D: Domain>(graph: &mut Graph<D>) -> bool {
    let needed = Needed::new(graph);
    let narrower: Vec<Narrow<D>> =
        needed.nodes().into_iter().filter_map(|id| narrower(graph, &needed, id)).collect();
    let changes = !narrower.is_empty();
    for Narrow { id, inputs, op, fact } in narrower {
        let node = graph.node_mut(id);
        (node.op, node.fact) = (op, fact);
        graph.set_inputs(id, &inputs);
    }
    graph.remove_dead();
    changes
}

/// What becomes of `id`, where it or what it reads loses channels.
fn narrower<D: Domain>(graph: &Graph<D>, needed: &Needed<'_, D>, id: NodeId) -> Option<Narrow<D>> {
    let whole = |id: NodeId| needed.channels(id).len() == graph.shape(id).channels;
    if whole(id) && graph.inputs(id).into_iter().all(whole) {
        return None;
    }
    let (inputs, kept, node) = (needed.inputs(id), needed.channels(id), graph.node(id));
    let op = match inputs.first() {
        Some(&input) => operation(&node.op, graph.shape(input), &needed.channels(input), &kept),
        None => node.op.clone(),
    };
    Some(Narrow { id, inputs, op, fact: D::narrowed(&node.fact, &kept) })
}

/// `op` over the channels `read` of its input of shape `input`, giving its channels `kept`.
fn operation<D: Domain>(op: &Op<D>, input: Shape, read: &[usize], kept: &[usize]) -> Op<D> {
    match op {
        Op::Conv(conv) => Op::Conv(Conv {
            window: conv.window,
            groups: if conv.groups == 1 { 1 } else { conv.groups * kept.len() / conv.bias.len() },
            weights: weights(op, &conv.weights, input, read, kept),
            bias: picked(&conv.bias, kept),
        }),
        Op::Dense(dense) => Op::Dense(Dense {
            weights: weights(op, &dense.weights, input, read, kept),
            bias: picked(&dense.bias, kept),
        }),
        Op::Clip(clip) => Op::Clip(Clip { high: picked(&clip.high, kept) }),
        Op::Affine(affine) => {
            Op::Affine(Affine { scale: picked(&affine.scale, kept), shift: picked(&affine.shift, kept) })
        }
        Op::Gather(gather) => Op::Gather(gather.narrowed(input, read, kept)),
        other => other.clone(),
    }
}

/// The weights of the rows `kept` on the channels `read`.
fn weights<D: Domain>(
    op: &Op<D>,
    weights: &[D::Weight],
    input: Shape,
    read: &[usize],
    kept: &[usize],
) -> Vec<D::Weight> {
    let Some(rows) = RowLayout::from_op(op, input) else { return weights.to_vec() };
    let mut left = Vec::new();
    for &row in kept {
        let channels = rows.channels(row);
        for channel in read.iter().filter(|&channel| channels.contains(channel)) {
            let first = row * rows.columns + (channel - channels.start) * rows.taps;
            left.extend_from_slice(&weights[first..first + rows.taps]);
        }
    }
    left
}

fn picked<T: Copy>(values: &[T], places: &[usize]) -> Vec<T> {
    places.iter().map(|&place| values[place]).collect()
}
