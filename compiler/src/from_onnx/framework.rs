//! tract, with what it lacks: Upsample, the rounding of early Resizes, padding that goes on from the other side.

use super::attributes::string;
use super::wrap::Wrap;
use tract_onnx::model::{Onnx, ParsingContext};
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::{AttributeProto, ModelProto, NodeProto};
use tract_onnx::tract_hir::internal::{InferenceOp, TractResult, expand};

/// What tract makes of a node.
type Built = TractResult<(Box<dyn InferenceOp>, Vec<String>)>;

/// tract's reader of ONNX models.
pub(super) fn framework() -> Onnx {
    let mut onnx = tract_onnx::onnx();
    onnx.ignore_value_info = true; // declared for the exporter's batch, not for ours
    onnx.op_register.insert("Pad", pad);
    onnx.op_register.insert("Resize", resize);
    onnx.op_register.insert("Upsample", upsample);
    onnx
}

/// Takes the filler off paddings that have no use for it; tract would fill.
pub(super) fn without_fillers(proto: &mut ModelProto) {
    for node in proto.graph.iter_mut().flat_map(|graph| &mut graph.node) {
        if node.op_type == "Pad" && !is_constant(node) {
            node.input.iter_mut().skip(2).take(1).for_each(String::clear);
        }
    }
}

fn is_constant(node: &NodeProto) -> bool {
    matches!(string(node, "mode").as_deref(), None | Some("" | "constant"))
}

fn standard(context: &ParsingContext<'_>, node: &NodeProto, op: &str) -> Built {
    match tract_onnx::onnx().op_register.0.get(op) {
        Some(build) => build(context, node),
        None => Err(tract_onnx::prelude::TractError::msg(format!("tract has no {op}"))),
    }
}

fn pad(context: &ParsingContext<'_>, node: &NodeProto) -> Built {
    if string(node, "mode").as_deref() != Some("wrap") {
        return standard(context, node, "Pad");
    }
    let given = |position: usize| node.input.get(position).is_some_and(|name| !name.is_empty());
    Ok((expand(Wrap { axes: given(3).then_some(2) }), Vec::new()))
}

/// Before opset 11 the pixel is always the one below; tract rounds. From then on operands may be left out; tract expects them
/// before 13.
fn resize(context: &ParsingContext<'_>, node: &NodeProto) -> Built {
    let mut node = node.clone();
    if (11..13).contains(&context.onnx_operator_set_version) {
        return standard(&ParsingContext { onnx_operator_set_version: 13, ..context.clone() }, &node, "Resize");
    }
    if context.onnx_operator_set_version == 10 {
        node.attribute.push(AttributeProto {
            name: "nearest_mode".into(),
            r#type: AttributeType::String as i32,
            s: b"floor".to_vec(),
            ..AttributeProto::default()
        });
    }
    standard(context, &node, "Resize")
}

/// A Resize of opset 10.
fn upsample(context: &ParsingContext<'_>, node: &NodeProto) -> Built {
    resize(&ParsingContext { onnx_operator_set_version: 10, ..context.clone() }, node)
}
