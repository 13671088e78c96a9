//! Weights that are no numbers.

use super::refusal::Refusal;
use super::registry;
use super::stored::stored_value;
use std::collections::HashMap;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{GraphProto, NodeProto, TensorProto};

/// The stored tensors that hold NaN or infinity, by name.
pub(super) struct NotFinite<'a>(HashMap<&'a str, &'static str>);

impl<'a> NotFinite<'a> {
    /// Finds them among the initializers and Constant nodes of `graph`.
    pub(super) fn new(graph: &'a GraphProto) -> Self {
        let stored = graph.initializer.iter().map(|tensor| (tensor.name.as_str(), tensor));
        let nodes =
            graph.node.iter().filter_map(|node| Some((node.output.first()?.as_str(), stored_value(node)?)));
        Self(stored.chain(nodes).filter_map(|(name, tensor)| Some((name, flaw(tensor)?))).collect())
    }

    /// Refuses a node that reads one of them.
    pub(super) fn check(&self, node: &NodeProto) -> Result<(), Refusal> {
        let bounds = registry::operator(node).takes_infinity;
        let found = node.input.iter().filter_map(|input| self.0.get(input.as_str()));
        match found.into_iter().find(|&&flaw| flaw == NAN || !bounds) {
            Some(flaw) => Err(Refusal::not_finite(flaw)),
            None => Ok(()),
        }
    }
}

const NAN: &str = "NaN";
const INFINITE: &str = "infinite";

fn flaw(tensor: &TensorProto) -> Option<&'static str> {
    if tensor.data_type != DataType::Float as i32 {
        return None;
    }
    let stored = tensor.raw_data.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes));
    let mut values = stored.chain(tensor.float_data.iter().copied());
    if values.clone().any(f32::is_nan) {
        return Some(NAN);
    }
    values.any(f32::is_infinite).then_some(INFINITE)
}
