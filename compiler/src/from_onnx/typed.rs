//! tract's typed model: shapes and types inferred, layers still whole.

use super::guard::quietly;
use crate::error::{Diagnostic, Error, Result};
use std::path::Path;
use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::{InferenceModelExt, TractResult, TypedModel};

/// Most elements that a value that depends on the image may have.
pub(super) const MAX_ACTIVATIONS: usize = 1 << 24;

/// Name and operator of every ONNX node; tract's nodes point into the list.
pub(super) struct Names(Vec<(String, String)>);

/// Gives every node a unique name that begins with its number, so that whatever tract derives from
/// it can be traced back, and tract never sees two nodes of one name.
pub(super) fn name_nodes(proto: &mut ModelProto) -> Names {
    let nodes = proto.graph.iter_mut().flat_map(|graph| &mut graph.node).enumerate();
    Names(
        nodes
            .map(|(index, node)| {
                let name = super::attributes::display_name(node);
                node.name = format!("@{index} {name}");
                (name, node.op_type.clone())
            })
            .collect(),
    )
}

impl Names {
    /// Where a node stands in the file; after all of them for other names.
    pub(super) fn position(&self, node: &str) -> usize {
        self.0.iter().position(|(name, _)| name == node).unwrap_or(self.0.len())
    }

    /// The operator of the node of this name.
    pub(super) fn op(&self, node: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == node).map(|(_, op)| op.as_str())
    }

    /// Name and operator of the ONNX node that a tract node (or a message about one) comes from.
    pub(super) fn origin(&self, text: &str) -> Option<(&str, &str)> {
        let number =
            text.split('@').skip(1).find_map(|rest| rest.split_once(' ')?.0.parse::<usize>().ok())?;
        self.0.get(number).map(|(name, op)| (name.as_str(), op.as_str()))
    }
}

/// Parses and types a model whose batch is fixed.
pub(super) fn load(proto: &ModelProto, path: &Path, names: &Names) -> Result<TypedModel> {
    let typed = quietly(|| parse(proto)).map_err(|what| Error::malformed(path, &what))?;
    let typed = typed.map_err(|error| {
        let what = format!("{error:#}");
        match names.origin(&what) {
            Some((node, op)) => {
                let hint = "check the model with onnx.checker and onnx.shape_inference".into();
                Error::Unsupported(vec![Diagnostic {
                    node: node.into(),
                    op: op.into(),
                    what: innermost(&what),
                    hint,
                }])
            }
            None => Error::malformed(path, &what),
        }
    })?;
    check_sizes(&typed).map_err(|what| Error::malformed(path, &what))?;
    Ok(typed)
}

fn parse(proto: &ModelProto) -> TractResult<TypedModel> {
    let parsed = super::framework::framework().parse(proto, None)?;
    parsed.model.into_typed()
}

/// The last of tract's nested messages says what is wrong.
fn innermost(message: &str) -> String {
    format!("its shape or type cannot be inferred ({})", message.rsplit(": ").next().unwrap_or(message))
}

fn check_sizes(typed: &TypedModel) -> std::result::Result<(), String> {
    for node in typed.nodes() {
        for output in &node.outputs {
            let dims = output
                .fact
                .shape
                .as_concrete()
                .ok_or_else(|| format!("the shape of '{}' is not fixed", node.name))?;
            let elements = dims.iter().try_fold(1usize, |product, &dim| product.checked_mul(dim));
            let limit = if output.fact.konst.is_some() {
                super::tensor::MAX_ELEMENTS as usize
            } else {
                MAX_ACTIVATIONS
            };
            if elements.is_none_or(|elements| elements > limit) {
                return Err(format!("'{}' is too large ({dims:?})", node.name));
            }
        }
    }
    Ok(())
}
