//! Nodes in an order in which each reads only what stands before it.
//!
//! The standard asks for such an order; some exporters write others, and runtimes sort by themselves.

use super::attributes::{display_name, reads};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use tract_onnx::pb::{GraphProto, NodeProto};

/// Sorts the nodes, those that are in order among themselves left so.
///
/// # Errors
/// A value is defined twice or nowhere, or nodes wait for one another.
pub(super) fn sort(graph: &mut GraphProto) -> Result<(), String> {
    let order = order(graph)?;
    let mut nodes: Vec<Option<NodeProto>> = graph.node.drain(..).map(Some).collect();
    graph.node = order.into_iter().filter_map(|index| nodes[index].take()).collect();
    Ok(())
}

fn order(graph: &GraphProto) -> Result<Vec<usize>, String> {
    let definitions = definitions(graph)?;
    let mut missing = vec![0; graph.node.len()];
    let mut readers = vec![Vec::new(); graph.node.len()];
    for (index, node) in graph.node.iter().enumerate() {
        let sources: Result<HashSet<usize>, String> = reads(node)
            .into_iter()
            .filter_map(|name| match definitions.get(name) {
                Some(source) => source.map(Ok),
                None if inside(node, name) => None,
                None => {
                    Some(Err(format!("node '{}' reads '{name}', which nothing defines", display_name(node))))
                }
            })
            .collect();
        for source in sources? {
            missing[index] += 1;
            readers[source].push(index);
        }
    }
    let mut ready: BinaryHeap<Reverse<usize>> =
        (0..missing.len()).filter(|&index| missing[index] == 0).map(Reverse).collect();
    let mut order = Vec::with_capacity(missing.len());
    while let Some(Reverse(index)) = ready.pop() {
        order.push(index);
        for &reader in &readers[index] {
            missing[reader] -= 1;
            if missing[reader] == 0 {
                ready.push(Reverse(reader));
            }
        }
    }
    match missing.iter().position(|&count| count > 0) {
        Some(index) => {
            let node = display_name(&graph.node[index]);
            Err(format!("node '{node}' depends on its own result: the graph has a cycle"))
        }
        None => Ok(order),
    }
}

/// The node that defines each value; `None` for inputs and stored tensors.
fn definitions(graph: &GraphProto) -> Result<HashMap<&str, Option<usize>>, String> {
    let stored: Vec<&str> = graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
    let inputs: Vec<&str> = graph.input.iter().map(|input| input.name.as_str()).collect();
    for names in [&stored, &inputs] {
        let mut seen = HashSet::new();
        if let Some(twice) = names.iter().find(|&name| !seen.insert(name)) {
            return Err(format!("'{twice}' is defined twice"));
        }
    }
    let mut defined: HashMap<&str, Option<usize>> =
        stored.into_iter().chain(inputs).map(|name| (name, None)).collect();
    for (index, node) in graph.node.iter().enumerate() {
        for output in node.output.iter().filter(|output| !output.is_empty()) {
            if defined.insert(output, Some(index)).is_some() {
                return Err(format!("'{output}' is defined twice"));
            }
        }
    }
    match graph.output.iter().find(|output| !defined.contains_key(output.name.as_str())) {
        Some(output) => Err(format!("nothing defines the output '{}'", output.name)),
        None => Ok(defined),
    }
}

/// Whether `name` belongs to a branch of the node itself.
fn inside(node: &NodeProto, name: &str) -> bool {
    !node.input.iter().any(|input| input == name)
}
