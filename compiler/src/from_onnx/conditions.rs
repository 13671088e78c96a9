//! If on a constant: the branch that is taken stands in its place.
//!
//! Exporters leave such nodes where a script asks for something that the exported model settles.

use super::attributes::{elements, int64s, node, numbers, rename_in};
use super::registry::{self, Condition};
use super::stored::stored_value;
use std::collections::{HashMap, HashSet};
use tract_onnx::pb::{GraphProto, NodeProto, TensorProto};

/// Constants with more elements decide nothing.
const MAX_ELEMENTS: u64 = 16;

/// Replaces every If whose condition is known.
pub(super) fn fold(graph: &mut GraphProto) {
    if graph.node.iter().all(|node| !registry::operator(node).branches()) {
        return;
    }
    let mut known = Known::new(graph);
    let mut waiting = std::mem::take(&mut graph.node);
    waiting.reverse();
    while let Some(mut node) = waiting.pop() {
        match known.branch(&mut node) {
            Some(branch) => {
                let nodes = inlined(branch, &node, &mut graph.initializer);
                waiting.extend(nodes.into_iter().rev());
            }
            None => {
                known.learn(&node);
                graph.node.push(node);
            }
        }
    }
}

/// Small constants.
struct Known(HashMap<String, Vec<f64>>);

impl Known {
    fn new(graph: &GraphProto) -> Self {
        let stored =
            graph.initializer.iter().filter_map(|tensor| Some((tensor.name.clone(), small(tensor)?)));
        Self(stored.collect())
    }

    /// Takes the branch out of an If whose condition is known.
    fn branch(&self, node: &mut NodeProto) -> Option<GraphProto> {
        let condition = self.0.get(node.input.first().filter(|_| registry::operator(node).branches())?)?;
        let taken = if *condition.first()? != 0.0 { "then_branch" } else { "else_branch" };
        node.attribute.iter_mut().find(|attribute| attribute.name == taken)?.g.take()
    }

    /// Follows what scripts compute conditions with.
    fn learn(&mut self, node: &NodeProto) {
        let operand = |position: usize| node.input.get(position).and_then(|name| self.0.get(name));
        let truth = |holds: bool| f64::from(u8::from(holds));
        let value = match (registry::operator(node).condition, operand(0), operand(1)) {
            (Condition::Same, Some(value), _) => Some(value.clone()),
            (Condition::Not, Some(value), _) => {
                Some(value.iter().map(|&value| truth(value == 0.0)).collect())
            }
            (Condition::Holds(holds), Some(a), Some(b)) if a.len() == 1 && b.len() == 1 => {
                Some(vec![truth(holds(a[0], b[0]))])
            }
            (Condition::Same | Condition::Not | Condition::Holds(_) | Condition::Unknown, ..) => {
                stored_value(node).and_then(small)
            }
        };
        if let (Some(value), Some(output)) = (value, node.output.first()) {
            self.0.insert(output.clone(), value);
        }
    }
}

fn small(tensor: &TensorProto) -> Option<Vec<f64>> {
    elements(&tensor.dims).filter(|&count| count <= MAX_ELEMENTS)?;
    let integers = int64s(tensor).map(|values| values.into_iter().map(|value| value as f64).collect());
    integers.or_else(|| numbers(tensor))
}

/// The nodes of a branch under names of their own, then its results as those of the If.
fn inlined(mut branch: GraphProto, choice: &NodeProto, stored: &mut Vec<TensorProto>) -> Vec<NodeProto> {
    let prefix = choice.output.first().cloned().unwrap_or_default();
    let defined: HashSet<String> = branch
        .node
        .iter()
        .flat_map(|node| &node.output)
        .chain(branch.initializer.iter().map(|tensor| &tensor.name))
        .filter(|name| !name.is_empty())
        .cloned()
        .collect();
    let rename = |name: &mut String| {
        if defined.contains(name) {
            *name = format!("{prefix}/{name}");
        }
    };
    rename_in(&mut branch, &rename);
    stored.append(&mut branch.initializer);
    let results = branch.output.iter().zip(&choice.output);
    let results: Vec<NodeProto> =
        results.map(|(result, output)| node(&choice.name, "Identity", &[&result.name], output)).collect();
    [branch.node, results].concat()
}
