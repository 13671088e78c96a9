//! Which output is compiled, and what stands on the way to it.

use super::super::testing::Attribute::{Int, Ints};
use super::super::testing::{Onnx, attribute, tensor, value_info};
use super::operators::{accept, refuse};
use super::*;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::type_proto::Value;
use tract_onnx::pb::{AttributeProto, GraphProto, NodeProto, TensorProto};

fn features() -> Onnx {
    Onnx::new(&[1, 2, 3, 2]).weight("w", &[12, 4]).weight("v", &[4, 3]).then("Flatten", &[], &[])
}

fn read_model(model: ModelProto, output: Option<&str>) -> Model {
    let reading = Reading { outputs: output.map(String::from).into_iter().collect(), ..Reading::default() };
    import(model, Path::new("test.onnx"), &reading).unwrap_or_else(|error| panic!("{error}"))
}

/// The output that is compiled, and the notes.
fn chosen(model: Onnx, output: Option<&str>) -> (String, Vec<String>) {
    let imported = read_model(model.build(), output);
    (imported.outputs[0].name.clone(), imported.notes)
}

#[test]
fn the_scores_are_chosen_and_it_is_said() {
    let told = |name: &str, outputs: &str| {
        (
            name.to_string(),
            vec![format!(
                "the model has 2 outputs ({outputs}); this is about '{name}'; --model-output NAME takes another, or several if given again"
            )],
        )
    };
    let beside = || features().output("v0", &[1, 12]).then("Gemm", &["w"], &[]);
    assert_eq!(chosen(beside(), None), told("v1", "v0, v1"));
    let both = features().then("Gemm", &["w"], &[]).output("v1", &[1, 4]).then("Softmax", &[], &[]);
    assert_eq!(chosen(both, None), told("v2", "v1, v2"));
    let head = features().then("Gemm", &["w"], &[]).output("v1", &[1, 4]).node("Gemm", &["v0", "w"], &[]);
    assert_eq!(chosen(head, None), told("v1", "v1, v2"));
    let map = Onnx::new(&[1, 2, 3, 2])
        .weight("w", &[12, 4])
        .then("Relu", &[], &[])
        .output("v0", &[1, 2, 3, 2])
        .then("Flatten", &[], &[])
        .then("MatMul", &["w"], &[]);
    assert_eq!(chosen(map, None).0, "v2");
}

#[test]
fn any_value_may_be_asked_for() {
    let model = || features().then("Gemm", &["w"], &[]).then("Relu", &[], &[]).then("MatMul", &["v"], &[]);
    assert_eq!(chosen(model(), Some("v2")), ("v2".into(), Vec::new()));
    assert_eq!(chosen(model(), Some("v3")).0, "v3");
    let reading = Reading { outputs: vec!["nowhere".into()], ..Reading::default() };
    let error = import(model().build(), Path::new("test.onnx"), &reading).map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), "the model has no output 'nowhere'; it has v3");
}

#[test]
fn what_no_output_needs_is_ignored() {
    let mut model = features()
        .then("NonZero", &[], &[])
        .then("Loop", &["w"], &[])
        .node("Gemm", &["v0", "w"], &[])
        .weight("unused", &[7])
        .build();
    let graph = model.graph.as_mut().unwrap();
    graph.input.push(value_info("further", &[1, 3], DataType::Float as i32));
    let imported = read_model(model, None);
    assert_eq!(imported.input, Shape::new(2, 3, 2));
    assert_agrees(&imported, -1.0, 1.0);
}

#[test]
fn nodes_may_stand_in_any_order() {
    let model = || features().then("Gemm", &["w"], &[]).then("Relu", &[], &[]).then("MatMul", &["v"], &[]);
    let mut reversed = model().build();
    reversed.graph.as_mut().unwrap().node.reverse();
    let imported = read_model(reversed, None);
    assert_eq!(imported.graph.to_string(), accept(model()).graph.to_string());
    let mut cycle = model().build();
    cycle.graph.as_mut().unwrap().node[1].input[0] = "v2".into();
    let error = import(cycle, Path::new("test.onnx"), &Reading::default()).map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), "test.onnx: node 'v1' depends on its own result: the graph has a cycle");
}

#[test]
fn a_choice_of_the_best_class_is_the_label() {
    let scores = || features().then("Gemm", &["w"], &[]);
    let plain = accept(scores()).graph.to_string();
    let choices = [
        scores().then("ArgMax", &[], &[("axis", Int(1)), ("keepdims", Int(0))]),
        scores().then("ArgMax", &[], &[("axis", Int(-1))]).then("Cast", &[], &[("to", Int(6))]),
        scores().ints("one", &[1]).then("TopK", &["one"], &[]).and_gives(&["label"]).node(
            "Squeeze",
            &["label"],
            &[],
        ),
    ];
    for model in choices {
        let imported = read_model(model.build(), None);
        assert!(imported.ends_in_label && imported.notes[0].contains("gives the label alone"));
        assert_eq!(imported.graph.to_string(), plain);
        assert_agrees(&imported, -1.0, 1.0);
    }
    assert!(!accept(scores()).ends_in_label);
    assert!(accept(Onnx::new(&[1, 5]).then("ArgMax", &[], &[("axis", Int(1))])).ends_in_label);
    let three = scores().ints("three", &[3]).then("TopK", &["three"], &[]).and_gives(&["labels"]);
    insta::assert_snapshot!(refuse(three.node("Identity", &["labels"], &[])), @"
    the model cannot be compiled:
      node 'v2' (TopK): it is not a choice of the best class at the end of the model; compile the model up to the scores that it reads (--model-output)
    ");
    let images = Onnx::new(&[1, 2, 3, 3]).then("Relu", &[], &[]).then("ArgMax", &[], &[("axis", Int(0))]);
    insta::assert_snapshot!(refuse(images), @"
    the model cannot be compiled:
      node 'v1' (ArgMax): it chooses along axis 0 of scores of 2x3x3; choose along the axis of the classes, that of the softmax if there is one
    ");
}

fn branch(name: &str, nodes: Vec<NodeProto>) -> AttributeProto {
    let output = nodes.last().unwrap().output[0].clone();
    let output = vec![value_info(&output, &[1, 12], DataType::Float as i32)];
    let graph = GraphProto { name: name.into(), node: nodes, output, ..GraphProto::default() };
    AttributeProto { name: name.into(), r#type: 5, g: Some(graph), ..AttributeProto::default() }
}

fn reads(op: &str, input: &str, output: &str) -> NodeProto {
    let (input, output) = (vec![input.into()], vec![output.into()]);
    NodeProto { op_type: op.into(), input, output, ..NodeProto::default() }
}

/// Sigmoid then ReLU if `condition`, else an operator that is never supported.
fn decision(condition: &[&str]) -> Onnx {
    let mut model = features()
        .ints("one", &[1])
        .ints("two", &[2])
        .node("Equal", condition, &[])
        .node("If", &["v1"], &[])
        .then("Relu", &[], &[]);
    model.graph.node[2].attribute = vec![
        branch("then_branch", vec![reads("Sigmoid", "v0", "x"), reads("Relu", "x", "y")]),
        branch("else_branch", vec![reads("LRN", "v0", "x")]),
    ];
    model
}

#[test]
fn branches_on_constants_are_taken() {
    let imported = accept(decision(&["one", "one"]));
    let plain = features().then("Sigmoid", &[], &[]).then("Relu", &[], &[]).then("Relu", &[], &[]);
    assert_eq!(imported.graph.to_string(), accept(plain).graph.to_string());
    insta::assert_snapshot!(refuse(decision(&["one", "two"])), @"
    the model cannot be compiled:
      node 'v2/x' (LRN): it divides by what it computes of the image; replace it with BatchNormalization and retrain
    ");
}

#[test]
fn an_open_branch_is_all_that_is_reported() {
    let mut model = decision(&["one", "one"]);
    model.graph.node[1] = reads("NonZero", "v0", "v1");
    insta::assert_snapshot!(refuse(model), @"
    the model cannot be compiled:
      node 'v1' (NonZero): the size of its result depends on the image; compile the model up to there (--model-output NAME), and let the client do the rest
    ");
}

/// The same model with weights and image of another width.
fn in_precision(mut model: ModelProto, kind: DataType) -> ModelProto {
    let graph = model.graph.as_mut().unwrap();
    for stored in &mut graph.initializer {
        *stored = tensor(&stored.name, &stored.dims, kind, &stored.float_data);
    }
    let kind_of_input = graph.input[0].r#type.as_mut().and_then(|kind| kind.value.as_mut());
    if let Some(Value::TensorType(tensor)) = kind_of_input {
        tensor.elem_type = kind as i32;
    }
    model
}

#[test]
fn every_width_of_numbers_is_read_in_every_operator() {
    let model = || {
        Onnx::new(&[1, 2, 3, 2])
            .constant("w", &[12, 4], (0..48).map(|i| (i % 7) as f32 / 4.0 - 0.75).collect())
            .constant("b", &[4], vec![0.5, -0.25, 1.0, 0.0])
            .constant("slope", &[1], vec![0.25])
            .constant("like", &[], vec![0.0])
            .then("Flatten", &[], &[])
            .then("Gemm", &["w", "b"], &[])
            .then("PRelu", &["slope"], &[])
            .then("Cast", &[], &[("to", Int(DataType::Double as i64))])
            .then("CastLike", &["like"], &[])
            .then("Add", &["b"], &[])
            .then("Softmax", &[], &[("axis", Int(1))])
            .opset(15)
            .build()
    };
    let single = read_model(model(), None).graph.to_string();
    for kind in [DataType::Float16, DataType::Bfloat16, DataType::Double] {
        let imported = read_model(in_precision(model(), kind), None);
        assert_eq!(imported.graph.to_string(), single, "{kind:?}: these weights are exact in it");
        assert_agrees(&imported, -1.0, 1.0);
    }
    let mut stored = in_precision(model(), DataType::Float16);
    let graph = stored.graph.as_mut().unwrap();
    let weight = graph.initializer.remove(0);
    let value = AttributeProto {
        t: Some(TensorProto { name: String::new(), ..weight }),
        ..attribute("value", &Ints(&[]))
    };
    let node = NodeProto {
        op_type: "Constant".into(),
        output: vec!["w".into()],
        attribute: vec![AttributeProto { r#type: 4, ..value }],
        ..NodeProto::default()
    };
    graph.node.insert(0, node);
    assert_eq!(read_model(stored, None).graph.to_string(), single);
}
