//! Networks that make images larger again, and networks over sequences of patches: the plan is close to tract, and an
//! encrypted run is the plan interpreter and the integer reference, in both suites.

use crate::images::images;
use crate::testing::Attribute::{Int, Ints, Text};
use crate::testing::Onnx;
use compiler::compile::{self, Compiled};
use compiler::from_onnx::{self, FloatReference};
use compiler::options::{CompileOptions, InputOptions};
use compiler::reference::integer;
use prost::Message;
use runtime::observe::Silent;
use runtime::paillier::test_keys;
use runtime::plan::KeyBits;
use runtime::roles::server::Server;
use runtime::roles::{local, plain};

/// Length of keys that are quick to use and easy to break.
const KEY_BITS: u32 = 1024;
/// Distance from tract, as a share of the largest logit.
const NEAR: f64 = 0.05;

fn image() -> Onnx {
    Onnx::new(&[1, 3, 8, 8]).weight("a", &[6, 3, 3, 3]).weight("head", &[4, 5])
}

const AROUND: (&str, crate::testing::Attribute<'static>) = ("pads", Ints(&[1; 4]));

/// The mean of four channels, and a dense layer.
fn classes(model: Onnx) -> Onnx {
    model.then("GlobalAveragePool", &[], &[]).then("Flatten", &[], &[]).then("MatMul", &["head"], &[])
}

/// Down, up by a transposed convolution, and beside what was there.
fn u_net() -> Onnx {
    let model = image()
        .weight("b", &[8, 6, 3, 3])
        .weight("up", &[8, 6, 2, 2])
        .weight("c", &[4, 12, 3, 3])
        .then("Conv", &["a"], &[AROUND])
        .then("Relu", &[], &[])
        .then("MaxPool", &[], &[("kernel_shape", Ints(&[2, 2])), ("strides", Ints(&[2, 2]))])
        .then("Conv", &["b"], &[AROUND])
        .then("Relu", &[], &[])
        .then("ConvTranspose", &["up"], &[("strides", Ints(&[2, 2]))])
        .then("Concat", &["v1"], &[("axis", Int(1))])
        .then("Conv", &["c"], &[AROUND]);
    classes(model.then("Relu", &[], &[]))
}

/// Channels become pixels, pixels between others appear, and all is mirrored.
fn super_resolution() -> Onnx {
    let model = image()
        .weight("b", &[8, 6, 3, 3])
        .weight("c", &[4, 2, 3, 3])
        .constant("scales", &[4], vec![1.0, 1.0, 2.0, 2.0])
        .ints("around", &[0, 0, 1, 1, 0, 0, 1, 1])
        .ints("start", &[-1])
        .ints("end", &[i64::MIN + 1])
        .ints("axis", &[3])
        .ints("step", &[-2])
        .then("Pad", &["around"], &[("mode", Text("reflect"))])
        .then("Conv", &["a"], &[("strides", Ints(&[2, 2]))])
        .then("Relu", &[], &[])
        .then("Conv", &["b"], &[AROUND])
        .then("DepthToSpace", &[], &[("blocksize", Int(2))])
        .then("Relu", &[], &[])
        .then("Resize", &["", "scales"], &[("mode", Text("linear"))])
        .then("Slice", &["start", "end", "axis", "step"], &[])
        .then("Conv", &["c"], &[]);
    classes(model.then("Relu", &[], &[]))
}

/// Patches of an image, matrices at each of them, and their mean.
fn patches() -> Onnx {
    image()
        .weight("patch", &[6, 3, 2, 2])
        .weight("m", &[6, 8])
        .weight("n", &[8, 4])
        .weight("bias", &[8])
        .ints("list", &[1, 6, 16])
        .then("Conv", &["patch"], &[("strides", Ints(&[2, 2]))])
        .then("Reshape", &["list"], &[])
        .then("Transpose", &[], &[("perm", Ints(&[0, 2, 1]))])
        .then("MatMul", &["m"], &[])
        .then("Add", &["bias"], &[])
        .then("Relu", &[], &[])
        .then("MatMul", &["n"], &[])
        .then("ReduceMean", &[], &[("axes", Ints(&[1])), ("keepdims", Int(0))])
        .then("MatMul", &["head"], &[])
}

fn check(name: &str, model: Onnx, options: CompileOptions) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    std::fs::write(&path, model.build().encode_to_vec()).unwrap();
    let imported = from_onnx::read(&path).unwrap();
    let options = CompileOptions {
        key_bits: KeyBits::try_from(KEY_BITS).unwrap(),
        input: InputOptions { scale: 1.0 / 255.0, ..InputOptions::default() },
        calibration: Some(images(imported.input, 16).into()),
        accept_error: true,
        ..options
    };
    let compiled = compile::compile_in_stages(&imported, &options, &mut compiler::pipeline::Silent);
    let Compiled { plan, finished, .. } = compiled.unwrap();
    let image: Vec<f32> = (0..imported.input.elements()).map(|i| ((i * 37 + i / 7) % 256) as f32).collect();
    let integers = plan.plan().input.quantize(&image).unwrap();
    let expected = plain::run(&plan, &integers);
    assert_eq!(integer::run(&finished, &integers), expected, "{name}: the reference");
    let scale = plan.plan().output.parts[0].scale;
    let server = Server::new(plan);
    let key = test_keys::holder(KEY_BITS).into();
    let run = local::run(&server, &key, [image.as_slice()], &mut Silent, &mut Silent);
    assert_eq!(run.unwrap().0[0].integers, expected, "{name}: encrypted");
    let preprocessed: Vec<f32> = image.iter().map(|x| x / 255.0).collect();
    let float = FloatReference::new(&imported).unwrap().run(&preprocessed).unwrap();
    let largest = float.iter().fold(0.0f64, |largest, &x| largest.max(f64::from(x).abs()));
    for (&x, &float) in expected.iter().zip(&float) {
        let off = (x as f64 * scale - f64::from(float)).abs() / largest;
        assert!(off <= NEAR, "{name}: {} is not {float}", x as f64 * scale);
    }
}

#[test]
fn networks_that_enlarge_images_are_compiled() {
    let blinded = CompileOptions::blinded;
    for (name, model) in
        [("U-net", u_net as fn() -> Onnx), ("pixels", super_resolution), ("patches", patches)]
    {
        check(name, model(), CompileOptions::default());
        check(name, model(), blinded());
    }
}

/// An output of several axes is a map: its axes stand in the plan, it has no label, and its elements come in the model's order.
#[test]
fn maps_are_revealed_as_they_are() {
    let map = |last: bool| {
        let model = image().weight("c", &[2, 3, 3, 3]).then("Conv", &["c"], &[AROUND]).then("Relu", &[], &[]);
        if last { model.then("Transpose", &[], &[("perm", Ints(&[0, 2, 3, 1]))]) } else { model }
    };
    for (last, axes) in [(false, [2, 8, 8]), (true, [8, 8, 2])] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.onnx");
        std::fs::write(&path, map(last).build().encode_to_vec()).unwrap();
        let imported = from_onnx::read(&path).unwrap();
        assert_eq!(imported.outputs[0].axes, axes);
        let options =
            CompileOptions { calibration: Some(images(imported.input, 16).into()), ..Default::default() };
        let plan = imported.compile(&options).unwrap().plan;
        let output = &plan.plan().output;
        assert!(output.parts[0].axes == axes && output.parts[0].is_map());
        let check = plan.plan().check.as_ref().unwrap();
        assert!(check.agreement.is_none() && check.error < 0.01, "{check}");
        assert!(check.to_string().contains("the map is off by"), "{check}");
        let raw: Vec<f32> = (0..imported.input.elements()).map(|i| ((i * 37 + i / 7) % 256) as f32).collect();
        let integers = plain::run(&plan, &plan.plan().input.quantize(&raw).unwrap());
        let tract = FloatReference::new(&imported).unwrap().run(&raw).unwrap();
        let largest = tract.iter().fold(0f64, |largest, &x| largest.max(f64::from(x).abs()));
        for (ours, tract) in output.logits(&integers).iter().zip(&tract) {
            assert!((ours - f64::from(*tract)).abs() <= NEAR * largest, "{ours} is not {tract}");
        }
    }
}

/// A mean over one axis, and a sum with a flattened image: values in other shapes than they were made in.
#[test]
fn values_are_read_in_other_shapes() {
    let model = || {
        image()
            .weight("b", &[6, 6, 3, 3])
            .weight("v", &[48, 4])
            .ints("list", &[1, 48])
            .then("Conv", &["a"], &[AROUND])
            .then("Relu", &[], &[])
            .then("ReduceMean", &[], &[("axes", Ints(&[3])), ("keepdims", Int(0))])
            .then("Reshape", &["list"], &[])
            .node("Conv", &["v1", "b"], &[AROUND])
            .then("ReduceMean", &[], &[("axes", Ints(&[2])), ("keepdims", Int(0))])
            .then("Flatten", &[], &[])
            .then("Add", &["v3"], &[])
            .then("Relu", &[], &[])
            .then("MatMul", &["v"], &[])
    };
    check("shapes", model(), CompileOptions::default());
    check("shapes", model(), CompileOptions::blinded());
}
