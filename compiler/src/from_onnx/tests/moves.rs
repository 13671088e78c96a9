//! Padding, and parts and orders of channels, rows and columns, against tract, which moves them one by one.

use super::super::testing::Attribute::{Int, Ints, Text};
use super::super::testing::{Attribute, Onnx};
use super::operators::{accept, refuse};
use crate::graph::Op;

fn image() -> Onnx {
    Onnx::new(&[1, 4, 6, 5]).weight("w", &[6, 4, 3, 3]).weight("dw", &[4, 1, 3, 3])
}

/// The operations of a model that agrees with tract.
fn operations(model: Onnx) -> String {
    let imported = accept(model);
    let graph = &imported.graph;
    let names = graph.ids_in_order().into_iter().map(|id| graph.op(id).name());
    names.filter(|name| !matches!(*name, "input" | "flatten")).collect::<Vec<_>>().join(" ")
}

const AROUND: &[i64] = &[0, 0, 1, 0, 0, 0, 2, 1];

#[test]
fn padding_of_nothing_vanishes() {
    assert_eq!(operations(image().ints("none", &[0; 8]).then("Pad", &["none"], &[])), "");
    let old = image().opset(9).then("Pad", &[], &[("pads", Ints(&[0; 8])), ("mode", Text("constant"))]);
    assert_eq!(operations(old.then("Relu", &[], &[])), "relu");
}

#[test]
fn zeros_become_the_padding_of_what_reads_them() {
    let padded = || image().ints("around", AROUND).then("Pad", &["around"], &[]);
    assert_eq!(operations(padded().then("Conv", &["w"], &[("strides", Ints(&[2, 2]))])), "conv");
    let twice = padded().then("Identity", &[], &[]).then("Pad", &["around"], &[]);
    assert_eq!(
        operations(twice.then("Conv", &["dw"], &[("group", Int(4)), ("pads", Ints(&[1; 4]))])),
        "conv"
    );
    let pool = [("kernel_shape", Ints(&[2, 3])), ("strides", Ints(&[2, 1]))];
    assert_eq!(operations(padded().then("AveragePool", &[], &pool)), "average_pool");
    let counted =
        [("kernel_shape", Ints(&[3, 3])), ("pads", Ints(&[1, 1, 0, 0])), ("count_include_pad", Int(1))];
    assert_eq!(operations(padded().then("AveragePool", &[], &counted)), "average_pool");
    let uncounted = [("kernel_shape", Ints(&[3, 3])), ("pads", Ints(&[1; 4]))];
    assert_eq!(operations(padded().then("AveragePool", &[], &uncounted)), "gather average_pool");
    let positive = || image().ints("around", AROUND).then("Relu", &[], &[]).then("Pad", &["around"], &[]);
    assert_eq!(operations(positive().then("MaxPool", &[], &pool)), "relu max_pool");
    assert_eq!(operations(padded().then("MaxPool", &[], &pool)), "gather max_pool", "zeros may be largest");
    let only_zeros = [("kernel_shape", Ints(&[1, 1]))];
    assert_eq!(operations(positive().then("MaxPool", &[], &only_zeros)), "relu gather max_pool");
}

#[test]
fn what_cannot_take_zeros_over_reads_them() {
    let padded = || image().ints("around", AROUND).then("Pad", &["around"], &[]);
    assert_eq!(
        operations(padded().then("Sigmoid", &[], &[]).then("Relu", &[], &[])).split(' ').next(),
        Some("gather")
    );
    let other = image().ints("around", AROUND).constant("half", &[], vec![0.5]);
    assert_eq!(
        operations(other.then("Pad", &["around", "half"], &[]).then("Conv", &["w"], &[])),
        "gather affine conv",
        "the first shift is preprocessing"
    );
}

#[test]
fn padding_of_channels_adds_zeros() {
    let shortcut = image()
        .ints("start", &[0, 0])
        .ints("end", &[i64::MAX, i64::MAX])
        .ints("axes", &[2, 3])
        .ints("steps", &[2, 2])
        .ints("channels", &[0, 1, 0, 0, 0, 1, 0, 0])
        .then("Slice", &["start", "end", "axes", "steps"], &[])
        .then("Pad", &["channels"], &[])
        .node("Conv", &["image", "w"], &[("strides", Ints(&[2, 2])), ("pads", Ints(&[1; 4]))])
        .node("Add", &["v1", "v2"], &[]);
    insta::assert_snapshot!(accept(shortcut).graph, @"
    real graph, output n5
    n0 = input : 4x6x5
    n2 = gather n0 3 pieces (#8b33101d) : 6x3x3
    n3 = conv n0 3x3 stride 2 pad 1,1,1,1 weights 6x4x3x3 (216 of 216, #1883ef87) bias 0 : 6x3x3
    n4 = add n2 n3 : 6x3x3
    n5 = flatten n4 : 54
    ");
    let last = Onnx::new(&[1, 6, 5, 4])
        .ints("channels", &[0, 0, 0, 2, 0, 0, 0, 1])
        .weight("w", &[3, 4, 2, 2])
        .then("Transpose", &[], &[("perm", Ints(&[0, 3, 1, 2]))])
        .then("Conv", &["w"], &[])
        .then("Transpose", &[], &[("perm", Ints(&[0, 2, 3, 1]))])
        .then("Pad", &["channels"], &[]);
    assert_eq!(operations(last), "conv gather", "the end of the model");
}

#[test]
fn channels_are_shuffled_split_and_chosen() {
    let shuffled = |op: &str, weight: &str, attributes: &[(&str, Attribute<'_>)]| {
        image()
            .ints("groups", &[1, 2, 2, 6, 5])
            .ints("joined", &[1, 4, 6, 5])
            .then("Relu", &[], &[])
            .then("Reshape", &["groups"], &[])
            .then("Transpose", &[], &[("perm", Ints(&[0, 2, 1, 3, 4]))])
            .then("Reshape", &["joined"], &[])
            .then(op, &[weight], attributes)
    };
    assert_eq!(operations(shuffled("Conv", "w", &[])), "relu conv", "the weights are reordered");
    assert_eq!(operations(shuffled("Conv", "dw", &[("group", Int(4))])), "relu gather conv");
    let halves = image()
        .then("Split", &[], &[("axis", Int(1))])
        .and_gives(&["right"])
        .node("Concat", &["right", "v0"], &[("axis", Int(1))])
        .then("Conv", &["w"], &[]);
    assert_eq!(operations(halves), "gather gather concat conv");
    let chosen = image().ints("order", &[3, -4, 2]).weight("u", &[2, 3, 1, 1]);
    assert_eq!(
        operations(chosen.then("Gather", &["order"], &[("axis", Int(1))]).then("Conv", &["u"], &[])),
        "conv"
    );
    let one =
        image().scalar("third", 2).then("Gather", &["third"], &[("axis", Int(1))]).then("Relu", &[], &[]);
    assert_eq!(operations(one), "gather relu");
    let flat = image().ints("from", &[10]).ints("to", &[-5]).ints("axis", &[1]);
    assert_eq!(
        operations(flat.then("Flatten", &[], &[]).then("Slice", &["from", "to", "axis"], &[])),
        "gather"
    );
}

#[test]
fn parts_of_the_plane_are_cut_out() {
    let cut = |from: &[i64], to: &[i64], axes: &[i64], steps: &[i64]| {
        image()
            .ints("from", from)
            .ints("to", to)
            .ints("axes", axes)
            .ints("steps", steps)
            .ints("around", AROUND)
            .then("Slice", &["from", "to", "axes", "steps"], &[])
    };
    assert_eq!(operations(cut(&[1, 2], &[5, 4], &[2, 3], &[1, 1])), "gather");
    assert_eq!(operations(cut(&[1], &[6], &[2], &[2])), "gather");
    let padded_again = cut(&[1], &[5], &[2], &[1]).then("Pad", &["around"], &[]).then("Conv", &["w"], &[]);
    assert_eq!(operations(padded_again), "gather conv", "the border that was cut off stays zero");
    assert_eq!(operations(cut(&[-1], &[-7], &[2], &[-1])), "gather", "rows are turned round");
}

#[test]
fn the_whole_plane_has_a_maximum() {
    let flat = |model: Onnx| model.then("Flatten", &[], &[]);
    assert_eq!(operations(flat(image().then("GlobalMaxPool", &[], &[]))), "max_pool");
    let axes = [("axes", Ints(&[2, 3])), ("keepdims", Int(0))];
    assert_eq!(operations(image().then("ReduceMax", &[], &axes)), "max_pool");
    let indices = image().then("MaxPool", &[], &[("kernel_shape", Ints(&[6, 5]))]).and_gives(&["where"]);
    assert_eq!(operations(flat(indices)), "max_pool", "nothing reads the positions");
}

#[test]
fn other_paddings_are_refused() {
    let other = image().ints("around", AROUND).then("Pad", &["around"], &[("mode", Text("sideways"))]);
    insta::assert_snapshot!(refuse(other), @"
    the model cannot be compiled:
      node 'v0' (Pad): mode = sideways is not supported; pad with zeros (mode = constant) instead, and train the model further
    ");
    let images = image().ints("batch", &[1, 0, 0, 0, 0, 0, 0, 0]).then("Pad", &["batch"], &[]);
    insta::assert_snapshot!(refuse(images), @"
    the model cannot be compiled:
      node 'v0' (Pad): it makes 2 images of one; a model is compiled for one image
    ");
    let negative = image().ints("inside", &[0, 0, -1, 0, 0, 0, 0, 0]).then("Pad", &["inside"], &[]);
    assert!(refuse(negative).contains("(Pad): its padding is negative; crop with Slice"));
}

#[test]
fn no_other_operation_moves_what_is_not_read() {
    let both = image()
        .ints("around", AROUND)
        .then("Pad", &["around"], &[])
        .then("Conv", &["w"], &[])
        .node("Conv", &["v0", "w"], &[])
        .node("Add", &["v1", "v2"], &[]);
    let imported = accept(both);
    let convolutions =
        imported.graph.ids().filter(|&id| matches!(imported.graph.op(id), Op::Conv(_))).count();
    assert_eq!(convolutions, 2, "{}", imported.graph);
}
