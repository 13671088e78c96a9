//! Layers over sequences: images of height 1.

use super::super::testing::Attribute::{Int, Ints};
use super::super::testing::Onnx;
use super::operators::{accept, refuse};
use super::*;

#[test]
fn layers_over_sequences_are_layers_over_lines() {
    let model = Onnx::new(&[0, 3, 20])
        .weight("w", &[4, 3, 5])
        .weight("b", &[4])
        .constant("variance", &[4], vec![0.5, 1.0, 2.0, 4.0])
        .weight("u", &[4, 2, 3])
        .then("Conv", &["w", "b"], &[("strides", Ints(&[2])), ("pads", Ints(&[2, 1]))])
        .then("BatchNormalization", &["b", "b", "b", "variance"], &[])
        .then("Relu", &[], &[])
        .then("MaxPool", &[], &[("kernel_shape", Ints(&[2]))])
        .then("Conv", &["u"], &[("group", Int(2)), ("dilations", Ints(&[2]))])
        .then("GlobalAveragePool", &[], &[])
        .then("Flatten", &[], &[]);
    let imported = accept(model);
    assert_eq!(imported.input, Shape::new(3, 1, 20));
    insta::assert_snapshot!(imported.graph, @"
    real graph, output n7
    n0 = input : 3x1x20
    n1 = conv n0 1x5 stride 1x2 pad 0,2,0,1 weights 4x3x1x5 (60 of 60, #42e06cef) bias 4 (4 of 4, #488c7d59) : 4x1x10
    n3 = affine n1 scale 4 (4 of 4, #5869aeed) shift 4 (4 of 4, #1075733d) : 4x1x10
    n4 = relu n3 : 4x1x10
    n5 = max_pool n4 1x2 : 4x1x9
    n6 = conv n5 1x3 dilation 1x2 groups 2 weights 4x2x1x3 (24 of 24, #7c5bc497) bias 0 : 4x1x5
    n7 = average_pool n6 1x5 : 4
    ");
}

#[test]
fn sequences_may_have_their_channels_last() {
    let model = Onnx::new(&[1, 20, 3])
        .weight("w", &[4, 3, 5])
        .then("Transpose", &[], &[("perm", Ints(&[0, 2, 1]))])
        .then("Conv", &["w"], &[])
        .then("AveragePool", &[], &[("kernel_shape", Ints(&[4]))]);
    assert_eq!(accept(model).input, Shape::new(3, 1, 20));
}

#[test]
fn sequences_may_be_spelled_as_images() {
    for (axis, kernel) in [(2, [4, 3, 1, 5]), (3, [4, 3, 5, 1])] {
        let model = Onnx::new(&[1, 3, 20])
            .ints("axis", &[axis])
            .weight("w", &kernel)
            .then("Unsqueeze", &["axis"], &[])
            .then("Conv", &["w"], &[])
            .then("Relu", &[], &[])
            .then("Squeeze", &["axis"], &[])
            .then("Flatten", &[], &[]);
        assert_eq!(accept(model).input.channels, 3);
    }
    let plane = Onnx::new(&[1, 6, 5]).ints("axis", &[1]).weight("w", &[2, 1, 3, 3]);
    let plane = plane.then("Unsqueeze", &["axis"], &[]).then("Conv", &["w"], &[]);
    assert_eq!(accept(plane).input, Shape::new(1, 6, 5));
}

#[test]
fn layers_in_three_dimensions_are_refused() {
    let model = Onnx::new(&[1, 1, 4, 4]).weight("w", &[2, 1, 3, 3, 3]).then(
        "Conv",
        &["w"],
        &[("kernel_shape", Ints(&[3, 3, 3]))],
    );
    insta::assert_snapshot!(refuse(model), @"
    the model cannot be compiled:
      node 'v0' (Conv): kernel_shape = [3, 3, 3] is of a 3-D layer; only layers over images (2-D) and sequences (1-D) can be compiled
    ");
}
