//! What must hold of every graph, checked after every pass.
//!
//! | | invariant | domain |
//! |---|---|---|
//! | I1 | there is exactly one input node, and it is [`Graph::input`] | both |
//! | I2 | the output exists and depends on the input | both |
//! | I3 | no node depends on itself | both |
//! | I4 | a node reads as many values as its operation takes | both |
//! | I5 | the positions of a node's inputs are 0, 1, …, without gaps or repetitions | both |
//! | I6 | the recorded shape is the one that [`infer_shape`] gives: weights have the right length, groups divide the channels, windows fit | both |
//! | I7 | [`Op::Rescale`] drops at least one bit, and stands in the integer graph alone | both |
//! | I8 | weights, biases, multipliers, scales, shifts and the ends of clips are finite | both |
//! | I9 | there is no [`Op::Affine`], no [`Op::Activation`] and no [`Op::Clip`] | integer |
//! | I10 | a scale per channel has one entry per channel, and every scale is positive and finite | integer |
//! | I11 | there is one range per channel, and none is empty (low ≤ high) | integer |
//! | I12 | no multiplier of a sum is zero | integer |

pub use super::fault::Fault;
use super::fault::fault;
use super::{Domain, Element, Graph, NodeId, Op, Rescale, Shape, infer_shape};
use crate::error::{Error, Result};
use std::fmt;

/// An invariant that a node breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The node that breaks it.
    pub node: NodeId,
    /// What the model calls the node.
    pub name: String,
    /// Which invariant is broken, and how.
    pub fault: Fault,
}

/// `I6 n4 'conv_2': weights have 36 values, not 4x2x3x3`.
impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "I{} {} '{}': {}", self.fault.invariant, self.node, self.name, self.fault.what)
    }
}

/// Refuses a graph that breaks an invariant.
///
/// # Errors
/// [`Error::Bug`] with every violation and the name of the pass that the graph comes from.
pub fn check<D: Domain>(graph: &Graph<D>, after: &str) -> Result<()> {
    let violations = verify(graph);
    if violations.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = violations.iter().map(|violation| format!("\n  {violation}")).collect();
    Err(Error::Bug(format!("the graph after {after} breaks {} invariants:{}", lines.len(), lines.concat())))
}

/// Every violation, by node and invariant.
pub fn verify<D: Domain>(graph: &Graph<D>) -> Vec<Violation> {
    if !graph.contains(graph.output()) {
        let what = "the output has been removed".into();
        return vec![Violation {
            node: graph.output(),
            name: String::new(),
            fault: Fault { invariant: 2, what },
        }];
    }
    let mut faults: Vec<(NodeId, Fault)> = graph_faults(graph);
    for id in graph.ids() {
        faults.extend(node_faults(graph, id).into_iter().map(|fault| (id, fault)));
    }
    faults.sort_by_key(|(id, fault)| (*id, fault.invariant));
    faults
        .into_iter()
        .map(|(node, fault)| Violation { node, name: graph.node(node).name.clone(), fault })
        .collect()
}

/// I1, I2, I3.
fn graph_faults<D: Domain>(graph: &Graph<D>) -> Vec<(NodeId, Fault)> {
    let mut faults = Vec::new();
    for id in graph.ids() {
        if matches!(graph.op(id), Op::Input) != (id == graph.input()) {
            faults.push((id, fault(1, "there must be one input, and the graph must know it")));
        }
    }
    let order = graph.ids_in_order();
    let mut depends = vec![false; graph.id_bound()];
    for &id in &order {
        depends[id.index()] =
            id == graph.input() || graph.inputs(id).iter().any(|input| depends[input.index()]);
    }
    if !depends[graph.output().index()] {
        faults.push((graph.output(), fault(2, "the output does not depend on the input")));
    }
    let ordered: std::collections::BTreeSet<NodeId> = order.into_iter().collect();
    faults.extend(
        graph.ids().filter(|id| !ordered.contains(id)).map(|id| (id, fault(3, "is on a cycle or after one"))),
    );
    faults
}

/// I4 to I12.
fn node_faults<D: Domain>(graph: &Graph<D>, id: NodeId) -> Vec<Fault> {
    let node = graph.node(id);
    let inputs = graph.inputs(id);
    let mut faults = Vec::new();
    if let Err(what) = super::shape::check_arity(&node.op, inputs.len()) {
        faults.push(fault(4, what));
    } else if let Some(what) = wrong_shape(&node.op, &graph.input_shapes(id), graph.shape(id)) {
        faults.push(fault(6, what));
    }
    let mut positions: Vec<usize> = graph.edges_into(id).into_iter().map(|(position, _)| position).collect();
    positions.sort_unstable();
    if positions.iter().enumerate().any(|(expected, &position)| expected != position) {
        faults.push(fault(5, format!("inputs stand at positions {positions:?}")));
    }
    faults.extend(infinite_parameters(&node.op).map(|what| fault(8, format!("{what} is infinite or NaN"))));
    if let Op::Rescale(Rescale { bits: 0 }) = node.op {
        faults.push(fault(7, "no bits are dropped"));
    }
    faults.extend(D::faults(node));
    faults
}

fn wrong_shape<D: Domain>(op: &Op<D>, inputs: &[Shape], recorded: Shape) -> Option<String> {
    if matches!(op, Op::Input) {
        return None;
    }
    match infer_shape(op, inputs) {
        Ok(shape) if shape == recorded => None,
        Ok(shape) => Some(format!("the shape is {shape}, recorded is {recorded}")),
        Err(what) => Some(what),
    }
}

fn infinite_parameters<D: Domain>(op: &Op<D>) -> impl Iterator<Item = &'static str> {
    fn infinite<E: Element>(values: &[E]) -> bool {
        values.iter().any(|value| !value.is_finite())
    }
    let found = match op {
        Op::Conv(conv) => [("a weight", infinite(&conv.weights)), ("a bias", infinite(&conv.bias))],
        Op::Dense(dense) => [("a weight", infinite(&dense.weights)), ("a bias", infinite(&dense.bias))],
        Op::Affine(affine) => [("a scale", infinite(&affine.scale)), ("a shift", infinite(&affine.shift))],
        Op::Clip(clip) => [("an end", infinite(&clip.high)), ("", false)],
        Op::Activation(curve) => {
            let infinite = curve.constants().into_iter().any(infinite);
            [("a constant", infinite), ("", false)]
        }
        Op::Add(add) => [("a multiplier", infinite(&add.multipliers)), ("", false)],
        _ => [("", false); 2],
    };
    found.into_iter().filter_map(|(what, infinite)| infinite.then_some(what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Add, Affine, Conv, Integer, IntegerFact, Range, Real, RealFact, Scale, Window};

    fn real(channels: usize) -> RealFact {
        RealFact { shape: Shape::vector(channels) }
    }

    fn numbers<D: Domain>(graph: &Graph<D>) -> Vec<u8> {
        verify(graph).into_iter().map(|violation| violation.fault.invariant).collect()
    }

    #[test]
    fn a_sound_graph_passes() {
        let mut graph: Graph<Real> = Graph::new("x", real(4));
        graph.append("r", Op::Relu, &[graph.input()]).unwrap();
        assert_eq!(verify(&graph), []);
        assert!(check(&graph, "import").is_ok());
    }

    #[test]
    fn every_violation_is_reported() {
        let mut graph: Graph<Real> = Graph::new("x", real(4));
        let input = graph.input();
        let rescale = graph.add("s", Op::Rescale(Rescale { bits: 0 }), &[input], real(4));
        let conv =
            Conv { window: Window::dense([1, 1]), groups: 3, weights: vec![f32::NAN; 4], bias: vec![0.0] };
        let conv = graph.add("c", Op::Conv(conv), &[rescale], real(1));
        graph.set_output(conv);
        graph.add("i", Op::Input, &[], real(1));
        graph.add("a", Op::Concat, &[], real(1));
        assert_eq!(numbers(&graph), [7, 7, 6, 8, 1, 4]);
        let message = check(&graph, "import").unwrap_err().to_string();
        assert!(
            message.contains("6 invariants") && message.contains("I7 n1 's': no bits are dropped"),
            "{message}"
        );
    }

    #[test]
    fn cycles_and_lost_inputs_are_found() {
        let mut graph: Graph<Real> = Graph::new("x", real(4));
        let a = graph.add("a", Op::Relu, &[graph.input()], real(4));
        let b = graph.add("b", Op::Relu, &[a], real(4));
        graph.set_inputs(a, &[b]);
        graph.set_output(b);
        assert_eq!(numbers(&graph), [3, 2, 3]);
    }

    #[test]
    fn integer_facts_are_checked() {
        let fact = |scale, range: &[(i128, i128)]| IntegerFact {
            shape: Shape::vector(2),
            scale,
            range: range.iter().map(|&(low, high)| Range { low, high }).collect(),
            ring: None,
            compared: None,
            room: None,
        };
        let mut graph: Graph<Integer> = Graph::new("x", fact(Scale::PerTensor(0.0), &[(0, 1)]));
        let input = graph.input();
        let affine = Affine { scale: vec![1.0; 2], shift: vec![0.0; 2] };
        let id = graph.add(
            "a",
            Op::Affine(affine),
            &[input],
            fact(Scale::PerChannel(vec![1.0]), &[(1, 0), (0, 1)]),
        );
        let sum = Op::Add(Add { multipliers: vec![1, 0] });
        let sum = graph.add("s", sum, &[id, id], fact(Scale::PerTensor(1.0), &[(0, 1); 2]));
        graph.set_output(sum);
        assert_eq!(numbers(&graph), [10, 11, 9, 10, 11, 12]);
    }
}
