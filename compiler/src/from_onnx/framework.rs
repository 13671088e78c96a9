//! tract, with what it lacks: checks of axes, Upsample, operands that early Resizes leave out, padding that goes on from the
//! other side.

use super::attributes::string;
use super::ranked::{RANKED, ranked, shaped};
use super::wrap::Wrap;
use tract_onnx::model::{Onnx, ParsingContext};
use tract_onnx::pb::{ModelProto, NodeProto};
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
    onnx.op_register.insert("Reshape", reshape);
    for (op, _) in RANKED {
        onnx.op_register.insert(op, layer);
    }
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

/// A layer that tract reads beyond the axes of.
fn layer(context: &ParsingContext<'_>, node: &NodeProto) -> Built {
    let (built, closures) = standard(context, node, &node.op_type)?;
    let least = RANKED.iter().find(|(op, _)| *op == node.op_type).map_or(0, |&(_, least)| least);
    Ok((ranked(built, least)?, closures))
}

fn reshape(context: &ParsingContext<'_>, node: &NodeProto) -> Built {
    let (built, closures) = standard(context, node, "Reshape")?;
    Ok((shaped(built)?, closures))
}

fn pad(context: &ParsingContext<'_>, node: &NodeProto) -> Built {
    if string(node, "mode").as_deref() != Some("wrap") {
        return standard(context, node, "Pad");
    }
    let given = |position: usize| node.input.get(position).is_some_and(|name| !name.is_empty());
    Ok((expand(Wrap { axes: given(3).then_some(2) }), Vec::new()))
}

/// From opset 11 on operands may be left out; tract expects them before 13.
fn resize(context: &ParsingContext<'_>, node: &NodeProto) -> Built {
    let opset = match context.onnx_operator_set_version {
        11..13 => 13,
        other => other,
    };
    standard(&ParsingContext { onnx_operator_set_version: opset, ..context.clone() }, node, "Resize")
}

/// A Resize of opset 10.
fn upsample(context: &ParsingContext<'_>, node: &NodeProto) -> Built {
    resize(&ParsingContext { onnx_operator_set_version: 10, ..context.clone() }, node)
}
