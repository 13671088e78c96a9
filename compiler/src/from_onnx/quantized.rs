//! Models from integer toolchains: QuantizeLinear and DequantizeLinear around everything.
//!
//! The weights between such pairs are constants; tract computes them, exactly as the file says. A pair
//! around a computed value rounds it to the steps of its calibration and cuts it off at both ends of
//! their range. The compiler quantises by itself, so the rounding is left away. The cuts are kept, for
//! toolchains drop a ReLU or ReLU6 before such a pair and leave it to the range; but not where the
//! values are known to lie in the range (`ranges`). An image may reach a little beyond, as calibration images seldom
//! hold the extremes, and is taken to lie in the range where nothing is known of it.
//!
//! The float reference keeps the rounding, too: see [`rounded`].

use super::attributes::{display_name, node, producers, scalar};
use super::constants::computed;
use super::ranges::Ranges;
use super::refusal::Refusal;
use super::registry;
use super::steps::Steps;
use super::typed::Names;
use crate::error::Diagnostic;
use std::collections::{HashMap, HashSet};
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto, TensorProto};

/// More moves in a row are not looked through.
const LONGEST: usize = 32;
/// How far an image may reach beyond its range, in widths of the range.
const IMAGE_SLACK: f64 = 1.0 / 16.0;

/// Turns pairs around computed values into what they mean for real numbers; the nodes where this
/// cannot be said.
pub(super) fn remove(proto: &mut ModelProto, image: Option<(f64, f64)>, names: &Names) -> Vec<Diagnostic> {
    let graph = proto.graph.get_or_insert_default();
    if !graph.node.iter().any(is_half) {
        return Vec::new();
    }
    let (rewritten, refusals) = Pairs::new(graph, image).rewrite(Rounding::Dropped);
    let diagnostic = |(node, op, refusal): (String, String, Refusal)| {
        let name = names.origin(&node).map_or(node.as_str(), |(name, _)| name);
        refusal.about(name, &op)
    };
    rewritten.put_into(graph);
    refusals.into_iter().map(diagnostic).collect()
}

/// The model with pairs around computed values written as arithmetic that rounds and saturates as they do;
/// `None` where it has none, or where one cannot be said.
pub(super) fn rounded(proto: &ModelProto) -> Option<ModelProto> {
    let graph = proto.graph.as_ref()?;
    if !graph.node.iter().any(is_half) {
        return None;
    }
    let pairs = Pairs::new(graph, None);
    if !graph.node.iter().any(|node| is_half(node) && pairs.is_computed(node)) {
        return None;
    }
    let (rewritten, refusals) = pairs.rewrite(Rounding::Kept);
    let mut proto = proto.clone();
    rewritten.put_into(proto.graph.get_or_insert_default());
    refusals.is_empty().then_some(proto)
}

fn is_half(node: &NodeProto) -> bool {
    matches!(node.op_type.as_str(), "QuantizeLinear" | "DequantizeLinear")
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Rounding {
    Kept,
    Dropped,
}

/// Nodes that stand for others, and the constants that they read.
struct Rewritten {
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
}

impl Rewritten {
    fn put_into(self, graph: &mut GraphProto) {
        graph.node = self.nodes;
        graph.initializer.extend(self.constants);
    }

    /// Appends `op` of `value` and, where it has one, a number; what its result is called.
    fn then(&mut self, origin: &NodeProto, op: &str, value: &str, number: Option<f64>) -> String {
        let index = self.nodes.len();
        let (name, result) = (format!("{} #{index}", origin.name), format!("{} #{index}", origin.output[0]));
        let mut inputs = vec![value];
        let constant = format!("{result} {op}");
        if let Some(number) = number {
            self.constants.push(scalar(&constant, number as f32));
            inputs.push(&constant);
        }
        self.nodes.push(node(&name, op, &inputs, &result));
        result
    }

    /// Calls the result of the last node what the origin's is called.
    fn finish(&mut self, origin: &NodeProto, value: &str) {
        match self.nodes.last_mut().filter(|last| last.output[0] == value) {
            Some(last) => last.output.clone_from(&origin.output),
            None => self.nodes.push(node(&origin.name, "Identity", &[value], &origin.output[0])),
        }
    }
}

/// Where the computed values of a graph come from.
struct Pairs<'a> {
    graph: &'a GraphProto,
    computed: HashSet<String>,
    by_value: HashMap<&'a str, &'a NodeProto>,
    ranges: Ranges<'a>,
}

impl<'a> Pairs<'a> {
    fn new(graph: &'a GraphProto, image: Option<(f64, f64)>) -> Self {
        let ranges = Ranges::new(graph, image);
        Self { graph, computed: computed(graph), by_value: producers(graph), ranges }
    }

    fn is_computed(&self, node: &NodeProto) -> bool {
        node.input.first().is_some_and(|input| self.computed.contains(input))
    }

    fn rewrite(&self, rounding: Rounding) -> (Rewritten, Vec<(String, String, Refusal)>) {
        let mut rewritten = Rewritten { nodes: Vec::new(), constants: Vec::new() };
        let mut refusals = Vec::new();
        for node in &self.graph.node {
            let done = match node.op_type.as_str() {
                _ if !self.is_computed(node) => Ok(false),
                "QuantizeLinear" => self.quantize(node, rounding, &mut rewritten).map(|()| true),
                "DequantizeLinear" => self.dequantize(node, &mut rewritten).map(|()| true),
                "Pad" => self.pad(node, &mut rewritten),
                _ => Ok(false),
            };
            match done {
                Ok(true) => {}
                Ok(false) => rewritten.nodes.push(node.clone()),
                Err(refusal) => {
                    refusals.push((display_name(node), node.op_type.clone(), refusal));
                    rewritten.nodes.push(node.clone());
                }
            }
        }
        (rewritten, refusals)
    }

    /// Steps × round(x ÷ step) within the range; what leaves the model as integers stays on their scale.
    fn quantize(&self, node: &NodeProto, rounding: Rounding, out: &mut Rewritten) -> Result<(), Refusal> {
        let steps = Steps::from_node(self.graph, node)?;
        let (low, high) = steps.range();
        let mut value = node.input[0].clone();
        if rounding == Rounding::Kept {
            value = out.then(node, "Div", &value, Some(steps.scale));
            value = out.then(node, "Round", &value, None);
            value = out.then(node, "Mul", &value, Some(steps.scale));
        }
        let is_image = self.ranges.is_image(&node.input[0]);
        let slack = if is_image { (high - low) * IMAGE_SLACK } else { steps.scale / 2.0 };
        let (below, above) = match (rounding, self.ranges.of_value(&node.input[0])) {
            (Rounding::Kept, _) => (true, true),
            (Rounding::Dropped, None) => (false, false),
            (Rounding::Dropped, Some((least, most))) => (least < low - slack, most > high + slack),
        };
        if below && low == 0.0 {
            value = out.then(node, "Relu", &value, None);
        } else if below {
            value = out.then(node, "Max", &value, Some(low));
        }
        if above {
            value = out.then(node, "Min", &value, Some(high));
        }
        if self.leaves_the_model(node) {
            value = out.then(node, "Div", &value, Some(steps.scale));
            value = out.then(node, "Add", &value, Some(steps.zero));
        }
        out.finish(node, &value);
        Ok(())
    }

    /// Nothing more than its QuantizeLinear; of an image of integers, its real numbers.
    fn dequantize(&self, node: &NodeProto, out: &mut Rewritten) -> Result<(), Refusal> {
        let steps = Steps::from_node(self.graph, node)?;
        match self.source(node) {
            Some(origin) if origin.op_type == "QuantizeLinear" => {
                if Steps::from_node(self.graph, origin)? != steps {
                    let origin = display_name(origin);
                    let origin = origin.split_once(' ').map_or(origin.as_str(), |(_, name)| name);
                    return Err(Refusal::new(
                        format!("its scale or zero point differs from those of '{origin}'"),
                        "export the float model; the compiler quantizes by itself",
                    ));
                }
                out.finish(node, &node.input[0]);
            }
            Some(_) => {
                return Err(Refusal::new(
                    "its input does not come from QuantizeLinear",
                    "export quantization as QuantizeLinear and DequantizeLinear pairs (QDQ), or the float model",
                ));
            }
            None => {
                let mut value = out.then(node, "Cast", &node.input[0], None);
                if let Some(cast) = out.nodes.last_mut() {
                    super::attributes::set_int(cast, "to", DataType::Float as i64);
                }
                if steps.zero != 0.0 {
                    value = out.then(node, "Sub", &value, Some(steps.zero));
                }
                value = out.then(node, "Mul", &value, Some(steps.scale));
                out.finish(node, &value);
            }
        }
        Ok(())
    }

    /// Between the halves of a pair, padding is an integer; it becomes the number that it stands for.
    fn pad(&self, pad: &NodeProto, out: &mut Rewritten) -> Result<bool, Refusal> {
        let Some(origin) = self.source(pad).filter(|origin| origin.op_type == "QuantizeLinear") else {
            return Ok(false);
        };
        let steps = Steps::from_node(self.graph, origin)?;
        let filler = match pad.input.get(2).filter(|name| !name.is_empty()) {
            Some(name) => Steps::number(self.graph, name)?,
            None => 0.0,
        };
        let name = format!("{} filler", pad.output[0]);
        out.constants.push(scalar(&name, ((filler - steps.zero) * steps.scale) as f32));
        let mut pad = pad.clone();
        pad.input.resize(pad.input.len().max(3), String::new());
        pad.input[2] = name;
        out.nodes.push(pad);
        Ok(true)
    }

    /// Whether the model gives the integers of this QuantizeLinear.
    fn leaves_the_model(&self, node: &NodeProto) -> bool {
        let mut last = self.graph.output.iter().filter_map(|output| self.by_value.get(output.name.as_str()));
        last.any(|&last| std::ptr::eq(last, node) || self.before_moves(last) == Some(node))
    }

    /// The node that made the values that `node` reads, through nodes that only move or choose values;
    /// `None` for the model's input.
    fn source(&self, node: &NodeProto) -> Option<&'a NodeProto> {
        let producer = *self.by_value.get(node.input.first()?.as_str())?;
        self.before_moves(producer)
    }

    fn before_moves(&self, mut node: &'a NodeProto) -> Option<&'a NodeProto> {
        for _ in 0..LONGEST {
            if !registry::operator(node).moves() {
                break;
            }
            node = self.by_value.get(node.input.first()?.as_str())?;
        }
        Some(node)
    }
}
