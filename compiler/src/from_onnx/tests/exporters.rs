//! Forms in which exporters write the same thing: computed shapes, stored shapes, number types, opsets.

use super::super::testing::Attribute::{Int, Ints};
use super::super::testing::Onnx;
use super::operators::accept;
use super::*;
use tract_onnx::pb::tensor_proto::DataType;

/// x.view(x.size(0), -1), as old exporters write it.
#[test]
fn shapes_may_be_computed() {
    for batch in [0, 1, 4] {
        let model = Onnx::new(&[batch, 2, 3, 2])
            .constant("w", &[12, 3], (0..36).map(|i| i as f32 / 36.0).collect())
            .scalar("zero", 0)
            .scalar("minus", -1)
            .then("Shape", &[], &[])
            .then("Gather", &["zero"], &[("axis", Int(0))])
            .then("Unsqueeze", &[], &[("axes", Ints(&[0]))])
            .node("Unsqueeze", &["minus"], &[("axes", Ints(&[0]))])
            .node("Concat", &["v2", "v3"], &[("axis", Int(0))])
            .node("Reshape", &["image", "v4"], &[])
            .then("MatMul", &["w"], &[]);
        accept(model.opset(9));
    }
}

#[test]
fn shapes_may_be_sliced_and_cast() {
    let model = Onnx::new(&[0, 2, 3, 2])
        .ints("start", &[0])
        .ints("end", &[1])
        .ints("rest", &[12])
        .then("Shape", &[], &[])
        .then("Cast", &[], &[("to", Int(DataType::Int32 as i64))])
        .then("Slice", &["start", "end"], &[])
        .then("Cast", &[], &[("to", Int(DataType::Int64 as i64))])
        .then("Concat", &["rest"], &[("axis", Int(0))])
        .node("Reshape", &["image", "v4"], &[])
        .then("Relu", &[], &[]);
    accept(model);
}

#[test]
fn constants_may_be_reshaped() {
    let model = Onnx::new(&[1, 1, 4, 4])
        .weight("w", &[2, 3, 3])
        .weight("dense", &[2, 2, 2, 3])
        .ints("kernel", &[2, 1, 3, 3])
        .ints("matrix", &[8, 3])
        .ints("flat", &[1, 8])
        .node("Reshape", &["w", "kernel"], &[])
        .node("Conv", &["image", "v0"], &[])
        .node("Reshape", &["v1", "flat"], &[])
        .node("Reshape", &["dense", "matrix"], &[])
        .node("MatMul", &["v2", "v3"], &[]);
    accept(model.opset(7));
}

#[test]
fn a_flat_image_may_get_its_shape_in_the_model() {
    let model = Onnx::new(&[0, 30])
        .weight("w", &[2, 1, 3, 3])
        .ints("image_shape", &[-1, 1, 5, 6])
        .then("Reshape", &["image_shape"], &[])
        .then("Conv", &["w"], &[]);
    assert_eq!(accept(model).input, Shape::new(1, 5, 6));
}

#[test]
fn axes_of_length_one_come_and_go() {
    for opset in [11, 13] {
        let model =
            Onnx::new(&[1, 2, 3, 3]).opset(opset).ints("axes", &[2, 3]).then("GlobalAveragePool", &[], &[]);
        let squeezed = match opset {
            13 => model.then("Squeeze", &["axes"], &[]).then("Unsqueeze", &["axes"], &[]),
            _ => model.then("Squeeze", &[], &[("axes", Ints(&[2, 3]))]).then(
                "Unsqueeze",
                &[],
                &[("axes", Ints(&[2, 3]))],
            ),
        };
        accept(squeezed.weight("w", &[3, 2, 1, 1]).then("Conv", &["w"], &[]));
    }
}

#[test]
fn weights_may_be_listed_as_inputs() {
    let mut model = Onnx::new(&[1, 2, 3, 3]).weight("w", &[2, 2, 2, 2]).then("Conv", &["w"], &[]).build();
    let graph = model.graph.as_mut().unwrap();
    let mut listed = graph.input[0].clone();
    listed.name = "w".into();
    graph.input.insert(0, listed);
    let imported = import(model, Path::new("test.onnx"), &Reading::default()).unwrap();
    assert_eq!(imported.input, Shape::new(2, 3, 3));
    assert_agrees(&imported, -1.0, 1.0);
}

#[test]
fn every_opset_from_7_to_28_is_read() {
    for opset in 7..=28 {
        let model = Onnx::new(&[1, 2, 6, 6])
            .opset(opset)
            .weight("w", &[3, 2, 3, 3])
            .weight("b", &[3])
            .weight("scale", &[3])
            .constant("variance", &[3], vec![0.5, 1.0, 2.0])
            .weight("dense", &[12, 4])
            .then("Conv", &["w", "b"], &[])
            .then("BatchNormalization", &["scale", "b", "b", "variance"], &[])
            .then("Relu", &[], &[])
            .then("Dropout", &[], &[])
            .then("MaxPool", &[], &[("kernel_shape", Ints(&[2, 2])), ("strides", Ints(&[2, 2]))])
            .then("Flatten", &[], &[])
            .then("Gemm", &["dense", "four"], &[])
            .weight("four", &[4])
            .then("Softmax", &[], &[("axis", Int(1))]);
        accept(model);
    }
}

/// (x − mean) ÷ std before a padded convolution belongs to the plan's preprocessing.
#[test]
fn normalisation_leaves_the_model() {
    let model = |pads: &[i64]| {
        Onnx::new(&[1, 3, 4, 4])
            .constant("mean", &[1, 3, 1, 1], vec![0.5, 0.25, 0.125])
            .constant("std", &[3, 1, 1], vec![0.5, 2.0, 4.0])
            .weight("w", &[2, 3, 3, 3])
            .then("Sub", &["mean"], &[])
            .then("Div", &["std"], &[])
            .then("Conv", &["w"], &[("pads", Ints(pads))])
    };
    assert!(accept(model(&[0; 4])).normalization.is_none(), "it folds into the convolution");
    let imported = accept(model(&[1; 4]));
    insta::assert_snapshot!(imported.graph, @"
    real graph, output n4
    n0 = input : 3x4x4
    n3 = conv n0 3x3 pad 1,1,1,1 weights 2x3x3x3 (54 of 54, #06511a70) bias 0 : 2x4x4
    n4 = flatten n3 : 32
    ");
    let spec = imported.input_spec(&InputOptions::default()).unwrap();
    assert_eq!(spec.preprocessing.apply(1, 10.0), (10.0 - 0.25) / 2.0);
}
