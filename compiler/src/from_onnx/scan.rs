//! The first look: every operator held against the registry, before anything is evaluated.

use super::attributes::display_name;
use super::constants::{Extents, computed, reads_shape};
use super::file::malformed;
use super::finite::NotFinite;
use super::registry;
use super::report::OperatorReport;
use crate::error::{Diagnostic, Result};
use std::collections::HashSet;
use std::path::Path;
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto};

/// What the scan found.
pub(super) struct Findings {
    /// Every operator, in the order of the file.
    pub(super) operators: Vec<OperatorReport>,
    /// What concerns no operator.
    pub(super) problems: Vec<Diagnostic>,
}

impl Findings {
    /// Everything that is not supported.
    pub(super) fn into_diagnostics(self) -> Vec<Diagnostic> {
        let refused = self.operators.into_iter().filter(|operator| !operator.supported);
        self.problems.into_iter().chain(refused.map(OperatorReport::diagnostic)).collect()
    }
}

/// Looks at every node of a model.
pub(super) fn scan(proto: &ModelProto, path: &Path) -> Result<Findings> {
    let empty = GraphProto::default();
    let graph = proto.graph.as_ref().unwrap_or(&empty);
    check_order(graph).map_err(|what| malformed(path, &what))?;
    let computed = computed(graph);
    let mut extents = Extents::of_weights(graph);
    let not_finite = NotFinite::of(graph);
    let operators =
        graph.node.iter().map(|node| operator(node, &computed, &mut extents, &not_finite)).collect();
    Ok(Findings { operators, problems: problems(graph, &computed) })
}

fn operator(
    node: &NodeProto,
    computed: &HashSet<String>,
    extents: &mut Extents,
    not_finite: &NotFinite,
) -> OperatorReport {
    let depends = !reads_shape(node) && node.input.iter().any(|input| computed.contains(input));
    let verdict = if depends { registry::check(node) } else { extents.fold(node) };
    let verdict = verdict.and_then(|()| not_finite.check(node));
    let (node, op) = (display_name(node), node.op_type.clone());
    match verdict {
        Ok(()) => OperatorReport { node, op, supported: true, what: String::new(), hint: String::new() },
        Err(refusal) => {
            let Diagnostic { node, op, what, hint } = refusal.about(&node, &op);
            OperatorReport { node, op, supported: false, what, hint }
        }
    }
}

fn problems(graph: &GraphProto, computed: &HashSet<String>) -> Vec<Diagnostic> {
    let problem = |node: &str, what: String, hint: &str| Diagnostic {
        node: node.into(),
        op: "Output".into(),
        what,
        hint: hint.into(),
    };
    let mut problems = Vec::new();
    if let [_, _, ..] = graph.output[..] {
        let names: Vec<&str> = graph.output.iter().map(|output| output.name.as_str()).collect();
        let what = format!("the model has {} outputs ({})", names.len(), names.join(", "));
        problems.push(problem("model", what, "keep only the logits as output"));
    }
    for output in graph.output.iter().filter(|output| !computed.contains(&output.name)) {
        problems.push(problem(&output.name, "the output does not depend on the input".into(), ""));
    }
    problems
}

/// Refuses values that are used before they are defined, or defined twice: cycles, typing errors.
fn check_order(graph: &GraphProto) -> std::result::Result<(), String> {
    let stored: Vec<&str> = graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
    let inputs: Vec<&str> = graph.input.iter().map(|input| input.name.as_str()).collect();
    for names in [&stored, &inputs] {
        let mut seen = HashSet::new();
        if let Some(twice) = names.iter().find(|&name| !seen.insert(name)) {
            return Err(format!("'{twice}' is defined twice"));
        }
    }
    let mut defined: HashSet<&str> = stored.into_iter().chain(inputs).collect();
    for node in &graph.node {
        if let Some(input) =
            node.input.iter().find(|input| !input.is_empty() && !defined.contains(input.as_str()))
        {
            return Err(format!(
                "node '{}' reads '{input}', which nothing before it defines",
                display_name(node)
            ));
        }
        for output in node.output.iter().filter(|output| !output.is_empty()) {
            if !defined.insert(output) {
                return Err(format!("'{output}' is defined twice"));
            }
        }
    }
    match graph.output.iter().find(|output| !defined.contains(output.name.as_str())) {
        Some(output) => Err(format!("nothing defines the output '{}'", output.name)),
        None => Ok(()),
    }
}
