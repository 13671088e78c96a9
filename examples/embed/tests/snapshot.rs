//! How an application notices that a new compiler, other images or another export change its plan.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use popcorn::Plan;
use popcorn_compiler::{CompileOptions, Dataset, InputOptions, Model};
use std::path::PathBuf;

fn testdata(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(file)
}

/// The plan of a model, the same on every machine: without random bytes.
fn compile(model: PathBuf, calibration: PathBuf) -> Plan {
    let model = Model::read(&model).unwrap();
    let calibration = Dataset::read(&calibration, model.input).unwrap();
    let options = CompileOptions {
        input: InputOptions { scale: 1.0 / 255.0, ..InputOptions::default() },
        calibration: Some(calibration.into()),
        reproducible: true,
        ..CompileOptions::default()
    };
    model.compile(&options).unwrap().plan
}

#[test]
fn the_plan_is_the_one_that_was_reviewed() {
    let plan = compile(testdata("mnist-mlp.onnx"), testdata("digits/all.npz"));
    insta::assert_snapshot!(plan.to_string());
}
