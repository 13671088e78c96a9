//! Which values depend on the image, and how large those that do not can become.
//!
//! Constants are folded while the model is read. Broadcasts, gathers and fillers can blow a small file
//! up to any size, so their results are bounded from the file alone, before anything is evaluated.

use super::attributes::{elements, int64s, reads};
use super::refusal::Refusal;
use super::registry::{self, Constants, Size};
use super::stored::constant;
use super::tensor::MAX_ELEMENTS;
use std::collections::{HashMap, HashSet};
use tract_onnx::pb::{GraphProto, NodeProto};

const SIMPLIFY: &str = "simplify the model with onnx-simplifier, which stores the result instead";
/// Most axes that the result of a Shape operator can list.
const MAX_RANK: u64 = 16;
/// A constant that is computed may have so many elements, or as many as all stored weights; all of them
/// together twice as many.
const MAX_FOLDED: u64 = 1 << 27;

/// Names of all values that depend on the image (a value's shape does not).
pub(super) fn computed(graph: &GraphProto) -> HashSet<String> {
    let weights: HashSet<&str> = graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
    let inputs = graph.input.iter().filter(|input| !weights.contains(input.name.as_str()));
    let mut names: HashSet<String> = inputs.map(|input| input.name.clone()).collect();
    for node in &graph.node {
        if !reads_shape(node) && reads(node).into_iter().any(|name| names.contains(name)) {
            names.extend(node.output.iter().filter(|output| !output.is_empty()).cloned());
        }
    }
    names
}

/// Whether the result follows from the shape of the input alone.
pub(super) fn reads_shape(node: &NodeProto) -> bool {
    registry::operator(node).reads_shape()
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
    /// Elements that a constant may have.
    most: u64,
    /// Elements that all of them may have.
    together: u64,
}

impl<'a> Extents<'a> {
    /// The sizes of the initializers of `graph`; all weights that it stores bound how large folded constants may
    /// become.
    pub(super) fn of_weights(graph: &'a GraphProto) -> Self {
        let extent = |dims: &[i64]| Extent {
            dims: dims.iter().map(|&dim| u64::try_from(dim).ok()).collect(),
            elements: elements(dims).unwrap_or(u64::MAX),
        };
        let known: HashMap<String, Extent> =
            graph.initializer.iter().map(|tensor| (tensor.name.clone(), extent(&tensor.dims))).collect();
        let nodes = graph.node.iter().filter(|node| registry::operator(node).is_stored()).map(constant_len);
        let stored = known.values().map(|extent| extent.elements).chain(nodes).fold(0, u64::saturating_add);
        let most = stored.clamp(MAX_FOLDED, MAX_ELEMENTS);
        Self { graph, known, total: 0, most, together: stored.max(MAX_FOLDED).saturating_mul(2) }
    }

    /// Admits a node whose operands are constants.
    pub(super) fn fold(&mut self, node: &NodeProto) -> Result<(), Refusal> {
        let size = match registry::operator(node).constants {
            Constants::Folded(size) => size,
            Constants::Branches => return registry::check(node),
            Constants::Refused => {
                return Err(Refusal::new("this operator on constants is not supported", SIMPLIFY));
            }
        };
        registry::check_attributes(node)?;
        let extent = self.result(node, size);
        let total = self.total.saturating_add(extent.elements);
        if extent.elements == u64::MAX {
            return Err(Refusal::new("how large its result is does not stand in the file", SIMPLIFY));
        }
        if extent.elements > self.most || total > self.together {
            return Err(Refusal::new(
                format!("the constant would have up to {} elements", extent.elements),
                SIMPLIFY,
            ));
        }
        self.total = total;
        for output in &node.output {
            self.known.insert(output.clone(), extent.clone());
        }
        Ok(())
    }

    fn result(&self, node: &NodeProto, size: Size) -> Extent {
        let inputs: Vec<&Extent> = node.input.iter().filter_map(|input| self.known.get(input)).collect();
        let sizes = || inputs.iter().map(|extent| extent.elements);
        let bound = |elements| Extent { dims: None, elements };
        let at_most_first = || bound(inputs.first().map_or(1, |extent| extent.elements));
        match size {
            Size::Stored => bound(constant_len(node)),
            Size::Filled => bound(self.filled(node, 0).unwrap_or(u64::MAX)),
            Size::Repeated => {
                let copies = self.filled(node, 1).unwrap_or(u64::MAX);
                bound(copies.saturating_mul(inputs.first().map_or(1, |extent| extent.elements.max(1))))
            }
            Size::Counted => bound(self.counted(node).unwrap_or(u64::MAX)),
            Size::OfShape => bound(MAX_RANK),
            Size::Same => inputs.first().map_or(bound(1), |&extent| extent.clone()),
            Size::AtMostFirst => at_most_first(),
            Size::Sum => bound(sizes().fold(0, u64::saturating_add)),
            Size::Product => bound(sizes().fold(1, u64::saturating_mul)),
            Size::Matrix => match inputs[..] {
                [Extent { dims: Some(a), .. }, Extent { dims: Some(b), .. }]
                    if a.len() == 2 && b.len() == 2 =>
                {
                    Extent { dims: Some(vec![a[0], b[1]]), elements: a[0].saturating_mul(b[1]) }
                }
                _ => bound(sizes().fold(1, u64::saturating_mul)),
            },
            // With an axis, the other operands stand along it only.
            Size::Broadcast if node.attribute.iter().any(|attribute| attribute.name == "axis") => {
                at_most_first()
            }
            Size::Broadcast => inputs.into_iter().cloned().reduce(broadcast).unwrap_or(bound(1)),
        }
    }

    /// Elements of a tensor whose shape, the operand at `position`, stands in the file.
    fn filled(&self, node: &NodeProto, position: usize) -> Option<u64> {
        elements(&int64s(constant(self.graph, node.input.get(position)?)?)?)
    }

    /// Elements of a series of whole numbers whose ends and step stand in the file.
    fn counted(&self, node: &NodeProto) -> Option<u64> {
        let number = |position: usize| {
            let stored = int64s(constant(self.graph, node.input.get(position)?)?)?;
            stored.first().copied().map(i128::from)
        };
        let (length, step) = (number(1)? - number(0)?, number(2)?);
        u64::try_from(length.checked_div(step)?.max(0) + 1).ok()
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
    use tract_onnx::pb::TensorProto;

    fn known(dims: &[u64]) -> Extent {
        Extent { dims: Some(dims.to_vec()), elements: dims.iter().product() }
    }

    fn refused(op: &str, weights: &[(&str, &[i64])]) -> bool {
        let weight = |&(name, dims): &(&str, &[i64])| TensorProto {
            name: name.into(),
            dims: dims.to_vec(),
            ..TensorProto::default()
        };
        let graph = GraphProto { initializer: weights.iter().map(weight).collect(), ..GraphProto::default() };
        let input = weights.iter().map(|(name, _)| name.to_string()).collect();
        let node = NodeProto { op_type: op.into(), input, ..NodeProto::default() };
        Extents::of_weights(&graph).fold(&node).is_err()
    }

    #[test]
    fn results_are_in_proportion_to_the_weights() {
        assert!(!refused("MatMul", &[("a", &[4096, 16]), ("b", &[16, 4096])]));
        assert!(refused("MatMul", &[("a", &[16384, 1]), ("b", &[1, 16384])]));
        assert!(!refused("Transpose", &[("a", &[16384, 16384])]));
        assert!(refused("Gather", &[("a", &[16384, 1]), ("b", &[16384])]));
        assert!(refused("ConstantOfShape", &[("unknown", &[2])]));
        assert!(refused("DequantizeLinear", &[("a", &[16384, 1]), ("scale", &[16384])]));
    }

    #[test]
    fn broadcasts_are_bounded() {
        assert_eq!(broadcast(known(&[64, 3, 3, 3]), known(&[64, 1, 1, 1])).elements, 64 * 27);
        assert_eq!(broadcast(known(&[7]), known(&[5, 1])).dims, Some(vec![5, 7]));
        let open = Extent { dims: None, elements: 10 };
        assert_eq!(broadcast(open, known(&[6])).elements, 60);
    }
}
