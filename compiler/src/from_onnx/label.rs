//! A model that ends in ArgMax, or in TopK of one class: it gives the label alone.
//!
//! Which class has the highest score is found under encryption if the label is all that the client
//! learns, so the model is read up to the scores.

use super::attributes::{self, display_name, int, int64s, producers};
use super::outputs;
use super::registry::{self, Classes, End, Label};
use super::stored::constant;
use crate::error::Diagnostic;
use runtime::plan::{ClassAxes, OutputPart, Postprocessing, spelled};
use tract_onnx::pb::{GraphProto, NodeProto};

/// More operators after the choice are not looked through.
const LONGEST: usize = 16;

/// The choice of the highest score that a model ended in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    node: String,
    /// The operator, as ONNX spells it.
    pub(super) op: String,
    /// The axis of the classes.
    axis: i64,
}

/// Takes the choice of the label off the end of the graph.
pub(super) fn strip(graph: &mut GraphProto) -> Option<Choice> {
    let [output] = &graph.output[..] else { return None };
    let by_value = producers(graph);
    let mut value = output.name.as_str();
    let mut node = *by_value.get(value)?;
    for _ in 0..LONGEST {
        if !matches!(registry::operator(node).end, End::CarriesAll) {
            break;
        }
        value = node.input.first()?;
        node = by_value.get(value)?;
    }
    let label = registry::label(node, value).filter(|label| is_of_one(graph, node, *label))?;
    let axis = int(node, "axis").unwrap_or(label.axis);
    let choice = Choice { node: display_name(node), op: node.op_type.clone(), axis };
    let mut scores = node.input.first()?.clone();
    if !by_value.contains_key(scores.as_str()) {
        let same = format!("{scores} scored");
        let copy = attributes::node(&same, "Identity", &[&scores], &same);
        graph.node.push(copy);
        scores = same;
    }
    graph.output[0] = tract_onnx::pb::ValueInfoProto { name: scores, ..Default::default() };
    outputs::prune(graph);
    Some(choice)
}

/// Whether the node gives the best class alone.
fn is_of_one(graph: &GraphProto, node: &NodeProto, label: Label) -> bool {
    let Classes::Counted { operand, attribute } = label.classes else {
        return int(node, "select_last_index") != Some(1);
    };
    let count = match node.input.get(operand) {
        Some(name) => constant(graph, name).and_then(int64s).and_then(|counts| counts.first().copied()),
        None => int(node, attribute),
    };
    count == Some(1) && int(node, "largest") != Some(0)
}

/// Notes along which axis the model chooses, among `outputs`, which is the one of the scores.
///
/// # Errors
/// The model chooses among images, or along another axis than the softmax before it.
pub(super) fn set_classes(choice: &Choice, outputs: &mut [OutputPart]) -> Result<(), Diagnostic> {
    let [part] = outputs else { return Ok(()) };
    let rank = part.axes.len() as i64 + 1;
    let axis = if choice.axis < 0 { choice.axis + rank } else { choice.axis };
    let first = usize::try_from(axis - 1).ok().filter(|&first| first < part.axes.len());
    let along = first.map(|first| ClassAxes { first, end: first + 1 });
    let scores = |classes: ClassAxes| classes.scores(&part.axes);
    let fits = match (along.map(scores), part.classes.map(scores)) {
        (Some(along), Some(softmax)) if part.postprocessing != Postprocessing::None => along == softmax,
        (along, _) => along.is_some(),
    };
    if fits {
        part.classes = along;
        return Ok(());
    }
    Err(Diagnostic {
        node: choice.node.clone(),
        op: choice.op.clone(),
        what: format!("it chooses along axis {} of scores of {}", choice.axis, spelled(&part.axes)),
        hint: "choose along the axis of the classes, that of the softmax if there is one".into(),
    })
}
