//! Tensors that the file holds: initializers, and the values of Constant nodes.

use super::attributes::attribute;
use super::registry;
use tract_onnx::pb::{GraphProto, NodeProto, TensorProto};

/// The tensor that `name` stands for: an initializer, or the value of a Constant node.
pub(super) fn constant<'a>(graph: &'a GraphProto, name: &str) -> Option<&'a TensorProto> {
    let initializer = graph.initializer.iter().find(|tensor| tensor.name == name);
    initializer.or_else(|| {
        let node = graph
            .node
            .iter()
            .find(|node| registry::operator(node).is_stored() && node.output.iter().any(|o| o == name))?;
        stored_value(node)
    })
}

/// The tensor that a Constant node holds.
pub(super) fn stored_value(node: &NodeProto) -> Option<&TensorProto> {
    attribute(node, "value").filter(|_| registry::operator(node).is_stored())?.t.as_ref()
}
