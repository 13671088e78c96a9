//! What is said of networks that cannot be compiled: a line for each cause, with what helps.

use super::super::testing::Attribute::{Int, Ints, Text};
use super::super::testing::{Attribute, Onnx, attribute};
use super::operators::{accept, refuse};
use super::*;

fn image() -> Onnx {
    Onnx::new(&[1, 4, 8, 8]).weight("each", &[4]).weight("two", &[2]).weight("w", &[4, 4, 1, 1]).opset(21)
}

/// The only line that a refusal has.
fn line(model: Onnx) -> String {
    let told = refuse(model);
    let lines: Vec<&str> = told.lines().skip(1).map(str::trim).collect();
    assert_eq!(lines.len(), 1, "{told}");
    lines[0].to_string()
}

/// The layer between a convolution and the rest of a network.
fn among(op: &str, more: &[&str], attributes: &[(&str, Attribute<'_>)]) -> String {
    let before = image().then("Conv", &["w"], &[]);
    line(before.then(op, more, attributes).then("Relu", &[], &[]).then("GlobalAveragePool", &[], &[]))
}

#[test]
fn normalisations_by_the_image_itself() {
    insta::assert_snapshot!(among("LRN", &[], &[("size", Int(3))]), @"node 'v1' (LRN): it divides by what it computes of the image; replace it with BatchNormalization and retrain");
    insta::assert_snapshot!(among("InstanceNormalization", &["each", "each"], &[]), @"node 'v1' (InstanceNormalization): it divides by what it computes of the image; replace it with BatchNormalization and retrain");
    insta::assert_snapshot!(among("GroupNormalization", &["two", "two"], &[("num_groups", Int(2))]), @"node 'v1' (GroupNormalization): it divides by what it computes of the image; replace it with BatchNormalization and retrain");
    insta::assert_snapshot!(among("LayerNormalization", &["each"], &[("axis", Int(1))]), @"node 'v1' (LayerNormalization): it divides by what it computes of the image; replace it with BatchNormalization and retrain");
    let training = [("training_mode", Int(1))];
    insta::assert_snapshot!(among("BatchNormalization", &["each"; 4], &training), @"node 'v1' (BatchNormalization): the layer is in training mode; export the model in evaluation mode (model.eval())");
}

#[test]
fn quantisation_at_run_time_and_by_integers() {
    insta::assert_snapshot!(refuse(
        image()
            .bytes("wi", &[4, 4, 1, 1], &[1; 16], true)
            .then("DynamicQuantizeLinear", &[], &[])
            .and_gives(&["scale", "zero"])
            .then("ConvInteger", &["wi", "zero"], &[])
            .then("Cast", &[], &[("to", Int(1))])
            .then("Mul", &["scale"], &[])
            .then("Relu", &[], &[])
    ), @"
    the model cannot be compiled:
      node 'v0' (DynamicQuantizeLinear): it chooses scales while the model runs; quantize statically (QDQ) instead of dynamically, or export the float model
      node 'v1' (ConvInteger): it chooses scales while the model runs; quantize statically (QDQ) instead of dynamically, or export the float model
    ");
    let quantised = image()
        .constant("s", &[], vec![0.5])
        .bytes("z", &[], &[0], false)
        .bytes("wi", &[4, 4, 1, 1], &[1; 16], false)
        .then("QuantizeLinear", &["s", "z"], &[])
        .then("QLinearConv", &["s", "z", "wi", "s", "z", "s", "z"], &[])
        .then("DequantizeLinear", &["s", "z"], &[]);
    insta::assert_snapshot!(line(quantised), @"node 'v1' (QLinearConv): it computes on the integers of a quantised model; export quantization as QuantizeLinear and DequantizeLinear pairs (QDQ), or the float model");
}

/// A detector of the kind of SSD, with the choice of boxes inside.
#[test]
fn a_choice_of_boxes() {
    let detector = image()
        .weight("boxes", &[8, 4, 3, 3])
        .weight("classes", &[6, 4, 3, 3])
        .ints("list", &[1, -1, 4])
        .ints("scores", &[1, 3, -1])
        .ints("most", &[10])
        .constant("near", &[1], vec![0.5])
        .ints("first", &[2])
        .then("Conv", &["boxes"], &[])
        .then("Reshape", &["list"], &[])
        .node("Conv", &["image", "classes"], &[])
        .then("Reshape", &["scores"], &[])
        .then("Sigmoid", &[], &[])
        .node("NonMaxSuppression", &["v1", "v4", "most", "near", "near"], &[])
        .then("Gather", &["first"], &[("axis", Int(1))])
        .then("Squeeze", &[], &[])
        .node("Gather", &["v1", "v7"], &[("axis", Int(1))]);
    insta::assert_snapshot!(line(detector), @"node 'v5' (NonMaxSuppression): it chooses among boxes, as many as the image has; compile the model up to the boxes and scores (--model-output NAME), and let the client choose");
}

#[test]
fn attention() {
    let tokens = || Onnx::new(&[1, 6, 4]).opset(23).weight("q", &[4, 4]).weight("k", &[4, 4]);
    insta::assert_snapshot!(line(tokens().then("Attention", &["image", "image"], &[("q_num_heads", Int(1)), ("kv_num_heads", Int(1))])), @"node 'v0' (Attention): it multiplies computed values with a softmax of others; use a convolutional network");
    let by_hand = tokens()
        .node("MatMul", &["image", "q"], &[])
        .node("MatMul", &["image", "k"], &[])
        .then("Transpose", &[], &[("perm", Ints(&[0, 2, 1]))])
        .node("MatMul", &["v0", "v2"], &[])
        .then("Softmax", &[], &[("axis", Int(-1))])
        .then("MatMul", &["image"], &[]);
    insta::assert_snapshot!(line(by_hand), @"node 'v3' (MatMul): operand 1 depends on the image; it must be a constant: attention, and weights computed from the image, cannot be compiled");
}

#[test]
fn recurrent_layers_and_loops() {
    let sequence = || Onnx::new(&[1, 6, 4]).weight("w", &[1, 8, 4]).weight("r", &[1, 8, 2]);
    insta::assert_snapshot!(line(sequence().then("LSTM", &["w", "r"], &[("hidden_size", Int(2))])), @"node 'v0' (LSTM): it repeats its steps along a sequence; only feed-forward networks can be compiled; use convolutions instead");
    let body = |model: &mut Onnx| {
        let mut inside = Onnx::new(&[1]).then("Identity", &[], &[]);
        inside.graph.node[0].output[0] = "inside".into();
        inside.last = "inside".into();
        let graph = inside.build().graph;
        let body = attribute("body", &Int(0));
        model.graph.node[0].attribute = vec![tract_onnx::pb::AttributeProto { r#type: 5, g: graph, ..body }];
    };
    let mut looped = sequence().ints("count", &[3]).node("Loop", &["count", "", "image"], &[]);
    body(&mut looped);
    insta::assert_snapshot!(line(looped), @"node 'v0' (Loop): it repeats its steps along a sequence; only feed-forward networks can be compiled; use convolutions instead");
}

#[test]
fn volumes_and_other_domains() {
    let volume = Onnx::new(&[1, 2, 4, 4, 4]).weight("w", &[3, 2, 2, 2, 2]);
    insta::assert_snapshot!(line(volume.then("Conv", &["w"], &[("kernel_shape", Ints(&[2, 2, 2]))])), @"node 'v0' (Conv): kernel_shape = [2, 2, 2] is of a 3-D layer; only layers over images (2-D) and sequences (1-D) can be compiled");
    let mut foreign = image().then("Conv", &["w"], &[]);
    foreign.graph.node[0].domain = "com.example".into();
    insta::assert_snapshot!(line(foreign), @"node 'v0' (Conv): operators of the domain 'com.example' are not part of ONNX; export with standard operators");
    let mode = [("blocksize", Int(2)), ("mode", Text("CRD"))];
    insta::assert_snapshot!(line(image().then("SpaceToDepth", &[], &mode)), @"node 'v0' (SpaceToDepth): mode = CRD is not supported; write it as Reshape, Transpose and Reshape, or with mode = DCR");
    let dilated =
        [("kernel_shape", Ints(&[2, 2])), ("dilations", Ints(&[2, 1])), ("auto_pad", Text("SAME_UPPER"))];
    insta::assert_snapshot!(line(image().then("MaxPool", &[], &dilated)), @"node 'v0' (MaxPool): runtimes differ in auto_pad = SAME of a pooling with dilations; give the padding as pads");
    let last = [("axis", Int(1)), ("select_last_index", Int(1))];
    insta::assert_snapshot!(line(image().then("Flatten", &[], &[]).then("ArgMax", &[], &last)), @"node 'v1' (ArgMax): select_last_index = 1 takes the last of equal scores; set it to 0, which takes the first");
    insta::assert_snapshot!(line(image().then("Relu", &[], &[("bend", Int(1))])), @"node 'v0' (Relu): its attribute 'bend' is not known; export with an earlier opset; those up to 28 are known");
}

/// What is said of several nodes is said once, and `check` says where.
#[test]
fn equal_findings_are_one_line() {
    let model = || image().then("LRN", &[], &[("size", Int(3))]).then("Relu", &[], &[]).then("LRN", &[], &[]);
    insta::assert_snapshot!(line(model()), @"node 'v0' and 1 more (LRN): it divides by what it computes of the image; replace it with BatchNormalization and retrain");
    let report = check_model(model().build(), Path::new("test.onnx"), &Reading::default()).unwrap();
    insta::assert_snapshot!(report, @"
    NO  LRN 'v0'; it divides by what it computes of the image; replace it with BatchNormalization and retrain
    ok  Relu 'v1'
    NO  LRN 'v2'; as 'v0'
    test: 2 of 3 operators cannot be compiled
    ");
}

/// What is refused counts for nothing further on.
#[test]
fn a_constant_of_unknown_size_is_one_finding() {
    let model = image()
        .constant("one", &[1], vec![1.0])
        .ints("more", &[2])
        .node("Shape", &["image"], &[])
        .node("Expand", &["one", "v0"], &[])
        .node("Add", &["more", "more"], &[])
        .node("Sub", &["v2", "more"], &[])
        .node("Mul", &["image", "v1"], &[]);
    insta::assert_snapshot!(line(model), @"node 'v1' (Expand): how large its result is does not stand in the file; simplify the model with onnx-simplifier, which stores the result instead");
}

/// Operators that tract evaluates are folded where they read constants, whichever they are.
#[test]
fn arithmetic_on_shapes_is_no_finding() {
    let model = image()
        .scalar("two_", 2)
        .ints("whole", &[0])
        .ints("rest", &[-1])
        .node("Mod", &["two_", "two_"], &[])
        .node("Equal", &["v0", "two_"], &[])
        .node("Where", &["v1", "whole", "rest"], &[])
        .node("Concat", &["whole", "v2"], &[("axis", Int(0))])
        .node("Reshape", &["image", "v3"], &[]);
    accept(model);
}
