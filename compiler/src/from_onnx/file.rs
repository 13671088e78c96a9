//! The file: read within bounds and decoded; every tensor checked against the data that is there.

use super::tensor::MAX_BYTES;
use super::{attributes, external, functions, tensor};
use crate::error::{Error, Result};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use tract_onnx::pb::{GraphProto, ModelProto};
use tract_onnx::prelude::Framework;

/// More than any network that could be run under encryption.
const MAX_NODES: usize = 20_000;

/// Reads and decodes a model.
pub(super) fn decode(path: &Path) -> Result<ModelProto> {
    let bytes = read(path)?;
    if bytes.is_empty() {
        return Err(Error::malformed(path, "the file is empty"));
    }
    let mut proto = super::guard::quietly(|| tract_onnx::onnx().proto_model_for_read(&mut bytes.as_slice()))
        .map_err(|what| Error::malformed(path, &what))?
        .map_err(|error| Error::malformed(path, &format!("this is no ONNX model ({error:#})")))?;
    functions::write_out_own(&mut proto, &bytes).map_err(|found| Error::Unsupported(vec![found]))?;
    drop(bytes);
    let graph = proto.graph.as_mut().ok_or_else(|| Error::malformed(path, "the file holds no ONNX graph"))?;
    let checked = external::load(graph, path).and_then(|()| check(graph));
    checked.map_err(|what| Error::malformed(path, &what))?;
    Ok(proto)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let io = |source| Error::File { path: path.into(), source };
    let file = File::open(path).map_err(io)?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Error::malformed(path, "the file is larger than 2 GiB"));
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
    for found in attributes::tensors(graph) {
        tensor::check(found).map_err(|what| format!("tensor '{}': {what}", found.name))?;
    }
    if !graph.sparse_initializer.is_empty() {
        return Err("sparse initializers are not supported; store the weights as dense tensors".into());
    }
    Ok(())
}
