//! Which values must have one scale for all channels, and which layers take their scale from other branches of a sum:
//! found from the whole graph, before any scale is chosen.

use crate::graph::sum_pool;
use crate::graph::{Gather, Graph, NodeId, Op, Real, Shape, Sources};

/// For every node, whether all channels of its value must have the same scale: those whose scale reaches the logits, which are
/// compared with each other, a gather in which channels meet, or the second factor of a product. The first factor's scales suit the readers of the product
/// channel by channel; scales of both factors that did so would suit them twice.
pub(super) fn one_scale(graph: &Graph<Real>) -> Vec<bool> {
    let mut demanded = vec![false; graph.id_bound()];
    for id in graph.ids_in_order().into_iter().rev() {
        let reaches = |&(consumer, position): &(NodeId, usize)| {
            let is_second_factor = matches!(graph.op(consumer), Op::Mul) && position == 1;
            is_second_factor
                || mixes_channels(graph, consumer)
                || passes_scale_on(graph.op(consumer)) && demanded[consumer.index()]
        };
        demanded[id.index()] = id == graph.output() || graph.consumers(id).iter().any(reaches);
    }
    demanded
}

/// Whether the result's scale follows from the inputs' scales; other operations choose their own or have a fixed one.
fn passes_scale_on(op: &Op<Real>) -> bool {
    match op {
        Op::Relu
        | Op::Clip(_)
        | Op::MaxPool(_)
        | Op::AveragePool(_)
        | Op::Flatten
        | Op::Mul
        | Op::Concat
        | Op::Gather(_)
        | Op::Rescale(_)
        | Op::Add(_) => true,
        Op::Input | Op::Conv(_) | Op::Dense(_) | Op::Affine(_) | Op::Activation(_) | Op::Sign => false,
    }
}

fn mixes_channels(graph: &Graph<Real>, id: NodeId) -> bool {
    let Op::Gather(gather) = graph.op(id) else { return false };
    gather.sources(graph.shape(graph.sole_input(id))).iter().any(Sources::is_mixed)
}

/// Whether each channel is made of the input's channel of that number alone.
fn keeps_channels(gather: &Gather, from: Shape) -> bool {
    let sources = gather.sources(from);
    sources.len() == from.channels
        && sources
            .iter()
            .enumerate()
            .all(|(index, of)| of.sole().is_none_or(|sole| sole == index) && !of.is_mixed())
}

/// Where the scale of a value comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Source {
    /// The node that chose it.
    pub node: NodeId,
    /// Scale of the value = scale of the node's value · factor, channel by channel, and a power of two where values
    /// lose bits on the way.
    pub factor: f64,
}

/// The source of the scale of `id`, through operations that keep channels apart.
pub(super) fn source(graph: &Graph<Real>, id: NodeId) -> Source {
    let (mut node, mut factor) = (id, 1.0);
    loop {
        match graph.op(node) {
            Op::Relu | Op::Clip(_) | Op::MaxPool(_) => {}
            Op::AveragePool(pool) => {
                match sum_pool(pool, graph.shape(graph.sole_input(node)), graph.shape(node)) {
                    Ok(sum) => factor /= sum.divisor as f64,
                    Err(_) => return Source { node, factor },
                }
            }
            Op::Gather(gather) if keeps_channels(gather, graph.shape(graph.sole_input(node))) => {}
            _ => return Source { node, factor },
        }
        node = graph.sole_input(node);
    }
}

/// The nodes of `graph`, producers first, each operation without weights as soon as what it reads is there: so that the
/// scales of other branches of a sum are known when its last layer chooses its own.
pub(super) fn visiting_order(graph: &Graph<Real>) -> Vec<NodeId> {
    let mut missing: Vec<usize> = vec![0; graph.id_bound()];
    graph.ids().for_each(|id| missing[id.index()] = graph.inputs(id).len());
    let order = graph.ids_in_order();
    let (mut ready, mut visited) = (vec![graph.input()], Vec::with_capacity(order.len()));
    let mut linear = order.iter().filter(|&&id| is_linear(graph, id));
    while visited.len() < order.len() {
        // Linear layers come in the graph's own order, once their inputs are there.
        let next = ready.pop().or_else(|| linear.next().copied());
        let Some(id) = next else { break };
        visited.push(id);
        for (consumer, _) in graph.consumers(id) {
            missing[consumer.index()] -= 1;
            if missing[consumer.index()] == 0 && !is_linear(graph, consumer) {
                ready.push(consumer);
            }
        }
    }
    visited
}

fn is_linear(graph: &Graph<Real>, id: NodeId) -> bool {
    matches!(graph.op(id), Op::Conv(_) | Op::Dense(_))
}

/// A layer whose scale is to be a ratio of integers to those of other branches of a sum.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ScaleConstraint {
    /// Scale at the sum = scale of the layer · factor, and a power of two.
    pub factor: f64,
    /// The other branches' sources, all earlier in the graph.
    pub others: Vec<Source>,
}

/// For every node, whether its scale follows other branches of a sum that it flows into.
///
/// For each sum this is the layer whose branch is visited last, since all other scales are known by then; a layer
/// follows one sum only.
pub(super) fn scale_constraints(graph: &Graph<Real>) -> Vec<Option<ScaleConstraint>> {
    let order = visiting_order(graph);
    let mut position = vec![0; graph.id_bound()];
    order.iter().enumerate().for_each(|(index, id)| position[id.index()] = index);
    let mut scale_constraints: Vec<Option<ScaleConstraint>> = vec![None; graph.id_bound()];
    for &id in &order {
        let Op::Add(add) = graph.op(id) else { continue };
        let mut branches: Vec<Source> =
            graph.inputs(id).into_iter().map(|input| source(graph, input)).collect();
        branches
            .iter_mut()
            .zip(&add.multipliers)
            .for_each(|(branch, &by)| branch.factor *= f64::from(by.abs()));
        branches.retain(|branch| branch.factor > 0.0);
        branches.sort_by_key(|branch| position[branch.node.index()]);
        let Some(last) = branches.pop() else { continue };
        let free = is_linear(graph, last.node) && scale_constraints[last.node.index()].is_none();
        let alone = branches.iter().all(|branch| branch.node != last.node);
        if free && alone && !branches.is_empty() {
            scale_constraints[last.node.index()] =
                Some(ScaleConstraint { factor: last.factor, others: branches });
        }
    }
    scale_constraints
}
