//! The first look: every operator held against the registry, before anything is evaluated.

use super::attributes::{display_name, reads};
use super::constants::{Extents, computed, reads_shape};
use super::finite::NotFinite;
use super::operator_report::OperatorReport;
use super::refusal::Refusal;
use super::registry;
use crate::error::Diagnostic;
use std::collections::HashSet;
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto};

/// What is and what is not supported of a model.
pub(super) struct Findings {
    /// Every operator, in the order of the file.
    pub(super) operators: Vec<OperatorReport>,
    /// Problems of the whole graph, such as its inputs and outputs.
    pub(super) problems: Vec<Diagnostic>,
}

impl Findings {
    /// Everything that is not supported.
    pub(super) fn into_diagnostics(self) -> Vec<Diagnostic> {
        let refused = self.operators.into_iter().filter(|operator| !operator.supported);
        self.problems.into_iter().chain(refused.map(OperatorReport::diagnostic)).collect()
    }
}

/// Looks at every node of a model; they are in order.
pub(super) fn scan(proto: &ModelProto) -> Findings {
    let empty = GraphProto::default();
    let graph = proto.graph.as_ref().unwrap_or(&empty);
    let mut scan = Scan {
        computed: computed(graph),
        extents: Extents::of_weights(graph),
        not_finite: NotFinite::new(graph),
        unknown: HashSet::new(),
    };
    let operators: Vec<OperatorReport> = graph.node.iter().map(|node| scan.operator(node)).collect();
    let problems = if scan.unknown.is_empty() { problems(graph, &scan.computed) } else { Vec::new() };
    Findings { operators, problems }
}

/// What is known on the way.
struct Scan<'a> {
    computed: HashSet<String>,
    extents: Extents<'a>,
    not_finite: NotFinite<'a>,
    /// Results of refused operators, and constants that depend on them.
    unknown: HashSet<&'a str>,
}

impl<'a> Scan<'a> {
    fn operator(&mut self, node: &'a NodeProto) -> OperatorReport {
        let verdict = self.verdict(node);
        if verdict.is_err() {
            self.unknown.extend(node.output.iter().map(String::as_str));
        }
        let (node, op) = (display_name(node), node.op_type.clone());
        match verdict {
            Ok(()) => OperatorReport { node, op, supported: true, what: String::new(), hint: String::new() },
            Err(refusal) => {
                let Diagnostic { node, op, what, hint } = refusal.about(&node, &op);
                OperatorReport { node, op, supported: false, what, hint }
            }
        }
    }

    /// An operator on what a refused one gives is judged by itself; a constant cannot be.
    fn verdict(&mut self, node: &'a NodeProto) -> Result<(), Refusal> {
        let reads = reads(node);
        let condition = node.input.first().filter(|_| registry::operator(node).branches());
        let verdict = if condition.is_some_and(|name| self.unknown.contains(name.as_str())) {
            Ok(())
        } else if !reads_shape(node) && reads.iter().any(|&name| self.computed.contains(name)) {
            registry::check(node)
        } else if reads.iter().any(|name| self.unknown.contains(name)) {
            self.unknown.extend(node.output.iter().map(String::as_str));
            return Ok(());
        } else {
            self.extents.fold(node)
        };
        verdict.and_then(|()| self.not_finite.check(node))
    }
}

fn problems(graph: &GraphProto, computed: &HashSet<String>) -> Vec<Diagnostic> {
    let constant = graph.output.iter().filter(|output| !computed.contains(&output.name));
    constant
        .map(|output| Diagnostic {
            node: output.name.clone(),
            op: "Output".into(),
            what: "the output does not depend on the input".into(),
            hint: String::new(),
        })
        .collect()
}
