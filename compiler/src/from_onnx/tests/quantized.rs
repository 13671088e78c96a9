//! Models with QuantizeLinear and DequantizeLinear pairs, against tract, which rounds as they say.

use super::super::testing::Attribute::{Int, Ints};
use super::super::testing::Onnx;
use super::operators::refuse;
use super::*;
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
    let model = network(1.0 / 8.0).build();
    let imported = import(model.clone(), Path::new("test.onnx")).unwrap();
    insta::assert_snapshot!(imported.graph, @"
    real graph, output n4
    n0 = input : 2x6x6
    n1 = conv n0 3x3 weights 3x2x3x3 (53 of 54, #31042182) bias 0 : 3x4x4
    n2 = relu n1 : 3x4x4
    n3 = max_pool n2 2x2 stride 2 : 3x2x2
    n4 = dense n3 weights 3x12 (36 of 36, #5fe78fa5) bias 0 : 3
    ");
    assert_agrees(&imported, -1.0, 1.0);
    let image = image(72, -1.0, 1.0);
    let tensor = Tensor::from_shape(&[1, 2, 6, 6], &image).unwrap();
    let typed = tract_onnx::onnx().parse(&model, None).unwrap().model.into_typed().unwrap();
    let rounded = typed.into_runnable().unwrap().run(tvec!(tensor.into_tvalue())).unwrap();
    let rounded = rounded[0].cast_to::<f32>().unwrap().into_owned();
    let rounded = rounded.try_as_plain_ram().unwrap().as_slice::<f32>().unwrap().to_vec();
    let exact = real::evaluate(&imported.graph, &image.into_iter().map(f64::from).collect::<Vec<_>>());
    for (exact, rounded) in exact.iter().zip(rounded) {
        assert!((exact - f64::from(rounded)).abs() < 0.5, "{exact} is not about {rounded}");
    }
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
