//! Every supported operator in its forms, and what is said of the others.

use super::super::testing::Attribute::{Float, Int, Ints, Text};
use super::super::testing::{Attribute, Onnx};
use super::*;

pub(super) fn accept(model: Onnx) -> Model {
    let imported = import(model.build(), Path::new("test.onnx"), &Reading::default())
        .unwrap_or_else(|error| panic!("{error}"));
    assert_agrees(&imported, -1.0, 1.0);
    imported
}

pub(super) fn refuse(model: Onnx) -> String {
    match import(model.build(), Path::new("test.onnx"), &Reading::default()) {
        Err(error @ Error::Unsupported(_)) => error.to_string(),
        Err(error) => panic!("{error}"),
        Ok(imported) => panic!("{}", imported.graph),
    }
}

#[test]
fn convolutions_of_every_geometry() {
    let conv = |input: &[i64], weight: &[i64], attributes: &[(&str, Attribute<'_>)]| {
        accept(Onnx::new(input).weight("w", weight).weight("b", &weight[..1]).then(
            "Conv",
            &["w", "b"],
            attributes,
        ))
    };
    conv(&[1, 2, 7, 6], &[3, 2, 3, 2], &[("strides", Ints(&[2, 3])), ("pads", Ints(&[1, 0, 2, 1]))]);
    conv(&[1, 4, 7, 6], &[6, 2, 3, 3], &[("group", Int(2)), ("dilations", Ints(&[2, 1]))]);
    conv(
        &[1, 3, 8, 5],
        &[3, 1, 3, 3],
        &[("group", Int(3)), ("auto_pad", Text("SAME_UPPER")), ("strides", Ints(&[2, 2]))],
    );
    conv(&[1, 1, 8, 5], &[2, 1, 2, 4], &[("auto_pad", Text("SAME_LOWER"))]);
    conv(&[0, 1, 8, 5], &[2, 1, 2, 4], &[("auto_pad", Text("VALID"))]);
    let both =
        conv(&[1, 1, 8, 5], &[2, 1, 3, 3], &[("auto_pad", Text("SAME_UPPER")), ("pads", Ints(&[0; 4]))]);
    assert_eq!(both.graph.shape(both.graph.output()).elements(), 2 * 8 * 5, "auto_pad counts");
    accept(
        Onnx::new(&[1, 1, 5, 5])
            .weight("w", &[2, 1, 3, 3])
            .weight("b", &[2, 1, 1])
            .then("Conv", &["w"], &[])
            .then("Add", &["b"], &[]),
    );
}

#[test]
fn pools_of_every_geometry() {
    for op in ["MaxPool", "AveragePool"] {
        let pool =
            |attributes: &[(&str, Attribute<'_>)]| accept(Onnx::new(&[1, 2, 7, 8]).then(op, &[], attributes));
        pool(&[("kernel_shape", Ints(&[2, 2])), ("strides", Ints(&[2, 2]))]);
        pool(&[("kernel_shape", Ints(&[3, 2])), ("strides", Ints(&[2, 1])), ("pads", Ints(&[1, 0, 2, 1]))]);
        pool(&[("kernel_shape", Ints(&[2, 3])), ("strides", Ints(&[2, 2])), ("ceil_mode", Int(1))]);
        pool(&[
            ("kernel_shape", Ints(&[3, 3])),
            ("strides", Ints(&[2, 2])),
            ("auto_pad", Text("SAME_UPPER")),
        ]);
    }
    let counted =
        [("kernel_shape", Ints(&[3, 3])), ("pads", Ints(&[1, 1, 1, 1])), ("count_include_pad", Int(1))];
    accept(Onnx::new(&[1, 2, 7, 8]).then("AveragePool", &[], &counted));
    let global = accept(Onnx::new(&[1, 3, 7, 7]).then("GlobalAveragePool", &[], &[]));
    insta::assert_snapshot!(global.graph, @"
    real graph, output n1
    n0 = input : 3x7x7
    n1 = average_pool n0 7x7 : 3
    ");
}

#[test]
fn dense_layers_in_every_spelling() {
    let flat = || {
        Onnx::new(&[1, 2, 3, 2])
            .then("Flatten", &[], &[])
            .weight("w", &[12, 5])
            .weight("wt", &[5, 12])
            .weight("b", &[5])
    };
    accept(flat().then("Gemm", &["w", "b"], &[("alpha", Float(0.5)), ("beta", Float(2.0))]));
    accept(flat().then("Gemm", &["wt", "b"], &[("transB", Int(1))]));
    accept(flat().then("MatMul", &["w"], &[]).then("Add", &["b"], &[]));
    accept(flat().node("Transpose", &["wt"], &[("perm", Ints(&[1, 0]))]).node("MatMul", &["v0", "v1"], &[]));
    accept(Onnx::new(&[1, 12]).weight("w", &[12, 5]).then("MatMul", &["w"], &[]));
}

#[test]
fn affine_chains_become_one_map() {
    let model = Onnx::new(&[1, 3, 4, 4])
        .constant("mean", &[3, 1, 1], vec![0.5, 0.25, 0.125])
        .constant("std", &[1, 3, 1, 1], vec![0.5, 2.0, 4.0])
        .constant("two", &[], vec![2.0])
        .then("Sub", &["mean"], &[])
        .then("Div", &["std"], &[])
        .then("Mul", &["two"], &[])
        .node("Sub", &["mean", "v2"], &[])
        .weight("scale", &[3])
        .weight("shift", &[3])
        .weight("average", &[3])
        .constant("variance", &[3], vec![0.5, 1.0, 2.0])
        .then("BatchNormalization", &["scale", "shift", "average", "variance"], &[]);
    insta::assert_snapshot!(accept(model).graph, @"
    real graph, output n7
    n0 = input : 3x4x4
    n6 = affine n0 scale 3 (3 of 3, #73e6e156) shift 3 (3 of 3, #38bfc47c) : 3x4x4
    n7 = flatten n6 : 48
    ");
}

#[test]
fn branches_activations_and_the_end() {
    let model = Onnx::new(&[1, 2, 4, 4])
        .weight("w", &[2, 2, 3, 3])
        .constant("low", &[], vec![0.0])
        .then("Conv", &["w"], &[("pads", Ints(&[1, 1, 1, 1]))])
        .then("Relu", &[], &[])
        .node("Add", &["v1", "image"], &[])
        .node("Sub", &["v2", "v0"], &[])
        .node("Concat", &["v3", "image"], &[("axis", Int(1))])
        .then("Clip", &["low"], &[])
        .then("Dropout", &[], &[])
        .then("GlobalAveragePool", &[], &[])
        .then("Flatten", &[], &[])
        .then("LogSoftmax", &[], &[("axis", Int(1))]);
    insta::assert_snapshot!(format!("{:#}", accept(model).graph), @"
    real graph, output n7
    n0 = input : 2x4x4  # image
    n1 = conv n0 3x3 pad 1,1,1,1 weights 2x2x3x3 (36 of 36, #e5058c43) bias 0 : 2x4x4  # v0
    n2 = relu n1 : 2x4x4  # v1
    n3 = add n2 n0 : 2x4x4  # v2
    n4 = add n3 n1 times 1,-1 : 2x4x4  # v3
    n5 = concat n4 n0 : 4x4x4  # v4
    n6 = relu n5 : 4x4x4  # v5
    n7 = average_pool n6 4x4 : 4  # v7
    ");
    accept(Onnx::new(&[1, 3, 2, 2]).then("Sign", &[], &[]));
    accept(Onnx::new(&[1, 3, 2, 2]).then("Sum", &["image", "image"], &[]).then(
        "ReduceMean",
        &[],
        &[("axes", Ints(&[2, 3])), ("keepdims", Int(0))],
    ));
    accept(Onnx::new(&[1, 4]).opset(11).then("Softmax", &[], &[]));
}

#[test]
fn a_fixed_batch_becomes_one_image() {
    let reshaped = |shape: &[i64]| {
        Onnx::new(&[10, 2, 3, 2])
            .ints("shape", shape)
            .weight("w", &[12, 10])
            .then("Reshape", &["shape"], &[])
            .then("MatMul", &["w"], &[])
    };
    for shape in [[10, 12], [10, -1], [-1, 12], [0, -1]] {
        accept(reshaped(&shape));
    }
    let computed = Onnx::new(&[4, 2, 3, 2])
        .ints("zero", &[0])
        .ints("rest", &[-1])
        .then("Shape", &[], &[])
        .then("Gather", &["zero"], &[])
        .then("Concat", &["rest"], &[("axis", Int(0))])
        .node("Reshape", &["image", "v2"], &[]);
    accept(computed);
}

#[test]
fn every_unsupported_operator_is_listed() {
    let model = || {
        Onnx::new(&[1, 2, 4, 4])
            .weight("w", &[2, 2, 1, 1])
            .then("LSTM", &["w"], &[])
            .then("Conv", &["w"], &[("pads", Ints(&[0, 0, -1, 0]))])
            .then("Relu", &[], &[])
            .then("LRN", &[], &[])
    };
    insta::assert_snapshot!(refuse(model()), @"
    the model cannot be compiled:
      node 'v0' (LSTM): it repeats its steps along a sequence; only feed-forward networks can be compiled; use convolutions instead
      node 'v1' (Conv): pads = [0, 0, -1, 0] is out of range; negative padding crops; crop the input instead
      node 'v3' (LRN): it divides by what it computes of the image; replace it with BatchNormalization and retrain
    ");
    let report = check_model(model().build(), Path::new("test.onnx"), &Reading::default()).unwrap();
    insta::assert_snapshot!(report, @"
    NO  LSTM 'v0'; it repeats its steps along a sequence; only feed-forward networks can be compiled; use convolutions instead
    NO  Conv 'v1'; pads = [0, 0, -1, 0] is out of range; negative padding crops; crop the input instead
    ok  Relu 'v2'
    NO  LRN 'v3'; it divides by what it computes of the image; replace it with BatchNormalization and retrain
    test: 3 of 4 operators cannot be compiled
    ");
    assert!(!report.supported() && serde_json::to_string(&report).unwrap().contains(r#""op":"LSTM""#));
}

#[test]
fn what_the_translation_refuses_is_listed_too() {
    let model = || {
        Onnx::new(&[1, 2, 4, 4])
            .weight("pixels", &[2, 4, 4])
            .constant("six", &[], vec![6.0])
            .constant("large", &[1, 2, 1, 1], vec![f32::MAX; 2])
            .constant("small", &[1, 2, 1, 1], vec![f32::MIN_POSITIVE; 2])
            .node("Div", &["large", "small"], &[])
            .node("Mul", &["image", "image"], &[])
            .node("Add", &["image", "pixels"], &[])
            .node("Transpose", &["image"], &[("perm", Ints(&[0, 2, 3, 1]))])
            .node("Mul", &["image", "v0"], &[])
            .node("Clip", &["image", "", "six"], &[])
            .node("Softmax", &["image"], &[("axis", Int(1))])
            .node("Sum", &["v1", "v2", "v4", "v5", "v6"], &[])
            .node("Flatten", &["v3"], &[])
            .node("Flatten", &["v7"], &[])
            .node("Add", &["v8", "v9"], &[])
    };
    insta::assert_snapshot!(refuse(model()), @"
    the model cannot be compiled:
      node 'v2' (Add): the constant differs from pixel to pixel; normalise with one constant per channel
      node 'v4' (Mul): a weight is infinite; the training diverged, or the weights overflow f32
      node 'v6' (Softmax): it is not the last operator; attention and gating by a softmax cannot be compiled
    ");
    let report = check_model(model().build(), Path::new("test.onnx"), &Reading::default()).unwrap();
    assert_eq!(report.operators.iter().filter(|operator| !operator.supported).count(), 3, "{report}");
}

#[test]
fn weights_that_are_no_numbers_are_named() {
    let conv = |weight: f32| {
        let model = Onnx::new(&[1, 1, 4, 4]).constant("w", &[2, 1, 1, 1], vec![1.0, weight]);
        model.node("Transpose", &["w"], &[("perm", Ints(&[0, 1, 3, 2]))]).node("Conv", &["image", "v0"], &[])
    };
    insta::assert_snapshot!(refuse(conv(f32::NAN)), @"
    the model cannot be compiled:
      node 'v0' (Transpose): a weight is NaN; the training diverged, or the weights overflow f32
    ");
    assert!(refuse(conv(f32::NEG_INFINITY)).contains("a weight is infinite"));
    let clip = |high: f32| {
        let model =
            Onnx::new(&[1, 1, 4, 4]).constant("low", &[], vec![0.0]).constant("high", &[], vec![high]);
        model.then("Clip", &["low", "high"], &[])
    };
    accept(clip(f32::INFINITY));
    assert!(refuse(clip(f32::NAN)).contains("'v0' (Clip): a weight is NaN"));
}

#[test]
fn models_that_contradict_themselves_are_refused() {
    let say = |model: ModelProto| {
        import(model, Path::new("test.onnx"), &Reading::default())
            .map(|imported| imported.graph.to_string())
            .unwrap_err()
            .to_string()
    };
    let twice = Onnx::new(&[1, 1, 2, 2]).weight("w", &[1]).weight("w", &[1]).then("Add", &["w"], &[]);
    insta::assert_snapshot!(say(twice.build()), @"test.onnx: 'w' is defined twice");
    let twice = || {
        Onnx::new(&[1, 1, 2, 2]).weight("w", &[2, 2]).node("Transpose", &["w"], &[("perm", Ints(&[1, 1]))])
    };
    insta::assert_snapshot!(say(twice().then("Add", &["image"], &[]).build()), @"
    the model cannot be compiled:
      node 'v0' (Transpose): perm = [1, 1] is no permutation
    ");
    insta::assert_snapshot!(say(Onnx::new(&[1, 1, 2, 2]).node("Relu", &["nowhere"], &[]).build()), @"test.onnx: node 'v0' reads 'nowhere', which nothing defines");
    insta::assert_snapshot!(say(Onnx::new(&[1, 1, 0, 0]).then("Relu", &[], &[]).build()), @"
    the model cannot be compiled:
      node 'image' (Input): the input's shape is open: 1x1x?x?; export the model with a fixed input of Nx1x28x28 or the like
    ");
    insta::assert_snapshot!(say(Onnx::new(&[1, 1, 2, 2]).weight("w", &[3, 2, 1, 1]).then("Conv", &["w"], &[]).build()), @"
    the model cannot be compiled:
      node 'v0' (Conv): its shape or type cannot be inferred (Impossible to unify Val(1) with Val(2).); check the model with onnx.checker and onnx.shape_inference
    ");
    let blown = Onnx::new(&[1, 1, 2, 2])
        .weight("a", &[20000, 1])
        .weight("b", &[20000])
        .node("Add", &["a", "b"], &[])
        .then("Add", &["image"], &[]);
    insta::assert_snapshot!(say(blown.build()), @"
    the model cannot be compiled:
      node 'v0' (Add): the constant would have up to 400000000 elements; simplify the model with onnx-simplifier, which stores the result instead
    ");
}

/// tract would read axes that are not there.
#[test]
fn layers_of_values_with_too_few_axes_are_refused() {
    let flat = || {
        let model = Onnx::new(&[1, 2, 3, 2]).ints("all", &[-1]).weight("w", &[2, 2, 1, 1]).weight("c", &[2]);
        model.then("Reshape", &["all"], &[])
    };
    let models = [
        ("BatchNormalization", flat().then("BatchNormalization", &["c", "c", "c", "c"], &[]), 1),
        ("MaxPool", flat().then("MaxPool", &[], &[("kernel_shape", Ints(&[2, 2]))]), 1),
        ("AveragePool", flat().then("AveragePool", &[], &[("kernel_shape", Ints(&[1]))]), 1),
    ];
    for (op, model, axes) in models {
        let text = refuse(model);
        assert!(text.contains(op) && text.contains(&format!("its input has {axes} axes")), "{text}");
    }
    for op in ["Conv", "ConvTranspose"] {
        assert!(refuse(flat().then(op, &["w"], &[])).contains(op));
    }
}

/// 65,536 axes of two, in a model of a few hundred bytes.
#[test]
fn shapes_with_too_many_axes_are_refused() {
    let model = Onnx::new(&[1, 2, 3, 2]).ints("two_", &[2]).ints("often", &[1 << 16]);
    let text = refuse(model.node("Tile", &["two_", "often"], &[]).node("Reshape", &["image", "v0"], &[]));
    assert!(text.contains("its shape has 65536 axes"), "{text}");
}
