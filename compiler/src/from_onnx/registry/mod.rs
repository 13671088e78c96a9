//! The ONNX operators: one table, which holds everything that the import knows of an operator. From it come the
//! check, its messages and the guide's table.
//!
//! To add an operator that tract knows: its row in `table`, with a function of `translate::rows`; its model in
//! `tests/rows.rs`; the guide's table, printed by `popcornc operators`. A part into which tract takes it apart and
//! which nothing had yet is a line in `translate::curves`.

mod check;
mod columns;
mod operator;
mod reasons;
mod table;

pub(super) use check::{NEAREST, UNSETTLED};
pub(super) use columns::{
    Arithmetic, Axes, Bounds, Classes, Condition, Constants, Element, End, Label, Size, Values,
};
#[cfg(test)]
pub(super) use operator::Unsupported;
pub(super) use operator::{Operator, Support};
pub(super) use table::OPERATORS;

use super::refusal::Refusal;
use super::translate::Translate;
use std::fmt::Write;
use tract_onnx::pb::NodeProto;

/// What is known of an operator that has no row of its own: it is refused.
static UNLISTED: Operator = Operator::new("");

/// The table's row for a node's operator, or one that refuses it.
pub(super) fn operator(node: &NodeProto) -> &'static Operator {
    if is_standard(node) { named(&node.op_type) } else { &UNLISTED }
}

/// Whether the operator is one of ONNX's own.
fn is_standard(node: &NodeProto) -> bool {
    matches!(node.domain.as_str(), "" | "ai.onnx")
}

/// What is known of the operator that ONNX spells so.
fn named(name: &str) -> &'static Operator {
    OPERATORS.binary_search_by_key(&name, |row| row.name).map_or(&UNLISTED, |index| &OPERATORS[index])
}

/// The choice by which `node` gives `value`, if that is the position of a class.
pub(super) fn label(node: &NodeProto, value: &str) -> Option<Label> {
    match operator(node).end {
        End::Label(label) => node.output.get(label.output).filter(|output| *output == value).map(|_| label),
        End::Scores | End::CarriesScores | End::CarriesAll | End::Other => None,
    }
}

/// The function that translates the parts into which tract takes the operator that ONNX spells so.
pub(super) fn translation(name: &str) -> Result<Translate, Refusal> {
    match named(name).support {
        Support::Yes { translate, .. } => Ok(translate),
        Support::No(unsupported) => Err(unsupported.refusal()),
    }
}

/// The table for the guide.
pub fn markdown() -> String {
    let mut text = String::from("| operator | supported |\n|---|---|\n");
    for row in OPERATORS {
        if let Support::Yes { limits, .. } = row.support {
            let _ = writeln!(text, "| {} | {limits} |", row.name);
        }
    }
    let folded = OPERATORS.iter().filter(|row| matches!(row.constants, Constants::Folded(_)));
    let folded: Vec<&str> = folded.map(|row| row.name).collect();
    let _ = writeln!(text, "| {} | where the result does not depend on the image |", folded.join(", "));
    text
}

/// Whether a node that depends on the image is supported, as far as its attributes tell.
pub(super) fn check(node: &NodeProto) -> Result<(), Refusal> {
    if !is_standard(node) {
        return Err(Refusal::new(
            format!("operators of the domain '{}' are not part of ONNX", node.domain),
            "export with standard operators",
        ));
    }
    match operator(node).support {
        Support::Yes { .. } => check_attributes(node),
        Support::No(unsupported) => Err(unsupported.refusal()),
    }
}

/// Refuses attributes that no tensor fits, whether or not the node depends on the image.
pub(super) fn check_attributes(node: &NodeProto) -> Result<(), Refusal> {
    let row = operator(node);
    let Support::Yes { check, .. } = row.support else { return Ok(()) };
    let known = |name: &str| row.attributes.contains(&name);
    match node.attribute.iter().find(|attribute| !known(&attribute.name)) {
        Some(unknown) => Err(Refusal::new(
            format!("its attribute '{}' is not known", unknown.name),
            "export with an earlier opset; those up to 28 are known",
        )),
        None => check(node),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_unique_and_sorted() {
        assert!(OPERATORS.is_sorted_by(|a, b| a.name < b.name));
    }

    #[test]
    fn unlisted_operators_are_refused() {
        let node = NodeProto { op_type: "Frobnicate".into(), ..NodeProto::default() };
        assert!(check(&node).is_err() && operator(&node).constants == Constants::Refused);
        assert!(markdown().contains("| Relu | any |"));
    }
}
