//! What a suite cannot compute, and what cannot be revealed.

use crate::error::{Diagnostic, Error, Result};
use crate::from_onnx::Model;
use crate::graph::Op;
use crate::options::CompileOptions;
use runtime::plan::{Revealed, are_of_map};

/// Refuses products of two values in suite `blinded`, whose server adds encrypted numbers and cannot multiply them, and the label of
/// a map.
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
    let mut refused: Vec<Diagnostic> = if options.has_rings() { Vec::new() } else { refused.collect() };
    if options.reveal == Revealed::Label && are_of_map(&model.output) {
        refused.push(Diagnostic {
            node: graph.node(graph.output()).name.clone(),
            op: graph.op(graph.output()).name().into(),
            what: "the model gives a map, not one score for each class".into(),
            hint: "compile with --reveal logits".into(),
        });
    }
    if refused.is_empty() { Ok(()) } else { Err(Error::Unsupported(refused)) }
}
