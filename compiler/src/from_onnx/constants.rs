//! Which values depend on the image, and how large those that do not can become.
//!
//! Constants are folded while the model is read. Broadcasts, gathers and fillers can blow a small file
//! up to any size, so their results are bounded from the file alone, before anything is evaluated.

use super::attributes::{constant, elements, int64s};
use super::file::MAX_ELEMENTS;
use super::refusal::Refusal;
use super::registry::FOLDED;
use std::collections::{HashMap, HashSet};
use tract_onnx::pb::{GraphProto, NodeProto};

/// Most axes that the result of a Shape operator can list.
const MAX_RANK: u64 = 16;
/// Elements of all folded constants together.
const MAX_TOTAL: u64 = 2 * MAX_ELEMENTS;

/// Names of all values that depend on the image (a value's shape does not).
pub(super) fn computed(graph: &GraphProto) -> HashSet<String> {
    let weights: HashSet<&str> = graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
    let inputs = graph.input.iter().filter(|input| !weights.contains(input.name.as_str()));
    let mut names: HashSet<String> = inputs.map(|input| input.name.clone()).collect();
    for node in &graph.node {
        if !reads_shape(node) && node.input.iter().any(|input| names.contains(input)) {
            names.extend(node.output.iter().filter(|output| !output.is_empty()).cloned());
        }
    }
    names
}

/// Whether the result follows from the shape of the input alone.
pub(super) fn reads_shape(node: &NodeProto) -> bool {
    matches!(node.op_type.as_str(), "Shape" | "Size")
}

/// Size of a constant: exact with its axes, or only a bound.
#[derive(Clone, Debug)]
struct Extent {
    dims: Option<Vec<u64>>,
    elements: u64,
}

/// The sizes of the constants of a graph, in the making.
pub(super) struct Extents<'a> {
    graph: &'a GraphProto,
    known: HashMap<String, Extent>,
    total: u64,
}

impl<'a> Extents<'a> {
    /// Of the stored weights.
    pub(super) fn of_weights(graph: &'a GraphProto) -> Self {
        let extent = |dims: &[i64]| Extent {
            dims: dims.iter().map(|&dim| u64::try_from(dim).ok()).collect(),
            elements: elements(dims).unwrap_or(u64::MAX),
        };
        let known =
            graph.initializer.iter().map(|tensor| (tensor.name.clone(), extent(&tensor.dims))).collect();
        Self { graph, known, total: 0 }
    }

    /// Admits a node whose operands are constants.
    pub(super) fn fold(&mut self, node: &NodeProto) -> Result<(), Refusal> {
        let op = node.op_type.as_str();
        if !FOLDED.contains(&op) {
            let hint = "simplify the model with onnx-simplifier, which stores the result instead";
            return Err(Refusal::new("this operator on constants is not supported", hint));
        }
        let extent = self.result(node);
        self.total = self.total.saturating_add(extent.elements);
        if extent.elements > MAX_ELEMENTS || self.total > MAX_TOTAL {
            return Err(Refusal::new(
                format!("the constant would have up to {} elements", extent.elements),
                "",
            ));
        }
        for output in &node.output {
            self.known.insert(output.clone(), extent.clone());
        }
        Ok(())
    }

    fn result(&self, node: &NodeProto) -> Extent {
        let inputs: Vec<&Extent> = node.input.iter().filter_map(|input| self.known.get(input)).collect();
        let sizes = || inputs.iter().map(|extent| extent.elements);
        let bound = |elements| Extent { dims: None, elements };
        match node.op_type.as_str() {
            "Constant" => bound(constant_len(node)),
            "ConstantOfShape" => bound(self.filled(node).unwrap_or(u64::MAX)),
            "Shape" | "Size" => bound(MAX_RANK),
            "Concat" => bound(sizes().fold(0, u64::saturating_add)),
            "Gather" | "MatMul" => bound(sizes().fold(1, u64::saturating_mul)),
            "Add" | "Sub" | "Mul" | "Div" | "Pow" | "Min" | "Max" => {
                inputs.into_iter().cloned().reduce(broadcast).unwrap_or(bound(1))
            }
            "Abs" | "Cast" | "Ceil" | "Exp" | "Floor" | "Identity" | "Neg" | "Reciprocal" | "Relu"
            | "Sqrt" => inputs.first().map_or(bound(1), |&extent| extent.clone()),
            _ => bound(inputs.first().map_or(1, |extent| extent.elements)),
        }
    }

    /// Elements of a tensor whose shape stands in the file.
    fn filled(&self, node: &NodeProto) -> Option<u64> {
        elements(&int64s(constant(self.graph, node.input.first()?)?)?)
    }
}

fn constant_len(node: &NodeProto) -> u64 {
    let longest = |attribute: &tract_onnx::pb::AttributeProto| {
        let tensor = attribute.t.as_ref().and_then(|tensor| elements(&tensor.dims)).unwrap_or(0);
        tensor.max(attribute.ints.len() as u64).max(attribute.floats.len() as u64).max(1)
    };
    node.attribute.iter().map(longest).max().unwrap_or(1)
}

/// Exact where both shapes are known; else the product, unless one operand is a scalar.
fn broadcast(a: Extent, b: Extent) -> Extent {
    match (&a.dims, &b.dims) {
        (Some(left), Some(right)) => {
            let rank = left.len().max(right.len());
            let axis = |dims: &[u64], i: usize| (i + dims.len()).checked_sub(rank).map_or(1, |i| dims[i]);
            let dims: Vec<u64> = (0..rank).map(|i| axis(left, i).max(axis(right, i))).collect();
            let elements = dims.iter().copied().fold(1, u64::saturating_mul);
            Extent { dims: Some(dims), elements }
        }
        _ => Extent { dims: None, elements: a.elements.max(1).saturating_mul(b.elements.max(1)) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(dims: &[u64]) -> Extent {
        Extent { dims: Some(dims.to_vec()), elements: dims.iter().product() }
    }

    #[test]
    fn broadcasts_are_bounded() {
        assert_eq!(broadcast(known(&[64, 3, 3, 3]), known(&[64, 1, 1, 1])).elements, 64 * 27);
        assert_eq!(broadcast(known(&[7]), known(&[5, 1])).dims, Some(vec![5, 7]));
        let open = Extent { dims: None, elements: 10 };
        assert_eq!(broadcast(open, known(&[6])).elements, 60);
    }
}
