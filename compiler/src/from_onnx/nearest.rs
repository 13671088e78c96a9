//! Early resizes say how they round in their attributes, as later ones do.

use super::attributes::numbers;
use super::registry::{NEAREST, UNSETTLED};
use super::stored::constant;
use super::versions;
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::{AttributeProto, ModelProto, NodeProto};

/// Says which pixel is the nearest where that follows from the opset: before 11, the one below where images become larger, the
/// one above where they become smaller; where they do both, none.
pub(super) fn settle(proto: &mut ModelProto) {
    if versions::standard(&proto.opset_import).is_none_or(|opset| opset > 10) {
        return;
    }
    let graph = proto.graph.get_or_insert_default();
    let resizes = |node: &NodeProto| matches!(node.op_type.as_str(), "Resize" | "Upsample");
    let of_node = |node: &NodeProto| {
        let scales = constant(graph, node.input.get(1)?).and_then(numbers)?;
        let (smaller, larger) =
            (scales.iter().any(|&scale| scale < 1.0), scales.iter().any(|&scale| scale > 1.0));
        Some(if !smaller {
            "floor"
        } else if !larger {
            "ceil"
        } else {
            UNSETTLED
        })
    };
    let nearest = graph.node.iter().map(|node| resizes(node).then(|| of_node(node).unwrap_or("floor")));
    let nearest: Vec<Option<&str>> = nearest.collect();
    for (node, nearest) in graph.node.iter_mut().zip(nearest) {
        if let Some(nearest) = nearest {
            node.attribute.push(AttributeProto {
                name: NEAREST.into(),
                r#type: AttributeType::String as i32,
                s: nearest.into(),
                ..AttributeProto::default()
            });
        }
    }
}
