//! What a suite cannot compute.

use crate::error::{Diagnostic, Error, Result};
use crate::from_onnx::Model;
use crate::graph::Op;
use crate::options::CompileOptions;

/// Refuses products of two values in suite `blinded`, whose server adds encrypted numbers and cannot multiply them.
///
/// # Errors
/// [`Error::Unsupported`] with every such node.
pub(super) fn check(model: &Model, options: &CompileOptions) -> Result<()> {
    let graph = &model.graph;
    let products = graph.ids_in_order().into_iter().filter(|&id| matches!(graph.op(id), Op::Mul));
    let refused = products.map(|id| Diagnostic {
        node: graph.node(id).name.clone(),
        op: "Mul".into(),
        what: "it multiplies two computed values, which suite `blinded` cannot".into(),
        hint: "compile with --suite shared".into(),
    });
    let refused: Vec<Diagnostic> = if options.has_rings() { Vec::new() } else { refused.collect() };
    if refused.is_empty() { Ok(()) } else { Err(Error::Unsupported(refused)) }
}
