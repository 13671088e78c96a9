//! What the program tells of activations that it approximates.

use crate::testing::Onnx;
use prost::Message;
use std::process::Command;

fn popcornc(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_popcornc")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8(output.stderr).unwrap());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn approximations_are_stated() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (model, plan) = (file("model.onnx"), file("model.plan"));
    let onnx = Onnx::new(&[1, 1, 2, 2]).weight("w", &[4, 3]).then("Flatten", &[], &[]);
    let onnx = onnx.then("MatMul", &["w"], &[]).then("Sigmoid", &[], &[]).then("LeakyRelu", &[], &[]);
    std::fs::write(&model, onnx.build().encode_to_vec()).unwrap();

    let line = "node 'v2': sigmoid(x) by 7 linear segments, wrong by at most 0.0097";
    let report = popcornc(&["check", &model]);
    assert!(report.contains(&format!("~   {line}\n")) && !report.contains("'v3':"), "{report}");
    let json: serde_json::Value = serde_json::from_str(&popcornc(&["check", &model, "--json"])).unwrap();
    assert_eq!(json["approximated"][0]["pieces"], 7);
    assert!(json["approximated"][0]["error"].as_f64().unwrap() < 0.01);

    let compile = |more: &[&str]| popcornc(&[&["compile", &model, "-o", &plan][..], more].concat());
    assert!(compile(&[]).starts_with(&format!("{line}\n")));
    assert!(compile(&["--activation-pieces", "3"]).starts_with("node 'v2': sigmoid(x) by 3 linear segments"));
}
