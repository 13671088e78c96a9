//! Functions written out where they are called, before anything else looks at the graph: those of the model itself, which
//! exporters write for modules and for operators of their own, and operators of ONNX that are functions of others.
//!
//! A function's values get names that begin with the call's, its attributes those of the call. What calls itself is refused,
//! and so is what becomes too large.

use super::attributes::{attribute, display_name, node, rename_in};
use super::versions;
use crate::error::Diagnostic;
use prost::Message;
use std::collections::HashMap;
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::{AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto};

/// Nodes that functions may add.
const MAX_NODES: usize = 20_000;
/// Bytes that they may add, mostly of constants.
const MAX_BYTES: usize = 1 << 28;
/// Functions that are called one from another.
const MAX_DEPTH: usize = 64;

/// A function that nodes may call.
pub(super) struct Function {
    proto: FunctionProto,
    /// Attributes of calls that do not give them.
    defaults: Vec<AttributeProto>,
    /// Opset of the body; `None` where it is the model's.
    opset: Option<i64>,
}

/// The part of a model's bytes that tract's types lack.
#[derive(Clone, PartialEq, Message)]
struct Tail {
    #[prost(message, repeated, tag = "25")]
    functions: Vec<FunctionTail>,
}

#[derive(Clone, PartialEq, Message)]
struct FunctionTail {
    #[prost(message, repeated, tag = "11")]
    defaults: Vec<AttributeProto>,
}

/// Writes out the model's own functions; `bytes` are the file's.
///
/// # Errors
/// A function calls itself, is called wrongly, is of another opset in which its operators mean something else, or the model
/// becomes too large.
pub(super) fn write_out_own(proto: &mut ModelProto, bytes: &[u8]) -> Result<(), Diagnostic> {
    let functions = std::mem::take(&mut proto.functions);
    if functions.is_empty() {
        return Ok(());
    }
    let mut tails = Tail::decode(bytes).unwrap_or_default().functions;
    tails.resize(functions.len(), FunctionTail::default());
    let functions = functions.into_iter().zip(tails).map(|(function, tail)| Function {
        opset: versions::standard(&function.opset_import),
        proto: function,
        defaults: tail.defaults,
    });
    let functions: Vec<Function> = functions.collect();
    let opset = versions::standard(&proto.opset_import);
    write_out(proto.graph.get_or_insert_default(), &functions, opset)
}

/// Writes out operators of ONNX that are functions of others.
///
/// # Errors
/// As [`write_out_own`].
pub(super) fn write_out_standard(graph: &mut GraphProto) -> Result<(), Diagnostic> {
    write_out(graph, &[swish()], None)
}

/// x · sigmoid(alpha · x)
fn swish() -> Function {
    let alpha = |name: &str| AttributeProto {
        name: name.into(),
        r#type: AttributeType::Float as i32,
        f: 1.0,
        ..AttributeProto::default()
    };
    let mut factor = node("alpha", "Constant", &[], "factor");
    factor.attribute = vec![AttributeProto { ref_attr_name: "alpha".into(), ..alpha("value_float") }];
    let proto = FunctionProto {
        name: Some("Swish".into()),
        input: vec!["x".into()],
        output: vec!["y".into()],
        node: vec![
            factor,
            node("times", "Mul", &["x", "factor"], "steeper"),
            node("sigmoid", "Sigmoid", &["steeper"], "gate"),
            node("gate", "Mul", &["x", "gate"], "y"),
        ],
        ..FunctionProto::default()
    };
    Function { proto, defaults: vec![alpha("alpha")], opset: None }
}

fn write_out(graph: &mut GraphProto, functions: &[Function], opset: Option<i64>) -> Result<(), Diagnostic> {
    let mut by_name: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
    for (index, Function { proto, .. }) in functions.iter().enumerate() {
        by_name.entry((proto.domain(), proto.name())).or_default().push(index);
    }
    let mut writer = Writer { functions, by_name, opset, nodes: 0, bytes: 0, callers: Vec::new() };
    writer.graph(graph)
}

struct Writer<'a> {
    functions: &'a [Function],
    by_name: HashMap<(&'a str, &'a str), Vec<usize>>,
    /// Of the model.
    opset: Option<i64>,
    /// Nodes and bytes added so far.
    nodes: usize,
    bytes: usize,
    /// Functions that are being written out, the outermost first.
    callers: Vec<usize>,
}

impl Writer<'_> {
    fn graph(&mut self, graph: &mut GraphProto) -> Result<(), Diagnostic> {
        let mut written = Vec::with_capacity(graph.node.len());
        for node in std::mem::take(&mut graph.node) {
            self.node(node, &mut written)?;
        }
        graph.node = written;
        Ok(())
    }

    fn node(&mut self, mut node: NodeProto, written: &mut Vec<NodeProto>) -> Result<(), Diagnostic> {
        for attribute in &mut node.attribute {
            for inner in attribute.g.iter_mut().chain(&mut attribute.graphs) {
                self.graph(inner)?;
            }
        }
        let index = match self.by_name.get(&(node.domain.as_str(), node.op_type.as_str())).map(Vec::as_slice)
        {
            None => {
                written.push(node);
                return Ok(());
            }
            Some(&[index]) => index,
            Some(_) => return Err(refusal(&node, "several functions have this name")),
        };
        if self.callers.contains(&index) {
            let what = "this function calls itself".into();
            let hint = "ONNX has no recursion; export without it".into();
            return Err(Diagnostic { what, hint, ..refusal(&node, "") });
        }
        let body = self.body(&self.functions[index], &node)?;
        self.nodes += 1 + body.len();
        self.bytes += body.iter().map(Message::encoded_len).sum::<usize>();
        if self.nodes > MAX_NODES || self.bytes > MAX_BYTES || self.callers.len() > MAX_DEPTH {
            return Err(refusal(&node, "written out, the model's functions are too large"));
        }
        self.callers.push(index);
        body.into_iter().try_for_each(|inner| self.node(inner, written))?;
        self.callers.pop();
        Ok(())
    }

    /// The nodes that stand for a call.
    fn body(&self, function: &Function, call: &NodeProto) -> Result<Vec<NodeProto>, Diagnostic> {
        let Function { proto, defaults, .. } = function;
        if call.input.len() > proto.input.len() || call.output.len() > proto.output.len() {
            return Err(refusal(call, "it has more inputs or outputs than its function"));
        }
        self.check_opset(function, call)?;
        let given = |position: usize, names: &[String]| names.get(position).cloned().unwrap_or_default();
        let inputs = proto.input.iter().enumerate();
        let mut names: HashMap<&str, String> =
            inputs.map(|(position, name)| (name.as_str(), given(position, &call.input))).collect();
        let mut passed = Vec::new();
        for (formal, actual) in proto.output.iter().zip(&call.output).filter(|(_, actual)| !actual.is_empty())
        {
            match names.get(formal.as_str()) {
                Some(same) => passed.push(node(&display_name(call), "Identity", &[same.as_str()], actual)),
                None => {
                    names.insert(formal, actual.clone());
                }
            }
        }
        let prefix = call.output.iter().find(|output| !output.is_empty()).cloned().unwrap_or_default();
        let rename = |name: &mut String| {
            if !name.is_empty() {
                *name = names.get(name.as_str()).cloned().unwrap_or_else(|| format!("{prefix}/{name}"));
            }
        };
        let mut body = GraphProto { node: proto.node.clone(), ..GraphProto::default() };
        for inner in &mut body.node {
            inner.name = format!("{}/{}", display_name(call), display_name(inner));
        }
        bind(&mut body, call, defaults);
        rename_in(&mut body, &rename);
        Ok([body.node, passed].concat())
    }

    /// The body must mean in the model's opset what it means in its own.
    fn check_opset(&self, function: &Function, call: &NodeProto) -> Result<(), Diagnostic> {
        let (Some(own), Some(model)) = (function.opset, self.opset) else { return Ok(()) };
        let changed = function.proto.node.iter().find(|node| versions::changed(&node.op_type, own, model));
        match changed {
            None => Ok(()),
            Some(node) => Err(refusal(
                call,
                &format!(
                    "its function is of opset {own}, the model of {model}, and {} changed between them",
                    node.op_type
                ),
            )),
        }
    }
}

/// Gives attributes that refer to the function's the values of the call.
fn bind(graph: &mut GraphProto, call: &NodeProto, defaults: &[AttributeProto]) {
    let value = |reference: &AttributeProto| {
        let default = || defaults.iter().find(|default| default.name == reference.ref_attr_name);
        let value = attribute(call, &reference.ref_attr_name).or_else(default)?;
        Some(AttributeProto { name: reference.name.clone(), ..value.clone() })
    };
    for node in &mut graph.node {
        let attributes = std::mem::take(&mut node.attribute).into_iter();
        node.attribute = attributes
            .filter_map(|own| if own.ref_attr_name.is_empty() { Some(own) } else { value(&own) })
            .collect();
        for attribute in &mut node.attribute {
            for inner in attribute.g.iter_mut().chain(&mut attribute.graphs) {
                bind(inner, call, defaults);
            }
        }
    }
}

fn refusal(call: &NodeProto, what: &str) -> Diagnostic {
    Diagnostic {
        node: display_name(call),
        op: call.op_type.clone(),
        what: what.into(),
        hint: "write the model's functions out with onnx.inliner, or export without them".into(),
    }
}
