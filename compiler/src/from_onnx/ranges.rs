//! Between which numbers computed values lie, as far as the operators tell.

use super::attributes::{constant, numbers};
use super::quantized::MOVES;
use super::steps::Steps;
use std::collections::HashMap;
use tract_onnx::pb::{AttributeProto, GraphProto, NodeProto};

const ANY: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);

/// The bounds of the values of a graph whose nodes are in order; none for the image, nor for what constants make
/// of it: it is taken to lie where it should.
pub(super) struct Ranges<'a>(HashMap<&'a str, Option<(f64, f64)>>);

impl<'a> Ranges<'a> {
    pub(super) fn of(graph: &'a GraphProto) -> Self {
        let mut ranges = Self(graph.input.iter().map(|input| (input.name.as_str(), None)).collect());
        for tensor in &graph.initializer {
            ranges.0.insert(&tensor.name, Some(ANY));
        }
        for node in &graph.node {
            let range = ranges.result(graph, node);
            ranges.0.extend(node.output.iter().map(|output| (output.as_str(), range)));
        }
        ranges
    }

    /// Smallest and largest number that the value can be.
    pub(super) fn of_value(&self, name: &str) -> Option<(f64, f64)> {
        self.0.get(name).copied().unwrap_or(Some(ANY))
    }

    fn result(&self, graph: &GraphProto, node: &NodeProto) -> Option<(f64, f64)> {
        let first = node.input.first().map_or(Some(ANY), |name| self.of_value(name));
        let all = || node.input.iter().map(|name| self.of_value(name).unwrap_or(ANY));
        let bounded = first.unwrap_or(ANY);
        match node.op_type.as_str() {
            "Relu" => Some((bounded.0.max(0.0), bounded.1.max(0.0))),
            "HardSigmoid" | "Sigmoid" | "Softmax" => Some((0.0, 1.0)),
            "Clip" => {
                let bound = |position, name, default| bound(graph, node, position, name).unwrap_or(default);
                let (low, high) = (bound(1, "min", ANY.0), bound(2, "max", ANY.1));
                Some((bounded.0.max(low).min(high), bounded.1.min(high).max(low)))
            }
            "QuantizeLinear" => {
                let (low, high) = Steps::of(graph, node).map_or(ANY, |steps| steps.range());
                first.map(|(least, most)| (least.clamp(low, high), most.clamp(low, high)))
            }
            "AveragePool" => first.map(|(least, most)| (least.min(0.0), most.max(0.0))),
            "Pad" => {
                let filler = bound(graph, node, 2, "value").unwrap_or(0.0);
                first.map(|(least, most)| (least.min(filler), most.max(filler)))
            }
            "DequantizeLinear" | "GlobalAveragePool" | "GlobalMaxPool" | "Dropout" | "Cast" => first,
            op if MOVES.contains(&op) => first,
            "Add" | "Sub" | "Mul" | "Div" if self.is_image_by_constants(graph, node) => None,
            "Add" => Some(all().fold((0.0, 0.0), |sum, range| (sum.0 + range.0, sum.1 + range.1))),
            "Concat" => Some(all().fold((f64::INFINITY, f64::NEG_INFINITY), |hull, range| {
                (hull.0.min(range.0), hull.1.max(range.1))
            })),
            _ => Some(ANY),
        }
    }

    fn is_image_by_constants(&self, graph: &GraphProto, node: &NodeProto) -> bool {
        let image = |name: &String| self.of_value(name).is_none();
        node.input.iter().any(image)
            && node.input.iter().all(|name| image(name) || constant(graph, name).is_some())
    }
}

/// A constant bound of Clip: an operand, or an attribute as in old opsets.
fn bound(graph: &GraphProto, node: &NodeProto, position: usize, name: &str) -> Option<f64> {
    let attribute = |attribute: &AttributeProto| (attribute.name == name).then(|| f64::from(attribute.f));
    match node.input.get(position).filter(|name| !name.is_empty()) {
        Some(operand) => numbers(constant(graph, operand)?)?.first().copied(),
        None => node.attribute.iter().find_map(attribute),
    }
}
