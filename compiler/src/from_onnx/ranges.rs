//! Between which numbers computed values lie, as far as the operators tell.

use super::attributes::numbers;
use super::registry::{self, Arithmetic, Bounds, Values};
use super::steps::Steps;
use super::stored::constant;
use std::collections::{HashMap, HashSet};
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::type_proto::Value;
use tract_onnx::pb::{AttributeProto, GraphProto, NodeProto, ValueInfoProto};

const ANY: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);

/// The bounds of the values of a graph whose nodes are in order; none for an image of which nothing is known, nor for
/// what constants make of it.
pub(super) struct Ranges<'a> {
    known: HashMap<&'a str, Option<(f64, f64)>>,
    /// The image, and what constants make of it.
    images: HashSet<&'a str>,
}

impl<'a> Ranges<'a> {
    /// `image` bounds the numbers of the image; one of integers has the whole range of its type anyway.
    pub(super) fn new(graph: &'a GraphProto, image: Option<(f64, f64)>) -> Self {
        let of_input =
            |input: &'a ValueInfoProto| (input.name.as_str(), image.filter(|_| takes_numbers(input)));
        let mut ranges = Self {
            known: graph.input.iter().map(of_input).collect(),
            images: graph.input.iter().map(|input| input.name.as_str()).collect(),
        };
        for tensor in &graph.initializer {
            ranges.known.insert(&tensor.name, Some(ANY));
            ranges.images.remove(tensor.name.as_str());
        }
        for node in &graph.node {
            let range = ranges.result(graph, node);
            ranges.known.extend(node.output.iter().map(|output| (output.as_str(), range)));
            if ranges.keeps_image(graph, node) {
                ranges.images.extend(node.output.iter().map(String::as_str));
            }
        }
        ranges
    }

    /// Smallest and largest number that the value can be.
    pub(super) fn of_value(&self, name: &str) -> Option<(f64, f64)> {
        self.known.get(name).copied().unwrap_or(Some(ANY))
    }

    /// Whether the value is the image, or what constants make of it.
    pub(super) fn is_image(&self, name: &str) -> bool {
        self.images.contains(name)
    }

    fn result(&self, graph: &GraphProto, node: &NodeProto) -> Option<(f64, f64)> {
        let first = node.input.first().map_or(Some(ANY), |name| self.of_value(name));
        let all = || node.input.iter().map(|name| self.of_value(name).unwrap_or(ANY));
        let unknown = || node.input.iter().any(|name| self.of_value(name).is_none());
        let bounded = first.unwrap_or(ANY);
        match registry::operator(node).bounds {
            Bounds::Unknown => Some(ANY),
            Bounds::Same => first,
            Bounds::NotNegative => Some((bounded.0.max(0.0), bounded.1.max(0.0))),
            Bounds::OrZero => first.map(|(least, most)| (least.min(0.0), most.max(0.0))),
            Bounds::OrFiller => {
                let filler = bound(graph, node, 2, "value").unwrap_or(0.0);
                first.map(|(least, most)| (least.min(filler), most.max(filler)))
            }
            Bounds::Unit => Some((0.0, 1.0)),
            Bounds::Clipped => {
                let bound = |position, name, default| bound(graph, node, position, name).unwrap_or(default);
                let (low, high) = (bound(1, "min", ANY.0), bound(2, "max", ANY.1));
                Some((bounded.0.max(low).min(high), bounded.1.min(high).max(low)))
            }
            Bounds::Quantized => {
                let (low, high) = Steps::from_node(graph, node).map_or(ANY, |steps| steps.range());
                first.map(|(least, most)| (least.clamp(low, high), most.clamp(low, high)))
            }
            Bounds::Joined => Some(all().fold((f64::INFINITY, f64::NEG_INFINITY), |hull, range| {
                (hull.0.min(range.0), hull.1.max(range.1))
            })),
            Bounds::Of(_) if unknown() && self.keeps_image(graph, node) => None,
            Bounds::Of(operation) => {
                Some(self.by_constant(graph, node, operation).unwrap_or_else(|| match operation {
                    Arithmetic::Add => {
                        all().fold((0.0, 0.0), |sum, range| (sum.0 + range.0, sum.1 + range.1))
                    }
                    Arithmetic::Sub | Arithmetic::Mul | Arithmetic::Div => ANY,
                }))
            }
        }
    }

    /// An operation on a bounded value and a constant.
    fn by_constant(&self, graph: &GraphProto, node: &NodeProto, operation: Arithmetic) -> Option<(f64, f64)> {
        let [left, right] = &node.input[..] else { return None };
        let (a, b) = match (ends(graph, left), ends(graph, right)) {
            (None, Some(constant)) => (self.of_value(left)?, constant),
            (Some(constant), None) => (constant, self.of_value(right)?),
            _ => return None,
        };
        if operation == Arithmetic::Div && b.0 <= 0.0 && b.1 >= 0.0 {
            return Some(ANY);
        }
        let combine = |x: f64, y: f64| match operation {
            Arithmetic::Add => x + y,
            Arithmetic::Sub => x - y,
            Arithmetic::Mul => x * y,
            Arithmetic::Div => x / y,
        };
        let corners = [combine(a.0, b.0), combine(a.0, b.1), combine(a.1, b.0), combine(a.1, b.1)];
        let hull = corners
            .into_iter()
            .fold(corners[0]..=corners[0], |hull, x| hull.start().min(x)..=hull.end().max(x));
        Some(if corners.iter().any(|x| x.is_nan()) { ANY } else { hull.into_inner() })
    }

    fn keeps_image(&self, graph: &GraphProto, node: &NodeProto) -> bool {
        let image = |name: &String| self.is_image(name);
        let by_constants = || node.input.iter().all(|name| image(name) || constant(graph, name).is_some());
        let row = registry::operator(node);
        match (row.bounds, row.values) {
            (Bounds::Of(_), _) => node.input.iter().any(image) && by_constants(),
            (_, Values::Converted | Values::Moved) => node.input.first().is_some_and(image),
            (_, Values::Computed) => false,
        }
    }
}

/// Whether an input is declared to hold numbers in f32.
fn takes_numbers(input: &ValueInfoProto) -> bool {
    let kind = input.r#type.as_ref().and_then(|kind| kind.value.as_ref());
    matches!(kind, Some(Value::TensorType(tensor)) if tensor.elem_type == DataType::Float as i32)
}

/// Smallest and largest number of a constant.
fn ends(graph: &GraphProto, name: &str) -> Option<(f64, f64)> {
    let values = numbers(constant(graph, name)?)?;
    let first = *values.first()?;
    Some(values.into_iter().fold((first, first), |(least, most), value| (least.min(value), most.max(value))))
}

/// A constant bound of Clip: an operand, or an attribute as in old opsets.
fn bound(graph: &GraphProto, node: &NodeProto, position: usize, name: &str) -> Option<f64> {
    let attribute = |attribute: &AttributeProto| (attribute.name == name).then(|| f64::from(attribute.f));
    match node.input.get(position).filter(|name| !name.is_empty()) {
        Some(operand) => numbers(constant(graph, operand)?)?.first().copied(),
        None => node.attribute.iter().find_map(attribute),
    }
}
