//! Reading attributes and constants out of protobuf nodes.

use runtime::data::half_to_f32;
use std::collections::HashMap;
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{AttributeProto, GraphProto, NodeProto, TensorProto};

/// What people call a node: its name, or its first output's.
pub(super) fn display_name(node: &NodeProto) -> String {
    let output = || node.output.iter().find(|output| !output.is_empty()).cloned().unwrap_or_default();
    if node.name.is_empty() { output() } else { node.name.clone() }
}

/// The attribute of this name.
pub(super) fn attribute<'a>(node: &'a NodeProto, name: &str) -> Option<&'a AttributeProto> {
    node.attribute.iter().find(|attribute| attribute.name == name)
}

/// The integer attribute `name`; `None` where the node has none.
pub(super) fn int(node: &NodeProto, name: &str) -> Option<i64> {
    attribute(node, name).map(|attribute| attribute.i)
}

/// The floating-point attribute `name`; `None` where the node has none.
pub(super) fn float(node: &NodeProto, name: &str) -> Option<f32> {
    attribute(node, name).map(|attribute| attribute.f)
}

/// A list of integers; empty where the attribute is absent.
pub(super) fn ints<'a>(node: &'a NodeProto, name: &str) -> &'a [i64] {
    attribute(node, name).map_or(&[], |attribute| &attribute.ints)
}

/// The string attribute `name`; `None` where the node has none.
pub(super) fn string(node: &NodeProto, name: &str) -> Option<String> {
    attribute(node, name).map(|attribute| String::from_utf8_lossy(&attribute.s).into_owned())
}

/// Sets an attribute that is an integer.
pub(super) fn set_int(node: &mut NodeProto, name: &str, value: i64) {
    node.attribute.retain(|attribute| attribute.name != name);
    let r#type = AttributeType::Int as i32;
    node.attribute.push(AttributeProto { name: name.into(), r#type, i: value, ..AttributeProto::default() });
}

/// The graphs inside a node: branches and loop bodies.
pub(super) fn subgraphs(node: &NodeProto) -> impl Iterator<Item = &GraphProto> {
    node.attribute.iter().flat_map(|attribute| attribute.g.iter().chain(&attribute.graphs))
}

/// The values that a node reads, those that only its branches read included.
pub(super) fn reads(node: &NodeProto) -> Vec<&str> {
    let inside = subgraphs(node).flat_map(|graph| {
        let outputs = graph.output.iter().map(|output| output.name.as_str());
        graph.node.iter().flat_map(reads).chain(outputs)
    });
    let inputs = node.input.iter().map(String::as_str);
    inputs.chain(inside).filter(|name| !name.is_empty()).collect()
}

/// All tensors that stand in a graph, those of its branches included.
pub(super) fn tensors(graph: &GraphProto) -> Vec<&TensorProto> {
    let attributes = graph.node.iter().flat_map(|node| &node.attribute);
    let inside = attributes.flat_map(|attribute| {
        let graphs = attribute.g.iter().chain(&attribute.graphs).flat_map(tensors);
        attribute.t.iter().chain(&attribute.tensors).chain(graphs)
    });
    graph.initializer.iter().chain(inside).collect()
}

/// The same, to be changed.
pub(super) fn tensors_mut(graph: &mut GraphProto) -> Vec<&mut TensorProto> {
    let attributes = graph.node.iter_mut().flat_map(|node| &mut node.attribute);
    let inside = attributes.flat_map(|attribute| {
        let graphs = attribute.g.iter_mut().chain(&mut attribute.graphs).flat_map(tensors_mut);
        attribute.t.iter_mut().chain(&mut attribute.tensors).chain(graphs)
    });
    graph.initializer.iter_mut().chain(inside).collect()
}

/// Renames every value of a graph, those inside of branches included.
pub(super) fn rename_in(graph: &mut GraphProto, rename: &impl Fn(&mut String)) {
    graph.initializer.iter_mut().for_each(|tensor| rename(&mut tensor.name));
    graph.output.iter_mut().for_each(|output| rename(&mut output.name));
    for node in &mut graph.node {
        node.input.iter_mut().chain(&mut node.output).for_each(rename);
        if subgraphs(node).next().is_some() {
            let attributes = node.attribute.iter_mut();
            attributes
                .flat_map(|attribute| attribute.g.iter_mut().chain(&mut attribute.graphs))
                .for_each(|inner| rename_in(inner, rename));
        }
    }
}

/// Which node defines each value.
pub(super) fn producers(graph: &GraphProto) -> HashMap<&str, &NodeProto> {
    let outputs = |node: &'_ NodeProto| node.output.len();
    let mut producers = HashMap::with_capacity(graph.node.iter().map(outputs).sum());
    for node in &graph.node {
        producers.extend(node.output.iter().map(|output| (output.as_str(), node)));
    }
    producers
}

/// A node with one output and without attributes.
pub(super) fn node(name: &str, op: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto {
        name: name.into(),
        op_type: op.into(),
        input: inputs.iter().map(ToString::to_string).collect(),
        output: vec![output.into()],
        ..NodeProto::default()
    }
}

/// A tensor with one element and no axes.
pub(super) fn scalar(name: &str, value: f32) -> TensorProto {
    TensorProto {
        name: name.into(),
        data_type: DataType::Float as i32,
        float_data: vec![value],
        ..TensorProto::default()
    }
}

/// Number of elements of a shape; `None` for negative axes or overflow.
pub(super) fn elements(dims: &[i64]) -> Option<u64> {
    dims.iter().try_fold(1u64, |product, &dim| product.checked_mul(u64::try_from(dim).ok()?))
}

/// The numbers of a tensor of floats or of integers of up to 32 bits.
pub(super) fn numbers(tensor: &TensorProto) -> Option<Vec<f64>> {
    fn read<const N: usize>(raw: &[u8], number: impl Fn([u8; N]) -> f64) -> Vec<f64> {
        raw.as_chunks::<N>().0.iter().map(|&bytes| number(bytes)).collect()
    }
    let (raw, kind) = (&tensor.raw_data, DataType::try_from(tensor.data_type).ok()?);
    if raw.is_empty() {
        return Some(match kind {
            DataType::Float => tensor.float_data.iter().copied().map(f64::from).collect(),
            DataType::Double => tensor.double_data.clone(),
            DataType::Float16 => {
                tensor.int32_data.iter().map(|&bits| half_to_f32(bits as u16).into()).collect()
            }
            DataType::Bfloat16 => tensor.int32_data.iter().map(|&bits| brain(bits as u16)).collect(),
            _ => tensor.int32_data.iter().copied().map(f64::from).collect(),
        });
    }
    Some(match kind {
        DataType::Float => read(raw, |bytes| f32::from_le_bytes(bytes).into()),
        DataType::Double => read(raw, f64::from_le_bytes),
        DataType::Float16 => read(raw, |bytes| half_to_f32(u16::from_le_bytes(bytes)).into()),
        DataType::Bfloat16 => read(raw, |bytes| brain(u16::from_le_bytes(bytes))),
        DataType::Bool | DataType::Uint8 => read(raw, |bytes| u8::from_le_bytes(bytes).into()),
        DataType::Int8 => read(raw, |bytes| i8::from_le_bytes(bytes).into()),
        DataType::Int16 => read(raw, |bytes| i16::from_le_bytes(bytes).into()),
        DataType::Uint16 => read(raw, |bytes| u16::from_le_bytes(bytes).into()),
        DataType::Int32 => read(raw, |bytes| i32::from_le_bytes(bytes).into()),
        _ => return None,
    })
}

/// A number of type bfloat16: the upper half of an f32.
fn brain(bits: u16) -> f64 {
    f32::from_bits(u32::from(bits) << 16).into()
}

/// The 64-bit integers of a tensor.
pub(super) fn int64s(tensor: &TensorProto) -> Option<Vec<i64>> {
    if tensor.data_type != DataType::Int64 as i32 {
        return None;
    }
    if tensor.raw_data.is_empty() {
        return Some(tensor.int64_data.clone());
    }
    let (chunks, _) = tensor.raw_data.as_chunks::<8>();
    Some(chunks.iter().map(|&bytes| i64::from_le_bytes(bytes)).collect())
}
