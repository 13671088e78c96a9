//! Models that keep their images as height × width × channels, or rearrange them on the way.

use super::super::testing::Attribute::{Int, Ints};
use super::super::testing::Onnx;
use super::operators::accept;
use super::*;

const TO_LAST: &[i64] = &[0, 2, 3, 1];
const TO_FIRST: &[i64] = &[0, 3, 1, 2];

#[test]
fn transpositions_around_layers_vanish() {
    let model = Onnx::new(&[1, 6, 5, 3])
        .weight("w", &[4, 3, 3, 3])
        .weight("b", &[4])
        .then("Transpose", &[], &[("perm", Ints(TO_FIRST))])
        .then("Conv", &["w"], &[("pads", Ints(&[1, 1, 1, 1]))])
        .then("Transpose", &[], &[("perm", Ints(TO_LAST))])
        .then("Add", &["b"], &[])
        .then("Relu", &[], &[])
        .node("Concat", &["v4", "image"], &[("axis", Int(-1))])
        .then("Transpose", &[], &[("perm", Ints(TO_FIRST))])
        .then("MaxPool", &[], &[("kernel_shape", Ints(&[3, 2])), ("strides", Ints(&[3, 1]))])
        .then("Transpose", &[], &[("perm", Ints(TO_LAST))])
        .then("Flatten", &[], &[])
        .weight("classes", &[56, 2])
        .then("MatMul", &["classes"], &[]);
    let imported = accept(model);
    assert_eq!(imported.input, Shape::new(3, 6, 5));
    insta::assert_snapshot!(imported.graph, @"
    real graph, output n6
    n0 = input : 3x6x5
    n1 = conv n0 3x3 pad 1,1,1,1 weights 4x3x3x3 (108 of 108, #086eba93) bias 0 : 4x6x5
    n2 = affine n1 scale 4 (4 of 4, #9d0ce045) shift 4 (4 of 4, #488c7d59) : 4x6x5
    n3 = relu n2 : 4x6x5
    n4 = concat n3 n0 : 7x6x5
    n5 = max_pool n4 3x2 stride 3x1 : 7x2x4
    n6 = dense n5 weights 2x56 (112 of 112, #09822c7b) bias 0 : 2
    ");
}

/// Whatever works element by element may stand before the Transpose that shows the layout.
#[test]
fn element_wise_operators_keep_the_layout() {
    for (op, more) in
        [("Max", &["half"][..]), ("Min", &["half"]), ("Sub", &["half"]), ("Neg", &[]), ("Tanh", &[])]
    {
        let model = Onnx::new(&[1, 6, 5, 2])
            .constant("half", &[], vec![0.5])
            .weight("w", &[4, 2, 3, 3])
            .then(op, more, &[])
            .then("Transpose", &[], &[("perm", Ints(TO_FIRST))])
            .then("Conv", &["w"], &[("pads", Ints(&[1, 1, 1, 1]))]);
        assert_eq!(accept(model).input, Shape::new(2, 6, 5), "{op}");
    }
}

#[test]
fn the_last_axis_of_a_flattened_image_may_be_its_channels() {
    let model = |input: &[i64]| {
        Onnx::new(input).weight("w", &[72, 2]).then("Flatten", &[], &[]).then("MatMul", &["w"], &[])
    };
    assert_eq!(accept(model(&[1, 6, 4, 3])).input, Shape::new(3, 6, 4));
    assert_eq!(accept(model(&[1, 3, 6, 4])).input, Shape::new(3, 6, 4));
    let conv = Onnx::new(&[1, 9, 16, 1]).weight("w", &[2, 9, 3, 1]).then("Conv", &["w"], &[]);
    assert_eq!(accept(conv).input, Shape::new(9, 16, 1));
}

#[test]
fn means_and_sums_follow_the_axes() {
    accept(
        Onnx::new(&[1, 3, 6, 4])
            .weight("w", &[2, 3, 1, 1])
            .then("Conv", &["w"], &[])
            .then("Transpose", &[], &[("perm", Ints(TO_LAST))])
            .then("ReduceMean", &[], &[("axes", Ints(&[1, 2])), ("keepdims", Int(0))]),
    );
    accept(
        Onnx::new(&[1, 3, 6, 4])
            .ints("joined", &[1, 24, 3])
            .then("Transpose", &[], &[("perm", Ints(TO_LAST))])
            .then("Reshape", &["joined"], &[])
            .then("ReduceMean", &[], &[("axes", Ints(&[1])), ("keepdims", Int(0))]),
    );
    accept(
        Onnx::new(&[1, 3, 4, 2])
            .weight("b", &[1, 4, 2, 3])
            .weight("w", &[24, 2])
            .then("Transpose", &[], &[("perm", Ints(TO_LAST))])
            .then("Flatten", &[], &[])
            .weight("each", &[24])
            .then("Mul", &["each"], &[])
            .then("MatMul", &["w"], &[]),
    );
}

#[test]
fn what_stays_rearranged_is_gathered() {
    let transposed = || Onnx::new(&[1, 2, 4, 3]).then("Transpose", &[], &[("perm", Ints(&[0, 1, 3, 2]))]);
    accept(transposed().weight("w", &[1, 2, 1, 1]).then("Conv", &["w"], &[]));
    accept(transposed().then("Flatten", &[], &[]));
    let unlike = transposed().node("Flatten", &["image"], &[]).node("Flatten", &["v0"], &[]);
    accept(unlike.node("Add", &["v1", "v2"], &[]));
}
