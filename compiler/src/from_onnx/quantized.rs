//! Models from integer toolchains: QuantizeLinear and DequantizeLinear around everything.
//!
//! The weights between such pairs are constants; tract computes them, exactly as the file says. A pair
//! around a computed value rounds it to the steps of its calibration and cuts it off at both ends of
//! their range. The compiler quantises by itself, so the rounding is left away, and so is the cut at
//! the top: values beyond the calibrated range stay what they are. The cut at the bottom is kept where
//! the range begins at zero, because toolchains drop a ReLU in front of such a pair.

use super::attributes::{constant, display_name, int, numbers};
use super::constants::computed;
use super::refusal::Refusal;
use crate::error::Diagnostic;
use std::collections::{HashMap, HashSet};
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto};

/// Operators that leave every value as it is.
const MOVES: [&str; 7] = ["Flatten", "Identity", "MaxPool", "Reshape", "Squeeze", "Transpose", "Unsqueeze"];
/// More of them in a row are not looked through.
const LONGEST: usize = 32;

/// Turns pairs around computed values into what they mean for real numbers; the nodes where this
/// cannot be said.
pub(super) fn remove(proto: &mut ModelProto) -> Vec<Diagnostic> {
    let graph = proto.graph.get_or_insert_default();
    let meanings = Producers::of(graph).meanings();
    let mut diagnostics = Vec::new();
    for (index, meaning) in meanings {
        let node = &mut graph.node[index];
        match meaning {
            Ok(op) => {
                node.op_type = op.into();
                node.input.truncate(1);
                node.attribute.clear();
            }
            Err(refusal) => diagnostics.push(refusal.about(&display_name(node), &node.op_type)),
        }
    }
    diagnostics
}

/// Where the computed values of a graph come from.
struct Producers<'a> {
    graph: &'a GraphProto,
    computed: HashSet<String>,
    by_value: HashMap<&'a str, &'a NodeProto>,
}

impl<'a> Producers<'a> {
    fn of(graph: &'a GraphProto) -> Self {
        let outputs = |node: &'a NodeProto| node.output.iter().map(move |output| (output.as_str(), node));
        Self { graph, computed: computed(graph), by_value: graph.node.iter().flat_map(outputs).collect() }
    }

    /// For the nodes of pairs around computed values, the operator that stands for them.
    fn meanings(&self) -> Vec<(usize, Result<&'static str, Refusal>)> {
        let nodes = self.graph.node.iter().enumerate();
        nodes
            .filter(|(_, node)| node.input.first().is_some_and(|input| self.computed.contains(input)))
            .filter_map(|(index, node)| match node.op_type.as_str() {
                "QuantizeLinear" => Some((index, self.quantize(node))),
                "DequantizeLinear" => Some((index, self.dequantize(node))),
                _ => None,
            })
            .collect()
    }

    fn quantize(&self, node: &NodeProto) -> Result<&'static str, Refusal> {
        let cuts = Steps::of(self.graph, node)?.begins_at_zero() && !self.reads_nonnegative(node);
        Ok(if cuts { "Relu" } else { "Identity" })
    }

    fn dequantize(&self, node: &NodeProto) -> Result<&'static str, Refusal> {
        let origin = self.source(node).filter(|origin| origin.op_type == "QuantizeLinear").ok_or_else(|| {
            Refusal::new(
                "its input does not come from QuantizeLinear",
                "export quantization as QuantizeLinear and DequantizeLinear pairs (QDQ), or the float model",
            )
        })?;
        let (ours, theirs) = (Steps::of(self.graph, node)?, Steps::of(self.graph, origin)?);
        if ours.scale == theirs.scale && ours.zero == theirs.zero {
            return Ok("Identity");
        }
        Err(Refusal::new(
            format!("its scale or zero point differs from those of '{}'", display_name(origin)),
            "export the float model; the compiler quantizes by itself",
        ))
    }

    /// Whether what `node` reads cannot be negative, or is the image, which is taken to be in range.
    fn reads_nonnegative(&self, node: &NodeProto) -> bool {
        self.source(node).is_none_or(|source| {
            matches!(source.op_type.as_str(), "HardSigmoid" | "Relu" | "Sigmoid" | "Softmax")
        })
    }

    /// The node that made the values that `node` reads, behind nodes that only move or choose values;
    /// `None` for the model's input.
    fn source(&self, node: &NodeProto) -> Option<&'a NodeProto> {
        let mut name = node.input.first()?;
        let mut producer = *self.by_value.get(name.as_str())?;
        for _ in 0..LONGEST {
            if !MOVES.contains(&producer.op_type.as_str()) {
                break;
            }
            name = producer.input.first()?;
            producer = self.by_value.get(name.as_str())?;
        }
        Some(producer)
    }
}

/// What an activation is rounded to.
struct Steps {
    scale: Vec<f64>,
    zero: Vec<f64>,
    smallest: f64,
}

impl Steps {
    fn of(graph: &GraphProto, node: &NodeProto) -> Result<Self, Refusal> {
        let variable = || Refusal::new("its scale or zero point is not a constant", "quantize statically");
        let scale =
            node.input.get(1).and_then(|name| numbers(constant(graph, name)?)).ok_or_else(variable)?;
        let zero = node.input.get(2).filter(|name| !name.is_empty());
        let (zero, kind) = match zero.map(|name| constant(graph, name)) {
            Some(tensor) => {
                let tensor = tensor.ok_or_else(variable)?;
                (numbers(tensor).ok_or_else(variable)?, tensor.data_type)
            }
            None => (vec![0.0], int(node, "output_dtype").unwrap_or(0) as i32),
        };
        let smallest = match DataType::try_from(kind) {
            Ok(DataType::Int8) => f64::from(i8::MIN),
            Ok(DataType::Int16) => f64::from(i16::MIN),
            _ => 0.0,
        };
        Ok(Self { scale, zero, smallest })
    }

    fn begins_at_zero(&self) -> bool {
        self.zero.iter().all(|&zero| zero == self.smallest)
    }
}
