//! The passes of a compilation, seen from outside: their table, their graphs, the options that show them.

use compiler::compile::compile_in_stages;
use compiler::from_onnx::Model;
use compiler::options::{CompileOptions, InputOptions};
use compiler::pipeline::{self, Observer, Ran};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn testdata(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata").join(file)
}

/// The graph after every run of every pass.
#[derive(Default)]
struct Printed(Vec<String>);

impl Observer for Printed {
    fn ran(&mut self, pass: &Ran<'_>) -> ControlFlow<()> {
        self.0.push(format!("after {}: {:#}", pass.name, pass.graph));
        ControlFlow::Continue(())
    }
}

fn graphs(options: &CompileOptions) -> String {
    let input = InputOptions { scale: 1.0 / 255.0, ..InputOptions::default() };
    let options = CompileOptions { input, accept_error: true, ..options.clone() };
    let mut printed = Printed::default();
    let model = Model::read(&testdata("mnist-cnn.onnx")).unwrap();
    compile_in_stages(&model, &options, &mut printed).unwrap();
    printed.0.join("\n\n")
}

#[test]
fn graphs_after_every_pass_in_suite_shared() {
    insta::assert_snapshot!("passes-shared", graphs(&CompileOptions::default()));
}

#[test]
fn graphs_after_every_pass_in_suite_blinded() {
    insta::assert_snapshot!("passes-blinded", graphs(&CompileOptions::blinded()));
}

fn compile(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_popcornc"));
    command.arg("compile").arg(testdata("mnist-mlp.onnx")).args([
        "--key-bits",
        "2048",
        "--input-scale",
        "1/255",
    ]);
    command.args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_compilation_stops_where_it_is_told_to() {
    let directory = tempfile::tempdir().unwrap();
    let plan = directory.path().join("mlp.plan");
    let output = compile(&["--stop-after", "fold_affine", "-o", plan.to_str().unwrap()]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).starts_with("real graph, output n"), "{}", text(&output.stdout));
    assert!(!plan.exists());
    let json = compile(&["--stop-after", "fold_affine", "--json"]).stdout;
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["stopped_after"], "fold_affine");
    assert_eq!(json["graph"].as_str().unwrap().trim(), text(&output.stdout).trim());
    let never = compile(&["--stop-after", "range"]);
    assert_eq!(never.status.code(), Some(1));
    assert!(text(&never.stderr).contains("range does not run with these options"));
}

#[test]
fn graphs_and_times_go_to_standard_error() {
    let directory = tempfile::tempdir().unwrap();
    let plan = directory.path().join("mlp.plan");
    let output = compile(&["--print-ir-after", "all", "--time-passes", "-o", plan.to_str().unwrap()]);
    let shown = text(&output.stderr);
    assert!(output.status.success(), "{shown}");
    assert!(plan.exists());
    for name in ["expand_activations", "remove_dead", "rescale", "quantize", "rings"] {
        assert!(shown.contains(&format!("after {name}, run 1: ")), "{name}: {shown}");
    }
    assert!(shown.contains("after remove_dead, run 2: integer graph"), "{shown}");
    assert!(shown.contains("seconds  runs  pass") && shown.contains("all passes"), "{shown}");
}

#[test]
fn a_wrong_name_is_refused_with_the_names() {
    for option in ["--print-ir-after", "--stop-after"] {
        let output = compile(&[option, "fold_afine", "-o", "never.plan"]);
        assert_eq!(output.status.code(), Some(2));
        let shown = text(&output.stderr);
        for name in pipeline::names() {
            assert!(shown.contains(name), "{name}: {shown}");
        }
    }
}
