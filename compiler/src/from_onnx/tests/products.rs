//! Products of two computed values: gates, element by element, squares.

use super::operators::accept;
use super::*;
use crate::from_onnx::testing::Attribute::Ints;
use crate::from_onnx::testing::Onnx;
use crate::graph::Op;
use crate::options::CompileOptions;

fn products(model: &Model) -> usize {
    let graph = &model.graph;
    graph.ids().filter(|&id| matches!(graph.op(id), Op::Mul)).count()
}

/// x times a hard sigmoid of a convolution of its averages.
fn gated(image: &[i64], axes: &[i64]) -> Onnx {
    let reduced = [("axes", Ints(axes))];
    Onnx::new(image).then("ReduceMean", &[], &reduced)
}

#[test]
fn a_gate_is_a_number_per_channel() {
    let model = accept(
        gated(&[1, 3, 4, 5], &[2, 3])
            .weight("w", &[3, 3, 1, 1])
            .then("Conv", &["w"], &[])
            .then("HardSigmoid", &[], &[])
            .then("Mul", &["image"], &[]),
    );
    assert_eq!(products(&model), 1);
    let graph = &model.graph;
    let product = graph.ids().find(|&id| matches!(graph.op(id), Op::Mul)).unwrap();
    let shapes = graph.input_shapes(product);
    assert_eq!(shapes, [Shape::new(3, 4, 5), Shape::vector(3)], "the larger factor is first");
    // Channels last, as TensorFlow has them.
    let last = Onnx::new(&[1, 3, 4, 5])
        .then("Transpose", &[], &[("perm", Ints(&[0, 2, 3, 1]))])
        .then("ReduceMean", &[], &[("axes", Ints(&[1, 2]))])
        .then("Relu", &[], &[])
        .node("Mul", &["v0", "v2"], &[])
        .then("Transpose", &[], &[("perm", Ints(&[0, 3, 1, 2]))]);
    assert_eq!(products(&accept(last)), 1);
}

#[test]
fn values_of_one_shape_are_multiplied_element_by_element() {
    let other = Onnx::new(&[1, 2, 4, 4])
        .weight("w", &[2, 2, 3, 3])
        .then("Conv", &["w"], &[("pads", Ints(&[1; 4]))])
        .then("Mul", &["image"], &[]);
    assert_eq!(products(&accept(other)), 1);
    let flat = Onnx::new(&[1, 2, 4, 4])
        .then("Flatten", &[], &[])
        .weight("w", &[32, 32])
        .then("MatMul", &["w"], &[])
        .node("Mul", &["v0", "v1"], &[]);
    assert_eq!(products(&accept(flat)), 1);
}

#[test]
fn squares_are_products_and_swish_is_an_activation() {
    for square in [Onnx::new(&[1, 2, 3, 3]).then("Mul", &["image"], &[]), {
        Onnx::new(&[1, 2, 3, 3]).constant("two", &[], vec![2.0]).then("Pow", &["two"], &[])
    }] {
        assert_eq!(products(&accept(square)), 1);
    }
    let scaled = Onnx::new(&[1, 2, 3, 3])
        .constant("c", &[2, 1, 1], vec![0.5, 3.0])
        .then("Mul", &["c"], &[])
        .then("Mul", &["image"], &[]);
    assert_eq!(products(&accept(scaled)), 1);
    let with_relu = Onnx::new(&[1, 2, 3, 3]).then("Relu", &[], &[]).then("Mul", &["image"], &[]);
    assert_eq!(products(&accept(with_relu)), 1);
    let swish = Onnx::new(&[1, 2, 3, 3]).then("Sigmoid", &[], &[]).then("Mul", &["image"], &[]);
    let swish = import(swish.build(), Path::new("test.onnx"), &Reading::default()).unwrap();
    assert_eq!(products(&swish), 0);
}

/// A number for each pixel, as in spatial attention.
#[test]
fn factors_that_are_repeated_otherwise_are_gathered() {
    let spatial = Onnx::new(&[1, 3, 4, 5]).weight("w", &[1, 3, 1, 1]).then("Conv", &["w"], &[]).then(
        "Mul",
        &["image"],
        &[],
    );
    let model = accept(spatial);
    assert_eq!(products(&model), 1);
    assert!(model.graph.ids().any(|id| matches!(model.graph.op(id), Op::Gather(_))));
}

#[test]
fn suite_blinded_refuses_products_at_once() {
    let model = accept(Onnx::new(&[1, 2, 3, 3]).then("Mul", &["image"], &[]).then("Flatten", &[], &[]));
    let refused = model.compile(&CompileOptions::blinded()).unwrap_err().to_string();
    assert!(refused.contains("suite `blinded` cannot") && refused.contains("--suite shared"), "{refused}");
    let plan = model.compile(&CompileOptions::default()).unwrap().plan;
    assert!(plan.plan().steps.iter().any(|step| step.op == runtime::plan::Op::Mul));
}
