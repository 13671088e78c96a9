//! Models with QuantizeLinear and DequantizeLinear pairs, against tract, which rounds as they say.

use super::super::testing::Attribute::{Int, Ints};
use super::super::testing::{Onnx, value_info};
use super::operators::refuse;
use super::*;
use crate::graph::Op;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::prelude::{InferenceModelExt, IntoRunnable, IntoTValue, Tensor, tvec};

/// A small network as static quantisation writes it: int8 weights per channel, an int32 bias, the
/// ReLU dropped in favour of a zero point at the smallest value.
fn network(scale: f32) -> Onnx {
    Onnx::new(&[1, 2, 6, 6])
        .constant("in_scale", &[], vec![1.0 / 64.0])
        .bytes("in_zero", &[], &[0], true)
        .bytes("w_q", &[3, 2, 3, 3], &(0..54).map(|i| (i * 37 % 255) as u8).collect::<Vec<u8>>(), true)
        .constant("w_scale", &[3], vec![0.01, 0.005, 0.02])
        .bytes("w_zero", &[3], &[0, 0, 0], true)
        .constant("mid_scale", &[], vec![scale])
        .bytes("mid_zero", &[], &[0], false)
        .constant("dense", &[12, 3], (0..36).map(|i| (i % 7) as f32 / 7.0 - 0.5).collect())
        .constant("dense_scale", &[], vec![1.0 / 256.0])
        .bytes("dense_zero", &[], &[3], true)
        .node("QuantizeLinear", &["image", "in_scale", "in_zero"], &[])
        .then("DequantizeLinear", &["in_scale", "in_zero"], &[])
        .node("DequantizeLinear", &["w_q", "w_scale", "w_zero"], &[("axis", Int(0))])
        .node("Conv", &["v1", "v2"], &[])
        .then("QuantizeLinear", &["mid_scale", "mid_zero"], &[])
        .then("MaxPool", &[], &[("kernel_shape", Ints(&[2, 2])), ("strides", Ints(&[2, 2]))])
        .then("DequantizeLinear", &["mid_scale", "mid_zero"], &[])
        .then("Flatten", &[], &[])
        .node("QuantizeLinear", &["dense", "dense_scale", "dense_zero"], &[])
        .then("DequantizeLinear", &["dense_scale", "dense_zero"], &[])
        .node("MatMul", &["v7", "v9"], &[])
}

#[test]
fn pairs_mean_what_they_surround() {
    let imported = import(network(1.0 / 8.0).build(), Path::new("test.onnx"), &Reading::default()).unwrap();
    insta::assert_snapshot!(imported.graph, @"
    real graph, output n5
    n0 = input : 2x6x6
    n1 = conv n0 3x3 weights 3x2x3x3 (53 of 54, #31042182) bias 0 : 3x4x4
    n3 = activation n1 min(max(x, 0), 31.875) : 3x4x4
    n4 = max_pool n3 2x2 stride 2 : 3x2x2
    n5 = dense n4 weights 3x12 (36 of 36, #5fe78fa5) bias 0 : 3
    ");
    assert_within(&imported, -1.0, 1.0, 0.1);
}

/// The reference rounds and saturates as the file says; tract's own operators do the same.
#[test]
fn the_reference_rounds() {
    let model = network(1.0 / 64.0).build();
    let imported = import(model.clone(), Path::new("test.onnx"), &Reading::default()).unwrap();
    let image = image(72, -2.5, 2.5);
    let tensor = Tensor::from_shape(&[1, 2, 6, 6], &image).unwrap();
    let typed = tract_onnx::onnx().parse(&model, None).unwrap().model.into_typed().unwrap();
    let rounded = typed.into_runnable().unwrap().run(tvec!(tensor.into_tvalue())).unwrap();
    let rounded = rounded[0].cast_to::<f32>().unwrap().into_owned();
    let rounded = rounded.try_as_plain_ram().unwrap().as_slice::<f32>().unwrap().to_vec();
    let reference = FloatReference::new(&imported).unwrap().run(&image).unwrap();
    for (ours, theirs) in reference.iter().zip(&rounded) {
        assert!((ours - theirs).abs() < 1e-4, "{ours} is not {theirs}");
    }
}

/// A convolution whose ReLU6 the quantiser left to the range: without the cuts values reach 20.
#[test]
fn both_ends_of_the_range_cut() {
    for (zero, signed, low) in [(0_u8, false, 0.0), (0x80, true, 0.0), (128, false, -3.0)] {
        let model = Onnx::new(&[1, 2, 6, 6])
            .constant("w", &[3, 2, 3, 3], (0..54).map(|i| ((i * 37) % 23) as f32 / 5.0 - 2.0).collect())
            .constant("scale", &[], vec![6.0 / 255.0])
            .bytes("zero", &[], &[zero], signed)
            .then("Conv", &["w"], &[])
            .then("QuantizeLinear", &["scale", "zero"], &[])
            .then("DequantizeLinear", &["scale", "zero"], &[]);
        let imported = import(model.build(), Path::new("test.onnx"), &Reading::default()).unwrap();
        assert_within(&imported, -1.0, 1.0, 0.0041); // half a step, where 3 is the largest value
        let pixels: Vec<f64> = image(72, -1.0, 1.0).into_iter().map(f64::from).collect();
        let values = real::evaluate(&imported.graph, &pixels);
        let (least, most) = values.iter().fold((0.0_f64, 0.0_f64), |(a, b), &x| (a.min(x), b.max(x)));
        let reached = (least - low).abs() < 0.02 && (most - low - 6.0).abs() < 0.02;
        assert!(reached, "{least} to {most}");
    }
}

/// The activations that stand for the pairs after `op`.
fn cuts(op: &str, scale: f32, zero: u8) -> String {
    let model = Onnx::new(&[1, 2, 4, 4])
        .weight("w", &[2, 2, 3, 3])
        .constant("s", &[], vec![scale])
        .bytes("z", &[], &[zero], true)
        .then("Conv", &["w"], &[])
        .then(op, &[], &[])
        .then("QuantizeLinear", &["s", "z"], &[])
        .then("DequantizeLinear", &["s", "z"], &[]);
    let imported = import(model.build(), Path::new("test.onnx"), &Reading::default()).unwrap();
    let graph = &imported.graph;
    let operations = graph.ids_in_order().into_iter().filter_map(|id| match graph.op(id) {
        Op::Activation(curve) => Some(curve.to_string()),
        Op::Relu => Some("relu".into()),
        _ => None,
    });
    operations.collect::<Vec<_>>().join(", ")
}

#[test]
fn bounds_without_effect_are_left_out() {
    insta::assert_snapshot!(cuts("Relu", 0.5, 0x80), @"min(max(x, 0), 127.5)");
    insta::assert_snapshot!(cuts("Relu", 0.5, 0), @"min(max(x, 0), 63.5)");
    insta::assert_snapshot!(cuts("Sigmoid", 1.0 / 255.0, 0x80), @"sigmoid(x)");
    insta::assert_snapshot!(cuts("Identity", 0.5, 0x80), @"min(max(x, 0), 127.5)");
    insta::assert_snapshot!(cuts("Identity", 0.5, 0), @"min(max(x, -64), 63.5)");
}

/// An image that is cut off where it is known to reach further: by its own pair, after arithmetic of the model.
#[test]
fn images_are_cut_where_they_reach_beyond() {
    let operations = |image: Option<(f64, f64)>| {
        let model = Onnx::new(&[1, 2, 4, 4])
            .constant("half", &[], vec![0.5])
            .constant("s", &[], vec![1.0 / 64.0])
            .bytes("z", &[], &[128], false)
            .weight("w", &[2, 2, 3, 3])
            .then("Mul", &["half"], &[])
            .then("QuantizeLinear", &["s", "z"], &[])
            .then("DequantizeLinear", &["s", "z"], &[])
            .then("Conv", &["w"], &[]);
        let reading = Reading { image, ..Reading::default() };
        let imported = import(model.build(), Path::new("test.onnx"), &reading).unwrap();
        let graph = &imported.graph;
        if image.is_some_and(|(_, most)| most > 5.0) {
            assert_within(&imported, -2.0, 8.0, 0.01);
        }
        let names = graph.ids_in_order().into_iter().map(|id| graph.op(id).name());
        names.skip(1).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(operations(None), "affine conv flatten");
    assert_eq!(operations(Some((-4.0, 4.4))), "affine conv flatten", "a little is let pass");
    assert_eq!(operations(Some((-4.0, 16.0))), "activation conv flatten");
}

/// Full-integer models: the image itself is of integers.
#[test]
fn images_of_integers_become_numbers_before_the_plan() {
    for (signed, zero, range) in [(true, 0x80, (-128.0, 127.0)), (false, 3, (0.0, 255.0))] {
        let mut model = Onnx::new(&[1, 4, 4, 2])
            .constant("s", &[], vec![1.0 / 128.0])
            .bytes("z", &[], &[zero], signed)
            .weight("w", &[3, 2, 3, 3])
            .then("Transpose", &[], &[("perm", Ints(&[0, 3, 1, 2]))])
            .then("DequantizeLinear", &["s", "z"], &[])
            .then("Conv", &["w"], &[("pads", Ints(&[1; 4]))])
            .then("Relu", &[], &[])
            .build();
        let kind = if signed { DataType::Int8 } else { DataType::Uint8 };
        model.graph.as_mut().unwrap().input[0] = value_info("image", &[1, 4, 4, 2], kind as i32);
        let imported = import(model, Path::new("test.onnx"), &Reading::default()).unwrap();
        assert_eq!((imported.pixels, imported.input), (Some(range), Shape::new(2, 4, 4)));
        assert_eq!(imported.notes.len(), usize::from(signed));
        let options = InputOptions { range, ..InputOptions::default() };
        let spec = imported.input_spec(&options).unwrap();
        let zero = if signed { -128.0 } else { 3.0 };
        assert!((spec.preprocessing.apply(0, 27.0) - (27.0 - zero) / 128.0).abs() < 1e-9);
        let raw = image(32, range.0 as f32, range.1 as f32);
        let image: Vec<f32> =
            raw.iter().map(|pixel| ((f64::from(pixel.round()) - zero) / 128.0) as f32).collect();
        let expected = FloatReference::new(&imported).unwrap().run(&image).unwrap();
        let got = real::evaluate(&imported.graph, &image.iter().copied().map(f64::from).collect::<Vec<_>>());
        for (got, expected) in got.iter().zip(expected) {
            assert!((got - f64::from(expected)).abs() < 1e-5, "{got} is not {expected}");
        }
    }
}

/// Between the halves of a pair stands what gives some of the integers that it reads.
#[test]
fn integers_may_be_chosen_inside_a_pair() {
    for op in ["GlobalMaxPool", "Dropout", "Identity"] {
        let model = Onnx::new(&[1, 2, 4, 4])
            .weight("w", &[2, 2, 3, 3])
            .constant("s", &[], vec![1.0 / 8.0])
            .bytes("z", &[], &[128], false)
            .then("Conv", &["w"], &[])
            .then("QuantizeLinear", &["s", "z"], &[])
            .then(op, &[], &[])
            .then("DequantizeLinear", &["s", "z"], &[]);
        let imported = import(model.build(), Path::new("test.onnx"), &Reading::default()).unwrap();
        assert_within(&imported, -1.0, 1.0, 0.1);
    }
}

#[test]
fn padding_inside_a_pair_is_a_number() {
    let model = Onnx::new(&[1, 2, 4, 4])
        .weight("w", &[2, 2, 3, 3])
        .constant("s", &[], vec![1.0 / 8.0])
        .bytes("z", &[], &[128], false)
        .ints("around", &[0, 0, 1, 1, 0, 0, 1, 1])
        .then("QuantizeLinear", &["s", "z"], &[])
        .then("Pad", &["around", "z"], &[])
        .then("DequantizeLinear", &["s", "z"], &[])
        .then("Conv", &["w"], &[]);
    let imported = import(model.build(), Path::new("test.onnx"), &Reading::default()).unwrap();
    insta::assert_snapshot!(imported.graph, @"
    real graph, output n3
    n0 = input : 2x4x4
    n2 = conv n0 3x3 pad 1,1,1,1 weights 2x2x3x3 (36 of 36, #e5058c43) bias 0 : 2x4x4
    n3 = flatten n2 : 32
    ");
    assert_within(&imported, -1.0, 1.0, 0.2);
}

#[test]
fn integers_that_leave_the_model_stay_on_their_scale() {
    let model = Onnx::new(&[1, 4])
        .weight("w", &[4, 3])
        .constant("s", &[], vec![1.0 / 16.0])
        .bytes("z", &[], &[100], false)
        .then("MatMul", &["w"], &[])
        .then("QuantizeLinear", &["s", "z"], &[]);
    let imported = import(model.build(), Path::new("test.onnx"), &Reading::default()).unwrap();
    assert_within(&imported, -1.0, 1.0, 0.51 / 130.0);
}

#[test]
fn halves_of_pairs_are_refused() {
    let scale = || Onnx::new(&[1, 4]).constant("s", &[], vec![0.5]).constant("t", &[], vec![0.25]);
    let other = scale().then("QuantizeLinear", &["s"], &[]).then("DequantizeLinear", &["t"], &[]);
    insta::assert_snapshot!(refuse(other), @"
    the model cannot be compiled:
      node 'v1' (DequantizeLinear): its scale or zero point differs from those of 'v0'; export the float model; the compiler quantizes by itself
    ");
    insta::assert_snapshot!(refuse(scale().then("Relu", &[], &[]).then("DequantizeLinear", &["t"], &[])), @"
    the model cannot be compiled:
      node 'v1' (DequantizeLinear): its input does not come from QuantizeLinear; export quantization as QuantizeLinear and DequantizeLinear pairs (QDQ), or the float model
    ");
}
