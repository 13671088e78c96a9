//! What moves single elements, against tract.

use super::super::testing::Attribute::{Int, Ints, Text};
use super::super::testing::{Attribute, Onnx};
use super::operators::{accept, refuse};

fn image() -> Onnx {
    Onnx::new(&[1, 4, 6, 5]).weight("w", &[3, 4, 3, 3]).weight("b", &[4, 1, 1])
}

/// An element-wise operator and a convolution after it.
fn used(model: Onnx) {
    accept(model.then("Relu", &[], &[]).then("Conv", &["w"], &[("pads", Ints(&[1; 4]))]));
}

#[test]
fn borders_are_repeated_and_mirrored() {
    let some = image().opset(19).ints("around", &[2, 1, 1, 0]).ints("axes", &[-1, 2]).constant(
        "filler",
        &[],
        vec![3.0],
    );
    used(some.then("Pad", &["around", "filler", "axes"], &[("mode", Text("wrap"))]));
    for mode in ["edge", "reflect", "wrap"] {
        let around = image().ints("around", &[0, 0, 2, 1, 0, 0, 1, 3]);
        used(around.then("Pad", &["around"], &[("mode", Text(mode))]));
        let channels = image().ints("around", &[0, 1, 0, 0, 0, 2, 0, 1]);
        accept(channels.then("Pad", &["around"], &[("mode", Text(mode))]));
    }
}

#[test]
fn any_positions_are_taken() {
    for (axis, positions) in [(1, &[3, 0, 0, 2][..]), (2, &[5, -1, 0, 1]), (3, &[2, 2, 2]), (-1, &[4, 0])] {
        let gather = || image().ints("at", positions).then("Gather", &["at"], &[("axis", Int(axis))]);
        accept(gather());
        if axis != 1 {
            used(gather());
        }
    }
    let last = image()
        .ints("at", &[4, 0, 2])
        .then("Transpose", &[], &[("perm", Ints(&[0, 2, 3, 1]))])
        .then("Gather", &["at"], &[("axis", Int(2))])
        .then("Transpose", &[], &[("perm", Ints(&[0, 3, 1, 2]))]);
    used(last);
    let images = image().ints("at", &[0, 0]).then("Gather", &["at"], &[]);
    insta::assert_snapshot!(refuse(images), @"
    the model cannot be compiled:
      node 'v0' (Gather): it makes 2 images of one; a model is compiled for one image
    ");
}

#[test]
fn axes_are_split_and_joined_anyhow() {
    let reshape = |dims: &[i64], perm: &[i64], joined: &[i64]| {
        image()
            .ints("dims", dims)
            .ints("joined", joined)
            .then("Reshape", &["dims"], &[])
            .then("Transpose", &[], &[("perm", Ints(perm))])
            .then("Reshape", &["joined"], &[])
    };
    used(reshape(&[1, 2, 2, 6, 5], &[0, 2, 3, 1, 4], &[1, 4, 6, 5]));
    used(reshape(&[1, 4, 2, 3, 5], &[0, 3, 1, 2, 4], &[1, 4, 5, 6]));
    used(reshape(&[1, 8, 15], &[0, 2, 1], &[1, 4, 10, 3]));
    used(image().ints("dims", &[1, 4, 15, 2]).then("Reshape", &["dims"], &[]));
    let vector =
        Onnx::new(&[1, 7]).weight("m", &[7, 36]).ints("dims", &[1, 4, 3, 3]).weight("w", &[2, 4, 2, 2]);
    accept(vector.then("MatMul", &["m"], &[]).then("Reshape", &["dims"], &[]).then("Conv", &["w"], &[]));
}

#[test]
fn values_are_repeated() {
    used(image().ints("times", &[1, 1, 2, 3]).then("Tile", &["times"], &[]));
    accept(image().ints("times", &[1, 2, 1, 1]).then("Tile", &["times"], &[]));
    let pooled = || image().then("GlobalAveragePool", &[], &[]);
    used(pooled().ints("shape", &[1, 4, 3, 2]).then("Expand", &["shape"], &[]));
    used(pooled().node("Add", &["v0", "image"], &[]));
    used(image().node("ReduceMax", &["image"], &[("axes", Ints(&[1]))]).node("Sub", &["image", "v0"], &[]));
    assert!(
        refuse(image().ints("times", &[2, 1, 1, 1]).then("Tile", &["times"], &[])).contains("images of one")
    );
}

#[test]
fn pixels_become_channels_and_back() {
    let four = || Onnx::new(&[1, 8, 4, 6]).weight("w", &[3, 2, 3, 3]).weight("u", &[3, 32, 1, 1]);
    for mode in ["DCR", "CRD"] {
        used(four().then("DepthToSpace", &[], &[("blocksize", Int(2)), ("mode", Text(mode))]));
    }
    let deep = four().then("SpaceToDepth", &[], &[("blocksize", Int(2))]);
    accept(deep.then("Relu", &[], &[]).then("Conv", &["u"], &[]));
}

#[test]
fn values_are_joined_along_any_axis() {
    for axis in [2, 3, -1] {
        used(image().then("Relu", &[], &[]).then("Concat", &["image"], &[("axis", Int(axis))]));
    }
    let cropped = image()
        .ints("from", &[1])
        .ints("to", &[4])
        .ints("axis", &[2])
        .then("Slice", &["from", "to", "axis"], &[])
        .node("Concat", &["image", "v0", "image"], &[("axis", Int(2))]);
    used(cropped);
    let zeros = image().constant("zeros", &[1, 4, 2, 5], vec![0.0; 40]);
    used(zeros.node("Concat", &["zeros", "image"], &[("axis", Int(2))]));
    let ones = image().constant("ones", &[1, 4, 2, 5], vec![1.0; 40]);
    assert!(refuse(ones.node("Concat", &["ones", "image"], &[("axis", Int(2))])).contains("with a constant"));
}

#[test]
fn sums_and_maxima_over_any_axes() {
    for op in ["ReduceMax", "ReduceMean", "ReduceSum"] {
        for axes in [&[1][..], &[2], &[3], &[1, 3], &[2, 1], &[-1, -2, -3]] {
            for keep in [0, 1] {
                let model = image().opset(11);
                accept(model.then(op, &[], &[("axes", Ints(axes)), ("keepdims", Int(keep))]));
            }
        }
    }
    assert!(refuse(image().opset(11).then("ReduceMin", &[], &[])).contains("not supported"));
}

#[test]
fn matrices_multiply_every_position() {
    let tokens = || {
        image()
            .ints("tokens", &[1, 4, 30])
            .weight("m", &[4, 7])
            .weight("n", &[3, 30])
            .weight("bias", &[7])
            .then("Reshape", &["tokens"], &[])
    };
    let turned = || tokens().then("Transpose", &[], &[("perm", Ints(&[0, 2, 1]))]);
    accept(turned().then("MatMul", &["m"], &[]).then("Add", &["bias"], &[]).then("Relu", &[], &[]));
    accept(turned().node("MatMul", &["n", "v1"], &[]));
    accept(image().weight("k", &[5, 2]).then("MatMul", &["k"], &[]));
    accept(image().weight("l", &[3, 6]).node("MatMul", &["l", "image"], &[]).then("Relu", &[], &[]));
    let dense = image().weight("last", &[4, 9]).then("Transpose", &[], &[("perm", Ints(&[0, 2, 3, 1]))]);
    accept(dense.then("MatMul", &["last"], &[]));
}

#[test]
fn transposed_convolutions_of_every_geometry() {
    let deconv = |weight: &[i64], group: i64, attributes: Vec<(&str, Attribute<'_>)>| {
        let outputs = weight[1] * group;
        let model = image().weight("k", weight).weight("bias", &[outputs]);
        let attributes = [vec![("group", Int(group))], attributes].concat_all();
        accept(model.then("ConvTranspose", &["k", "bias"], &attributes));
    };
    deconv(&[4, 3, 3, 3], 1, vec![]);
    deconv(&[4, 3, 2, 2], 1, vec![("strides", Ints(&[2, 2]))]);
    deconv(&[4, 2, 3, 4], 2, vec![("strides", Ints(&[2, 3])), ("pads", Ints(&[1, 0, 2, 1]))]);
    deconv(
        &[4, 1, 3, 3],
        4,
        vec![("strides", Ints(&[2, 2])), ("pads", Ints(&[1; 4])), ("output_padding", Ints(&[1, 1]))],
    );
    deconv(&[4, 2, 3, 2], 1, vec![("strides", Ints(&[2, 1])), ("dilations", Ints(&[2, 3]))]);
    deconv(&[4, 2, 1, 1], 1, vec![("strides", Ints(&[3, 3]))]);
    deconv(&[4, 2, 3, 3], 1, vec![("strides", Ints(&[2, 2])), ("auto_pad", Text("SAME_UPPER"))]);
    let line = Onnx::new(&[1, 3, 7]).weight("k", &[3, 2, 4]);
    accept(line.then("ConvTranspose", &["k"], &[("strides", Ints(&[2]))]));
    let normalised = image()
        .weight("k", &[4, 2, 2, 2])
        .weight("statistics", &[2])
        .constant("variance", &[2], vec![0.5, 2.0])
        .then("ConvTranspose", &["k"], &[("strides", Ints(&[2, 2]))])
        .then("BatchNormalization", &["statistics", "statistics", "statistics", "variance"], &[]);
    accept(normalised.then("Relu", &[], &[]));
}

/// Lists of attributes, one after the other.
trait ConcatAll<T> {
    fn concat_all(self) -> Vec<T>;
}

impl<T> ConcatAll<T> for [Vec<T>; 2] {
    fn concat_all(self) -> Vec<T> {
        self.into_iter().flatten().collect()
    }
}
