//! The file: read within bounds and decoded; every tensor checked against the data that is there.

use super::{attributes, external};
use crate::error::{Error, Result};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{GraphProto, ModelProto, TensorProto};
use tract_onnx::prelude::Framework;

/// Largest file that is read, in bytes: the limit of Protobuf itself.
pub(super) const MAX_BYTES: u64 = 1 << 31;
/// More than any network that could be run under encryption.
const MAX_NODES: usize = 20_000;
/// Most elements that one tensor may have.
pub(super) const MAX_ELEMENTS: u64 = 1 << 28;
/// Axes of one tensor.
const MAX_RANK: usize = 16;

/// Reads and decodes a model.
pub(super) fn decode(path: &Path) -> Result<ModelProto> {
    let bytes = read(path)?;
    if bytes.is_empty() {
        return Err(malformed(path, "the file is empty"));
    }
    let mut proto = super::guard::quietly(|| tract_onnx::onnx().proto_model_for_read(&mut bytes.as_slice()))
        .map_err(|what| malformed(path, &what))?
        .map_err(|error| malformed(path, &format!("this is no ONNX model ({error:#})")))?;
    let graph = proto.graph.as_mut().ok_or_else(|| malformed(path, "the file holds no ONNX graph"))?;
    let checked = external::load(graph, path).and_then(|()| check(graph));
    checked.map_err(|what| malformed(path, &what))?;
    Ok(proto)
}

pub(super) fn malformed(path: &Path, what: &str) -> Error {
    Error::Malformed { path: path.into(), what: what.into() }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let io = |source| Error::File { path: path.into(), source };
    let file = File::open(path).map_err(io)?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(malformed(path, "the file is larger than 2 GiB"));
    }
    Ok(bytes)
}

/// What decodes as protobuf but cannot be a model.
pub(super) fn check(graph: &GraphProto) -> std::result::Result<(), String> {
    if graph.node.is_empty() || graph.output.is_empty() {
        return Err("the graph has no operators or no output".into());
    }
    if graph.node.len() > MAX_NODES {
        return Err(format!("the graph has {} operators, more than {MAX_NODES}", graph.node.len()));
    }
    for tensor in attributes::tensors(graph) {
        check_tensor(tensor).map_err(|what| format!("tensor '{}': {what}", tensor.name))?;
    }
    if !graph.sparse_initializer.is_empty() {
        return Err("sparse initializers are not supported; store the weights as dense tensors".into());
    }
    Ok(())
}

fn check_tensor(tensor: &TensorProto) -> std::result::Result<(), String> {
    if tensor.raw_data.is_empty() {
        // tract compares the other fields' lengths with the shape.
        return elements(tensor).map(|_| ());
    }
    if tensor.raw_data.len() as u64 == byte_len(tensor)? {
        return Ok(());
    }
    Err(format!("{} bytes of data for a shape of {:?}", tensor.raw_data.len(), tensor.dims))
}

fn elements(tensor: &TensorProto) -> std::result::Result<u64, String> {
    let fits = |&elements: &u64| elements <= MAX_ELEMENTS && tensor.dims.len() <= MAX_RANK;
    let elements = attributes::elements(&tensor.dims).filter(fits);
    elements.ok_or_else(|| format!("impossible shape {:?}", tensor.dims))
}

/// Bytes that the elements of a tensor take.
pub(super) fn byte_len(tensor: &TensorProto) -> std::result::Result<u64, String> {
    let size = match DataType::try_from(tensor.data_type) {
        Ok(DataType::Double | DataType::Int64 | DataType::Uint64) => 8,
        Ok(DataType::Float | DataType::Int32 | DataType::Uint32) => 4,
        Ok(DataType::Float16 | DataType::Bfloat16 | DataType::Int16 | DataType::Uint16) => 2,
        Ok(DataType::Bool | DataType::Int8 | DataType::Uint8) => 1,
        Ok(kind) => return Err(format!("elements of type {} are not supported", kind.as_str_name())),
        Err(_) => return Err(format!("element type {} is not supported", tensor.data_type)),
    };
    Ok(elements(tensor)? * size)
}
