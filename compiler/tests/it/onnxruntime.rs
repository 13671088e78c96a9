//! Models against onnxruntime, which shares no code with us nor with tract: the float graph and the float reference.

use crate::onnx::{Recipe, build, gated_recipes};
use crate::oracle::{Verdict, histogram, models, python, reason, verdict, verdict_of_reference, write};
use crate::testing::Attribute::{Float, Int, Text};
use crate::testing::{Attribute, Onnx};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use prost::Message;
use std::path::Path;
use tract_onnx::pb::ModelProto;

const NEAR: f64 = 1e-4;
/// Random models, unless POPCORN_CASES says how many.
const MODELS: usize = 1000;
/// At most this share of the random models is refused by us, and by onnxruntime, which lacks some forms of padding.
const REFUSED_SHARE: [f64; 2] = [0.02, 0.1];

/// Numbers from 0 to 1.
fn noise(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed | 1;
    let mut number = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32
    };
    (0..count).map(|_| number()).collect()
}

fn save(folder: &Path, name: &str, model: &ModelProto, image: &[f32]) {
    std::fs::write(folder.join(format!("{name}.onnx")), model.encode_to_vec()).unwrap();
    write(&folder.join(format!("{name}.image")), image);
}

/// What came of the models of a folder.
struct Outcome {
    compared: usize,
    refused: Vec<String>,
    wrong: Vec<String>,
}

/// Compares all models of `folder`; `None` where onnxruntime is not installed.
fn compare(folder: &Path) -> Option<Outcome> {
    if !python("onnxruntime_runs.py", [folder]) {
        return None;
    }
    let mut outcome = Outcome { compared: 0, refused: Vec::new(), wrong: Vec::new() };
    for path in models(folder) {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if let Ok(why) = std::fs::read_to_string(path.with_extension("failed")) {
            outcome.refused.push(format!("onnxruntime: {}", why.split("onnx failed:").last().unwrap_or("")));
            continue;
        }
        let verdicts = [("float graph", verdict(&path)), ("reference", verdict_of_reference(&path))];
        if let Verdict::Refused(why) = &verdicts[0].1 {
            outcome.refused.push(reason(why));
            continue;
        }
        outcome.compared += 1;
        for (what, verdict) in verdicts {
            if !matches!(verdict, Verdict::Off(off) if off <= NEAR) {
                outcome.wrong.push(format!("{name}: {what}: {verdict:?}"));
            }
        }
    }
    Some(outcome)
}

fn keep(folder: tempfile::TempDir, outcome: &Outcome) {
    if !outcome.wrong.is_empty() {
        println!("the models are kept in {}", folder.keep().display());
    }
}

fn drawn(count: usize) -> Vec<Recipe> {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let strategy = gated_recipes();
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

#[test]
#[ignore = "needs the Python package onnxruntime"]
fn random_models_agree_with_onnxruntime() {
    let folder = tempfile::tempdir().unwrap();
    let count = std::env::var("POPCORN_CASES").ok().and_then(|count| count.parse().ok()).unwrap_or(MODELS);
    for (index, recipe) in drawn(count).iter().enumerate() {
        let image = noise(recipe.seed, recipe.input.iter().product::<i64>() as usize);
        save(folder.path(), &format!("{index:05}"), &build(recipe), &image);
    }
    let Some(outcome) = compare(folder.path()) else { return };
    println!("{} random models compared, {} refused", outcome.compared, outcome.refused.len());
    println!("{}", histogram(outcome.refused.iter().cloned()));
    keep(folder, &outcome);
    assert!(outcome.wrong.is_empty(), "{}", outcome.wrong.join("\n"));
    let theirs = outcome.refused.iter().filter(|why| why.starts_with("onnxruntime")).count();
    for (refused, share) in [outcome.refused.len() - theirs, theirs].into_iter().zip(REFUSED_SHARE) {
        assert!(refused as f64 <= share * count as f64, "{refused} refused");
    }
}

const TRANSFORMS: [&str; 5] =
    ["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel", "half_pixel_symmetric"];
const NEAREST: [&str; 4] = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"];

fn image() -> Onnx {
    let scales = |name, values: [f32; 2]| (name, [1.0, 1.0, values[0], values[1]].to_vec());
    let onnx = Onnx::new(&[1, 2, 4, 5])
        .ints("sizes", &[1, 2, 7, 3])
        .ints("plane", &[6, 9])
        .ints("swapped", &[3, 2])
        .ints("one pixel", &[1, 2, 1, 1])
        .constant("two", &[2], vec![1.5, 2.5])
        .constant("region", &[0], Vec::new());
    [
        scales("double", [2.0, 3.0]),
        scales("odd", [1.7, 0.6]),
        scales("half", [0.5, 0.4]),
        scales("one", [1.0, 1.0]),
        scales("tiny", [0.3, 0.2]),
    ]
    .into_iter()
    .fold(onnx, |onnx, (name, values)| onnx.constant(name, &[4], values))
}

/// Every mode in which images are resized, with the scales and sizes that tell them apart.
fn resizes() -> Vec<(String, Onnx)> {
    let mut made = Vec::new();
    let mut add = |name: String, opset: i64, operands: &[&str], attributes: &[(&str, Attribute<'_>)]| {
        made.push((name, image().opset(opset).then("Resize", operands, attributes)));
    };
    let operands: [&[&str]; 7] = [
        &["region", "double"],
        &["region", "odd"],
        &["region", "half"],
        &["region", "one"],
        &["region", "tiny"],
        &["region", "", "sizes"],
        &["region", "", "one pixel"],
    ];
    for transform in TRANSFORMS {
        let opsets: &[i64] = if transform == "half_pixel_symmetric" { &[19] } else { &[11, 13, 18, 19] };
        for &opset in opsets {
            for (at, operands) in operands.iter().enumerate() {
                for nearest in NEAREST {
                    let attributes = [
                        ("mode", Text("nearest")),
                        ("nearest_mode", Text(nearest)),
                        ("coordinate_transformation_mode", Text(transform)),
                    ];
                    add(format!("nearest-{transform}-{nearest}-{opset}-{at}"), opset, operands, &attributes);
                }
                for mode in ["linear", "cubic"] {
                    let by = || ("coordinate_transformation_mode", Text(transform));
                    add(
                        format!("{mode}-{transform}-{opset}-{at}"),
                        opset,
                        operands,
                        &[("mode", Text(mode)), by()],
                    );
                    if opset >= 18 {
                        let small = [("mode", Text(mode)), by(), ("antialias", Int(1))];
                        add(format!("{mode}-{transform}-antialias-{opset}-{at}"), opset, operands, &small);
                    }
                }
                let cubic = [
                    ("mode", Text("cubic")),
                    ("coordinate_transformation_mode", Text(transform)),
                    ("cubic_coeff_a", Float(-0.5)),
                    ("exclude_outside", Int(1)),
                ];
                add(format!("cubic-inside-{transform}-{opset}-{at}"), opset, operands, &cubic);
            }
        }
    }
    for policy in ["stretch", "not_larger", "not_smaller"] {
        for (axes, name) in [(&[2, 3][..], "plain"), (&[3, 2], "swapped"), (&[-1, -2], "negative")] {
            let axes = || ("axes", Attribute::Ints(axes));
            let kept = [("mode", Text("linear")), axes(), ("keep_aspect_ratio_policy", Text(policy))];
            add(format!("{policy}-{name}"), 18, &["", "", "plane"], &kept);
            add(format!("{policy}-{name}-small"), 19, &["", "", "swapped"], &kept);
        }
    }
    add("axes-scales".into(), 18, &["", "two"], &[("axes", Attribute::Ints(&[3, 2]))]);
    for mode in ["nearest", "linear"] {
        let of = |opset: i64, op: &str, scales: &str| {
            image().opset(opset).then(op, &[scales], &[("mode", Text(mode))])
        };
        for scales in ["double", "odd", "half", "one"] {
            made.push((format!("resize10-{mode}-{scales}"), of(10, "Resize", scales)));
        }
        for scales in ["double", "one"] {
            made.push((format!("upsample9-{mode}-{scales}"), of(9, "Upsample", scales)));
        }
    }
    made
}

#[test]
#[ignore = "needs the Python package onnxruntime"]
fn resized_images_agree_with_onnxruntime() {
    let folder = tempfile::tempdir().unwrap();
    for (name, model) in resizes() {
        save(folder.path(), &name, &model.build(), &noise(7, 40));
    }
    let Some(outcome) = compare(folder.path()) else { return };
    println!("{} resizes compared, {} refused", outcome.compared, outcome.refused.len());
    println!("{}", histogram(outcome.refused.iter().cloned()));
    keep(folder, &outcome);
    assert!(outcome.wrong.is_empty(), "{} differ:\n{}", outcome.wrong.len(), outcome.wrong.join("\n"));
}
