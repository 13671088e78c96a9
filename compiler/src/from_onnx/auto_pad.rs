//! Padding that is computed, next to padding that is given.
//!
//! Some exporters write `pads` of zero beside `auto_pad`. Then `auto_pad` counts; tract would take the zeros.

use super::attributes::string;
use tract_onnx::pb::ModelProto;

/// Removes `pads` where `auto_pad` says how to pad; the registry has made sure that they are zero.
pub(super) fn prefer(proto: &mut ModelProto) {
    for node in proto.graph.iter_mut().flat_map(|graph| &mut graph.node) {
        if matches!(string(node, "auto_pad").as_deref(), Some("VALID" | "SAME_UPPER" | "SAME_LOWER")) {
            node.attribute.retain(|attribute| attribute.name != "pads");
        }
    }
}
