//! Every supported operator in the opsets that have a version of it: the first and the last of each version.

use super::super::registry::{OPERATORS, Support};
use super::super::testing::Attribute::{Float, Int, Ints, Text};
use super::super::testing::Onnx;
use super::super::versions;
use super::rows::{HALF_A_STEP, computed, image};
use super::*;

const OLDEST: i64 = 7;
const NEWEST: i64 = 28;

/// A model with the operator as this opset spells it.
fn model(op: &str, opset: i64) -> Onnx {
    let image = || image().opset(opset);
    let plane = &[("axes", Ints(&[2, 3]))];
    match op {
        "Clip" if opset < 11 => image().then(op, &[], &[("min", Float(0.0)), ("max", Float(1.0))]),
        "Dropout" if opset < 12 => image().then(op, &[], &[("ratio", Float(0.3))]),
        "Dropout" => image().constant("ratio", &[], vec![0.3]).then(op, &["ratio"], &[]),
        "Pad" if opset < 11 => image().then(op, &[], &[("pads", Ints(&[0, 0, 1, 1, 0, 0, 1, 1]))]),
        "Pad" if opset >= 18 => {
            image().ints("pads", &[1, 2, 0, 1]).ints("axes", &[3, -2]).then(op, &["pads", "", "axes"], &[])
        }
        "ReduceSum" if opset < 13 => image().then(op, &[], plane),
        "ReduceMax" | "ReduceMean" if opset < 18 => image().then(op, &[], plane),
        "ReduceMax" | "ReduceMean" => image().then(op, &["plane"], &[("noop_with_empty_axes", Int(1))]),
        "Slice" if opset < 10 => {
            let ends = [("starts", Ints(&[0])), ("ends", Ints(&[1])), ("axes", Ints(&[1]))];
            image().then(op, &[], &ends)
        }
        "Split" if opset < 13 => {
            image().then(op, &[], &[("axis", Int(1)), ("split", Ints(&[1, 1]))]).and_gives(&["rest"])
        }
        "Split" if opset < 18 => {
            image().ints("split", &[1, 1]).then(op, &["split"], &[("axis", Int(1))]).and_gives(&["rest"])
        }
        "Split" => image().then(op, &[], &[("axis", Int(2)), ("num_outputs", Int(3))]).and_gives(&["b", "c"]),
        "Squeeze" | "Unsqueeze" if opset < 13 => {
            let axes = &[("axes", Ints(&[0]))];
            image().then("Unsqueeze", &[], axes).then("Squeeze", &[], axes)
        }
        "Resize" if opset < 11 => image().then(op, &["twice"], &[]),
        "Resize" if opset >= 18 => image().constant("half", &[2], vec![0.5, 2.0]).then(
            op,
            &["", "half"],
            &[("axes", Ints(&[3, 2])), ("antialias", Int(1)), ("mode", Text("linear"))],
        ),
        "Softmax" | "LogSoftmax" => image().then("Flatten", &[], &[]).then(op, &[], &[]),
        "BatchNormalization" if opset >= 14 => {
            image().then(op, &["statistics"; 4], &[("training_mode", Int(0))])
        }
        "AveragePool" if opset >= 19 => {
            image().then(op, &[], &[("kernel_shape", Ints(&[2, 2])), ("dilations", Ints(&[2, 2]))])
        }
        "ArgMax" => image().then("Flatten", &[], &[]).then(op, &[], &[("axis", Int(1))]),
        "TopK" if opset < 10 => {
            let flat = image().then("Flatten", &[], &[]).then(op, &[], &[("k", Int(1))]);
            flat.and_gives(&["label"]).node("Identity", &["label"], &[])
        }
        _ => computed(op).unwrap_or_else(|| panic!("no model for {op}")).opset(opset),
    }
}

/// The opset that introduced the operators which a model of `op` needs beside it.
fn oldest(op: &str) -> i64 {
    match op {
        "If" | "Swish" => NEWEST,
        "Upsample" | "Greater" | "Less" => 9,
        "Expand" | "Tile" => 8,
        _ => OLDEST,
    }
}

#[test]
fn every_version_of_an_operator_is_read() {
    for row in OPERATORS.iter().filter(|row| matches!(row.support, Support::Yes { .. }) && row.name != "If") {
        let op = row.name;
        let versions = versions::of(op);
        let first = *versions.first().unwrap_or_else(|| panic!("the versions of {op} are not listed"));
        let last = if op == "Upsample" { 9 } else { NEWEST };
        let ends = versions.iter().flat_map(|&version| [version - 1, version]).chain([OLDEST, last]);
        let mut opsets: Vec<i64> =
            ends.filter(|opset| (first.max(oldest(op))..=last).contains(opset)).collect();
        opsets.sort_unstable();
        opsets.dedup();
        assert!(!opsets.is_empty(), "{op}");
        for opset in opsets {
            let made = model(op, opset).build();
            let imported = import(made, Path::new("test.onnx"), &Reading::default())
                .unwrap_or_else(|error| panic!("{op} in opset {opset}: {error}"));
            assert_within(&imported, -1.0, 1.0, HALF_A_STEP);
        }
    }
}

/// Before opset 13, Softmax is over all axes from `axis` on.
#[test]
fn the_meaning_of_axes_follows_the_opset() {
    for (opset, supported) in [(7, true), (12, true), (13, false)] {
        let model = Onnx::new(&[1, 2, 3]).opset(opset).then("Softmax", &[], &[("axis", Int(1))]);
        let imported = import(model.build(), Path::new("test.onnx"), &Reading::default());
        assert_eq!(imported.is_ok(), supported, "opset {opset}");
        imported.iter().for_each(|imported| assert_agrees(imported, -1.0, 1.0));
    }
}

#[test]
fn older_upsamples_and_resizes_take_the_pixel_below_or_above() {
    let up = Onnx::new(&[1, 1, 1, 3]).opset(9).constant("by", &[4], vec![1.0, 1.0, 1.0, 1.5]);
    for model in [
        up.then("Upsample", &["by"], &[]),
        Onnx::new(&[1, 1, 1, 3]).opset(10).constant("by", &[4], vec![1.0, 1.0, 1.0, 1.5]).then(
            "Resize",
            &["by"],
            &[],
        ),
    ] {
        let imported = import(model.build(), Path::new("test.onnx"), &Reading::default()).unwrap();
        assert_eq!(real::evaluate(&imported.graph, &[1.0, 2.0, 3.0]), [1.0, 1.0, 2.0, 3.0]);
    }
    let down = Onnx::new(&[1, 1, 1, 4]).opset(10).constant("by", &[4], vec![1.0, 1.0, 1.0, 0.6]);
    let down = down.then("Resize", &["by"], &[]).build();
    let imported = import(down, Path::new("test.onnx"), &Reading::default()).unwrap();
    assert_eq!(real::evaluate(&imported.graph, &[1.0, 2.0, 3.0, 4.0]), [1.0, 3.0]);
}
