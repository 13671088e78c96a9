//! Images of another size, against tract.

use super::super::testing::Attribute::{Int, Ints, Text};
use super::super::testing::{Attribute, Onnx};
use super::operators::{accept, refuse};
use crate::graph::Op;

fn image() -> Onnx {
    Onnx::new(&[1, 2, 4, 5])
        .constant("double", &[4], vec![1.0, 1.0, 2.0, 3.0])
        .constant("odd", &[4], vec![1.0, 1.0, 1.7, 0.6])
        .ints("sizes", &[1, 2, 7, 3])
        .opset(13)
}

/// The operations of a model that agrees with tract.
fn operations(model: Onnx) -> String {
    let graph = accept(model).graph;
    let names: Vec<&str> = graph.ids_in_order().into_iter().map(|id| graph.op(id).name()).collect();
    names[1..].join(" ")
}

#[test]
fn the_nearest_pixels_are_gathered() {
    for transform in
        ["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel", "half_pixel_symmetric"]
    {
        for nearest in ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"] {
            let attributes = || -> [(&str, Attribute<'_>); 3] {
                [
                    ("mode", Text("nearest")),
                    ("coordinate_transformation_mode", Text(transform)),
                    ("nearest_mode", Text(nearest)),
                ]
            };
            let of =
                |scales: &str| image().then("Resize", &["", scales], &attributes()).then("Relu", &[], &[]);
            let symmetric = transform == "half_pixel_symmetric" && matches!(nearest, "floor" | "ceil");
            for scales in ["double", "odd"].into_iter().filter(|_| symmetric) {
                assert!(refuse(of(scales)).contains("runtimes differ in half_pixel_symmetric"));
            }
            if symmetric {
                continue;
            }
            assert_eq!(operations(of("double")), "gather relu flatten", "{transform} {nearest}");
            match transform {
                "align_corners" | "pytorch_half_pixel" => {
                    assert!(refuse(of("odd")).contains("give sizes instead of scales"), "{transform}");
                }
                _ => {
                    accept(of("odd"));
                }
            }
            accept(image().then("Resize", &["", "", "sizes"], &attributes()));
        }
    }
}

#[test]
fn pixels_between_are_sums() {
    for mode in ["linear", "cubic"] {
        for transform in ["half_pixel", "asymmetric", "align_corners"] {
            let attributes = || [("mode", Text(mode)), ("coordinate_transformation_mode", Text(transform))];
            if transform != "align_corners" {
                accept(image().then("Resize", &["", "odd"], &attributes()));
            }
            accept(image().then("Resize", &["", "double"], &attributes()));
            accept(image().then("Resize", &["", "", "sizes"], &attributes()));
        }
    }
    let twice = image().then("Resize", &["", "double"], &[("mode", Text("linear"))]);
    let graph = accept(twice).graph;
    let convolutions = graph.ids().filter(|&id| matches!(graph.op(id), Op::Conv(_))).count();
    assert_eq!(convolutions, 1, "{graph}");
    let small = image().opset(19).then(
        "Resize",
        &["", "", "sizes"],
        &[("mode", Text("linear")), ("antialias", Int(1))],
    );
    accept(small);
}

#[test]
fn other_resizes_are_refused() {
    let cut = [("coordinate_transformation_mode", Text("tf_crop_and_resize"))];
    insta::assert_snapshot!(refuse(image().then("Resize", &["", "double"], &cut)), @"
    the model cannot be compiled:
      node 'v0' (Resize): coordinate_transformation_mode = tf_crop_and_resize cuts parts out; cut with Slice, then resize
    ");
    let one = [("coordinate_transformation_mode", Text("pytorch_half_pixel"))];
    let one = image().ints("one", &[1, 2, 1, 1]).then("Resize", &["", "", "one"], &one);
    assert!(refuse(one).contains("where an axis becomes one pixel; use half_pixel"));
    let back = [("axes", Ints(&[-1, -2])), ("keep_aspect_ratio_policy", Text("not_larger"))];
    let back = image().opset(18).ints("plane", &[6, 9]).then("Resize", &["", "", "plane"], &back);
    assert!(refuse(back).contains("count axes from the front"));
    let both = image().opset(10).then("Resize", &["odd"], &[]);
    assert!(refuse(both).contains("one axis shrinks and another grows; convert the model to opset 11"));
    let channels = image().constant("deep", &[4], vec![1.0, 2.0, 1.0, 1.0]);
    assert!(
        refuse(channels.then("Resize", &["", "deep"], &[])).contains("only height and width can be resized")
    );
}
