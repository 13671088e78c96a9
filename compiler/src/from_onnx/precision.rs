//! Floating-point numbers of every width become f32, throughout the model.
//!
//! Nothing further on is computed in half or double precision: the compiler rounds weights by itself,
//! and images are raw pixels. One width spares every operator the question which widths go together.

use super::attributes::{int, numbers, reads, set_int, tensors_mut};
use super::registry::{self, Element};
use super::stored::stored_value;
use std::collections::HashMap;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::type_proto::Value;
use tract_onnx::pb::{GraphProto, NodeProto, TensorProto, ValueInfoProto};

const F32: i32 = DataType::Float as i32;

/// Rewrites stored tensors, declared types and casts; the nodes are in order.
pub(super) fn to_f32(graph: &mut GraphProto) {
    tensors_mut(graph).into_iter().filter(|tensor| is_other_float(tensor.data_type)).for_each(convert);
    for info in graph.input.iter_mut().chain(&mut graph.output) {
        if let Some(kind) = element_type(info).filter(|kind| is_other_float(**kind)) {
            *kind = F32;
        }
    }
    let mut types = types(graph);
    for node in &mut graph.node {
        settle(node, &types);
        let result = result_type(node, &types);
        types.extend(node.output.iter().map(|output| (output.clone(), result)));
    }
}

fn is_other_float(kind: i32) -> bool {
    matches!(DataType::try_from(kind), Ok(DataType::Float16 | DataType::Bfloat16 | DataType::Double))
}

fn convert(tensor: &mut TensorProto) {
    let values = numbers(tensor).unwrap_or_default();
    *tensor = TensorProto {
        name: std::mem::take(&mut tensor.name),
        dims: std::mem::take(&mut tensor.dims),
        data_type: F32,
        float_data: values.into_iter().map(|value| value as f32).collect(),
        ..TensorProto::default()
    };
}

/// What a graph declares of its elements' type.
pub(super) fn element_type(info: &mut ValueInfoProto) -> Option<&mut i32> {
    let Value::TensorType(tensor) = info.r#type.as_mut()?.value.as_mut()?;
    Some(&mut tensor.elem_type)
}

/// The types of what is given.
fn types(graph: &mut GraphProto) -> HashMap<String, i32> {
    let stored = graph.initializer.iter().map(|tensor| (tensor.name.clone(), tensor.data_type));
    let mut types: HashMap<String, i32> = stored.collect();
    for input in &mut graph.input {
        if let Some(kind) = element_type(input).copied() {
            types.entry(input.name.clone()).or_insert(kind);
        }
    }
    types
}

/// Casts to other widths are to f32, and a cast to the type of another value says to which.
fn settle(node: &mut NodeProto, types: &HashMap<String, i32>) {
    if registry::operator(node).element == Element::Like {
        let to = result_type(node, types);
        node.op_type = "Cast".into();
        node.input.truncate(1);
        node.attribute.clear();
        set_int(node, "to", to.into());
    }
    let other = |kind: &i64| i32::try_from(*kind).is_ok_and(is_other_float);
    if registry::operator(node).element == Element::To && int(node, "to").as_ref().is_some_and(other) {
        set_int(node, "to", F32.into());
    }
}

/// The type of a node's results, as far as casts to it need it.
fn result_type(node: &NodeProto, types: &HashMap<String, i32>) -> i32 {
    let operand = |position: usize| node.input.get(position).and_then(|name| types.get(name)).copied();
    match registry::operator(node).element {
        Element::Same => reads(node).first().and_then(|name| types.get(*name)).copied().unwrap_or(F32),
        Element::To => int(node, "to").and_then(|to| i32::try_from(to).ok()).unwrap_or(F32),
        Element::Bool => DataType::Bool as i32,
        Element::Second | Element::Like => operand(1).unwrap_or(F32),
        Element::Int64 => DataType::Int64 as i32,
        Element::Stored => stored_value(node).map_or(F32, |tensor| tensor.data_type),
        Element::OfZeroPoint => operand(2).unwrap_or(DataType::Uint8 as i32),
        Element::Float => F32,
    }
}
