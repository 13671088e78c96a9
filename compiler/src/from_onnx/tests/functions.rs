//! Functions of the model itself, and operators that are written as others.

use super::super::testing::Attribute::Float;
use super::super::testing::{Attribute, Onnx, attribute};
use super::operators::accept;
use super::*;
use prost::Message;
use tract_onnx::pb::{AttributeProto, FunctionProto, NodeProto, OperatorSetIdProto};

fn node(op: &str, inputs: &[&str], outputs: &[&str], attributes: Vec<AttributeProto>) -> NodeProto {
    NodeProto {
        op_type: op.into(),
        input: inputs.iter().map(ToString::to_string).collect(),
        output: outputs.iter().map(ToString::to_string).collect(),
        attribute: attributes,
        ..NodeProto::default()
    }
}

fn function(name: &str, inputs: &[&str], outputs: &[&str], nodes: Vec<NodeProto>) -> FunctionProto {
    FunctionProto {
        name: Some(name.into()),
        domain: Some("own".into()),
        input: inputs.iter().map(ToString::to_string).collect(),
        output: outputs.iter().map(ToString::to_string).collect(),
        node: nodes,
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 13 }],
        ..FunctionProto::default()
    }
}

/// An attribute that has the value of the function's attribute `of`.
fn reference(name: &str, of: &str) -> AttributeProto {
    AttributeProto { ref_attr_name: of.into(), ..attribute(name, &Float(0.0)) }
}

/// A call of an operator of the domain `own`.
fn call(op: &str, inputs: &[&str], outputs: &[&str], attributes: Vec<AttributeProto>) -> NodeProto {
    NodeProto { domain: "own".into(), ..node(op, inputs, outputs, attributes) }
}

/// LeakyRelu with the slope `alpha`, and a residual sum of it: `block` calls `leaky`.
fn functions() -> Vec<FunctionProto> {
    let leaky = vec![node("LeakyRelu", &["x"], &["y"], vec![reference("alpha", "slope")])];
    let block = vec![
        call("leaky", &["x"], &["t"], vec![reference("slope", "slope")]),
        node("Add", &["t", "x"], &["y"], vec![]),
    ];
    vec![function("leaky", &["x"], &["y"], leaky), function("block", &["x"], &["y", "x"], block)]
}

/// Two blocks of different slopes, one after the other.
fn model(functions: Vec<FunctionProto>) -> ModelProto {
    let mut model = Onnx::new(&[1, 2, 3, 3]).then("Relu", &[], &[]).then("Relu", &[], &[]);
    model.graph.node = vec![
        call("block", &["image"], &["t"], vec![attribute("slope", &Float(0.25))]),
        call("block", &["t"], &["v1", "same"], vec![attribute("slope", &Float(0.5))]),
    ];
    ModelProto { functions, ..model.build() }
}

fn through_a_file(bytes: &[u8]) -> Result<Model> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    std::fs::write(&path, bytes).unwrap();
    read(&path)
}

fn slopes(slopes: [f32; 2]) -> String {
    let leaky = |model: Onnx, slope| {
        let before = model.last.clone();
        model.then("LeakyRelu", &[], &[("alpha", Float(slope))]).then("Add", &[&before], &[])
    };
    let model = slopes.into_iter().fold(Onnx::new(&[1, 2, 3, 3]), leaky);
    accept(model).graph.to_string()
}

#[test]
fn functions_are_written_out_with_their_attributes() {
    let imported = through_a_file(&model(functions()).encode_to_vec()).unwrap();
    assert_eq!(imported.graph.to_string(), slopes([0.25, 0.5]));
    assert_agrees(&imported, -1.0, 1.0);
}

#[test]
fn an_input_that_a_function_hands_on_is_its_output() {
    let mut same = model(functions());
    same.graph.as_mut().unwrap().output[0].name = "same".into();
    let imported = through_a_file(&same.encode_to_vec()).unwrap();
    let first = accept(Onnx::new(&[1, 2, 3, 3]).then("LeakyRelu", &[], &[("alpha", Float(0.25))]).then(
        "Add",
        &["image"],
        &[],
    ));
    assert_eq!(imported.graph.to_string(), first.graph.to_string());
}

/// Defaults stand in a field that not every reader knows.
#[test]
fn attributes_have_defaults() {
    let mut called = model(functions());
    called.graph.as_mut().unwrap().node.iter_mut().for_each(|node| node.attribute.clear());
    let [leaky, block] = &std::mem::take(&mut called.functions)[..] else { panic!() };
    let field = |key: &[u8], body: Vec<u8>| [key, &[body.len() as u8], &body[..]].concat();
    let default = field(&[11 << 3 | 2], attribute("slope", &Float(0.125)).encode_to_vec());
    let function = |bytes: Vec<u8>| {
        let length = [(bytes.len() & 0x7f) as u8 | 0x80, (bytes.len() >> 7) as u8];
        [&[0xca, 0x01][..], &length[..], &bytes[..]].concat()
    };
    let bytes = [
        called.encode_to_vec(),
        function(leaky.encode_to_vec()),
        function([block.encode_to_vec(), default].concat()),
    ];
    let imported = through_a_file(&bytes.concat()).unwrap();
    assert_eq!(imported.graph.to_string(), slopes([0.125, 0.125]));
}

fn refused(functions: Vec<FunctionProto>) -> String {
    through_a_file(&model(functions).encode_to_vec())
        .map(|model| model.graph.to_string())
        .unwrap_err()
        .to_string()
}

#[test]
fn functions_that_cannot_be_written_out_are_refused() {
    let mut circle = functions();
    circle[0].node.push(call("block", &["y"], &["z"], vec![]));
    insta::assert_snapshot!(refused(circle), @"
    the model cannot be compiled:
      node 't/t/z' (block): this function calls itself; ONNX has no recursion; export without it
    ");
    let mut twice = functions();
    twice.push(twice[0].clone());
    insta::assert_snapshot!(refused(twice), @"
    the model cannot be compiled:
      node 't/t' (leaky): several functions have this name; write the model's functions out with onnx.inliner, or export without them
    ");
    let mut few = functions();
    few[1].input.clear();
    insta::assert_snapshot!(refused(few), @"
    the model cannot be compiled:
      node 't' (block): it has more inputs or outputs than its function; write the model's functions out with onnx.inliner, or export without them
    ");
    let mut older = functions();
    older[0].opset_import[0].version = 16;
    insta::assert_snapshot!(refused(older), @"
    the model cannot be compiled:
      node 't/t' (leaky): its function is of opset 16, the model of 13, and LeakyRelu changed between them; write the model's functions out with onnx.inliner, or export without them
    ");
    let mut newer = functions();
    newer[0].opset_import[0].version = 15;
    assert!(
        through_a_file(&model(newer).encode_to_vec()).is_ok(),
        "LeakyRelu is the same in opset 13 and 15"
    );
}

/// Each function calls the next one ten times.
#[test]
fn functions_that_grow_are_refused() {
    let level = |at: usize| {
        let next = format!("f{}", at + 1);
        let nodes = (0..10).map(|i| call(&next, &["x"], &[&format!("t{i}")], vec![])).collect();
        function(&format!("f{at}"), &["x"], &["t9"], nodes)
    };
    let mut functions: Vec<FunctionProto> = (0..40).map(level).collect();
    functions.push(function("block", &["x"], &["y"], vec![call("f0", &["x"], &["y"], vec![])]));
    functions.push(function("f40", &["x"], &["y"], vec![]));
    let refused = refused(functions);
    assert!(refused.contains("too large") && refused.contains("onnx.inliner"), "{refused}");
    let calls = |at: usize| {
        let next = format!("g{}", at + 1);
        function(&format!("g{at}"), &["x"], &["y"], vec![call(&next, &["x"], &["y"], vec![])])
    };
    let mut deep: Vec<FunctionProto> = (0..2000).map(calls).collect();
    deep.push(function("block", &["x"], &["y"], vec![call("g0", &["x"], &["y"], vec![])]));
    assert!(self::refused(deep).contains("too large"));
}

#[test]
fn swish_is_written_with_a_sigmoid() {
    let swish = |attributes: &[(&str, Attribute<'_>)]| {
        accept(Onnx::new(&[1, 2, 3, 3]).opset(24).then("Swish", &[], attributes)).graph.to_string()
    };
    let written = Onnx::new(&[1, 2, 3, 3]).constant("one", &[], vec![1.0]);
    let written =
        written.then("Mul", &["one"], &[]).then("Sigmoid", &[], &[]).node("Mul", &["image", "v1"], &[]);
    assert_eq!(swish(&[]), accept(written).graph.to_string());
    assert_ne!(swish(&[("alpha", Float(1.75))]), swish(&[]));
}
