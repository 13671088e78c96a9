//! `popcornc compile --suite shared`.

use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

/// Compiles the MLP of `testdata`.
fn compile(directory: &TempDir, arguments: &[&str]) -> Output {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/mnist-mlp.onnx");
    let mut command = Command::new(env!("CARGO_BIN_EXE_popcornc"));
    command.arg("compile").arg(model).arg("-o").arg(directory.path().join("mlp.plan"));
    command.args(["--input-scale", "1/255"]).args(arguments).output().unwrap()
}

#[test]
fn rings_without_examples_are_warned_of() {
    let directory = tempfile::tempdir().unwrap();
    let output = compile(&directory, &["--suite", "shared", "--reveal", "label"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success() && text.starts_with("warning: rings hold what a few synthetic"),
        "{text}"
    );
}

#[test]
fn options_of_suite_shared_are_checked() {
    let directory = tempfile::tempdir().unwrap();
    for (arguments, code, message) in [
        (&["--suite", "blinded", "--reveal", "label"][..], 1, "the label alone takes suite shared"),
        (&["--suite", "shared", "--activation-bits", "3"], 2, "3 is not in 4..=16"),
        (&["--suite", "shared", "--margin-bits", "17"], 2, "17 is not in 0..=16"),
    ] {
        let output = compile(&directory, arguments);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{text}");
        assert!(text.contains(message), "{text}");
    }
}
