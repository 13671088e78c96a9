//! Which of several outputs are compiled, and only what they need.
//!
//! Models give features beside logits, or the heads that helped to train them. Those that are asked for are compiled, else
//! the one that looks most like the scores of classes.

use super::attributes::{producers, reads};
use super::registry::{self, End};
use runtime::plan::validate::MAX_OUTPUTS;
use std::collections::{HashMap, HashSet};
use tract_onnx::pb::type_proto::Value;
use tract_onnx::pb::{GraphProto, NodeProto, ValueInfoProto};

/// More operators in a row are not looked through.
const LONGEST: usize = 32;

/// Leaves the outputs `wanted` (any values of the graph), or the likeliest; what there is to say about it.
///
/// # Errors
/// Nothing is called so, one is wanted twice, or there are too many.
pub(super) fn choose(graph: &mut GraphProto, wanted: &[String]) -> Result<Option<String>, String> {
    if wanted.len() > MAX_OUTPUTS {
        return Err(format!(
            "{} outputs are wanted; at most {MAX_OUTPUTS} are revealed together",
            wanted.len()
        ));
    }
    if let Some(twice) = wanted.iter().enumerate().find(|(index, name)| wanted[..*index].contains(name)) {
        return Err(format!("the output '{}' is wanted twice", twice.1));
    }
    let (chosen, note) = if wanted.is_empty() {
        let (likeliest, note) = likeliest(graph);
        (vec![likeliest], note)
    } else {
        (wanted.iter().map(|name| named(graph, name)).collect::<Result<_, String>>()?, None)
    };
    graph.output = chosen;
    prune(graph);
    Ok(note)
}

fn named(graph: &GraphProto, name: &str) -> Result<ValueInfoProto, String> {
    if let Some(output) = graph.output.iter().find(|output| output.name == name) {
        return Ok(output.clone());
    }
    if graph.node.iter().flat_map(|node| &node.output).any(|output| output == name) {
        return Ok(ValueInfoProto { name: name.into(), ..ValueInfoProto::default() });
    }
    Err(format!("the model has no output '{name}'; it has {}", listed(graph)))
}

/// What the outputs are called.
pub(super) fn names(graph: &GraphProto) -> Vec<String> {
    graph.output.iter().map(|output| output.name.clone()).collect()
}

fn listed(graph: &GraphProto) -> String {
    names(graph).join(", ")
}

fn likeliest(graph: &GraphProto) -> (ValueInfoProto, Option<String>) {
    let by_value = producers(graph);
    let rank = |output: &ValueInfoProto| {
        let unread = graph
            .output
            .iter()
            .all(|other| other.name == output.name || !depends(&by_value, &other.name, &output.name));
        let scores = looks_like_scores(&by_value, &output.name);
        (is_vector(output) || scores > 0, scores > 0 && unread, scores, unread)
    };
    let mut chosen = &graph.output[0];
    if graph.output.len() > 1 {
        let ranks: Vec<_> = graph.output.iter().map(rank).collect();
        let best = ranks.iter().max();
        let first = ranks.iter().position(|rank| Some(rank) == best);
        chosen = &graph.output[first.unwrap_or(0)];
    }
    let note = (graph.output.len() > 1).then(|| {
        format!(
            "the model has {} outputs ({}); this is about '{}'; --model-output NAME takes another, or several if given again",
            graph.output.len(),
            listed(graph),
            chosen.name
        )
    });
    (chosen.clone(), note)
}

/// Whether the output is declared as one vector per image, or as nothing.
fn is_vector(output: &ValueInfoProto) -> bool {
    let kind = output.r#type.as_ref().and_then(|kind| kind.value.as_ref());
    let shape = kind.and_then(|Value::TensorType(tensor)| tensor.shape.as_ref());
    shape.is_none_or(|shape| shape.dim.len() == 2)
}

/// 2 where the value is made by what ends classifiers, 1 where it is a label, else 0.
fn looks_like_scores(by_value: &HashMap<&str, &NodeProto>, name: &str) -> u8 {
    let mut name = name;
    for _ in 0..LONGEST {
        let Some(node) = by_value.get(name) else { return 0 };
        match registry::operator(node).end {
            End::Scores => return 2,
            End::Label(_) if registry::label(node, name).is_some() => return 1,
            End::CarriesScores | End::CarriesAll => name = node.input.first().map_or("", String::as_str),
            End::Label(_) | End::Other => return 0,
        }
    }
    0
}

/// Whether `value` is computed from `source`.
fn depends(by_value: &HashMap<&str, &NodeProto>, value: &str, source: &str) -> bool {
    let mut seen = HashSet::new();
    let mut waiting = vec![value];
    while let Some(node) = waiting.pop().and_then(|name| by_value.get(name)) {
        for name in reads(node) {
            if name == source {
                return true;
            }
            if by_value.contains_key(name) && seen.insert(name) {
                waiting.push(name);
            }
        }
    }
    false
}

/// Removes what no output needs: nodes, weights, further inputs, and the second result of poolings.
pub(super) fn prune(graph: &mut GraphProto) {
    let needed = needed(graph);
    let outputs = |node: &NodeProto| node.output.iter().any(|output| needed.contains(output));
    graph.node.retain(outputs);
    for node in graph.node.iter_mut().filter(|node| registry::operator(node).spares_outputs) {
        node.output.truncate(if node.output.iter().skip(1).any(|o| needed.contains(o)) { 2 } else { 1 });
    }
    let weights: HashSet<String> = graph.initializer.iter().map(|tensor| tensor.name.clone()).collect();
    graph.initializer.retain(|tensor| needed.contains(&tensor.name));
    let image = |input: &ValueInfoProto| needed.contains(&input.name) && !weights.contains(&input.name);
    let reached = graph.input.iter().any(image);
    graph.input.retain(|input| needed.contains(&input.name) || (!reached && !weights.contains(&input.name)));
}

/// The names of all values that the outputs are computed from, their own included.
fn needed(graph: &GraphProto) -> HashSet<String> {
    let by_value = producers(graph);
    let mut needed: HashSet<&str> = graph.output.iter().map(|output| output.name.as_str()).collect();
    let mut waiting: Vec<&str> = needed.iter().copied().collect();
    while let Some(name) = waiting.pop() {
        for name in by_value.get(name).into_iter().flat_map(|node| reads(node)) {
            if needed.insert(name) {
                waiting.push(name);
            }
        }
    }
    needed.into_iter().map(String::from).collect()
}
