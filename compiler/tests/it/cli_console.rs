//! What `popcornc` says beside its results, and of itself.

use std::fs;
use std::process::{Command, Output};

fn ran(arguments: &[&str]) -> (String, String, Option<i32>) {
    let output = Command::new(env!("CARGO_BIN_EXE_popcornc")).args(arguments).output().unwrap();
    let Output { status, stdout, stderr } = output;
    (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap(), status.code())
}

/// The names of the commands that `--help` lists.
fn commands() -> Vec<String> {
    let (help, ..) = ran(&["--help"]);
    let (_, list) = help.split_once("Commands:\n").unwrap();
    let lines = list.lines().take_while(|line| !line.is_empty());
    let names = lines.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    names.filter(|name| !name.is_empty() && *name != "help").map(str::to_owned).collect()
}

#[test]
fn every_command_has_examples_a_page_and_completions() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().to_str().unwrap();
    assert_eq!(ran(&["manual", "-o", pages]), (String::new(), String::new(), Some(0)));
    let (completions, ..) = ran(&["completions", "bash"]);
    let commands = commands();
    assert!(commands.len() >= 7, "{commands:?}");
    for command in commands.iter().map(String::as_str).chain(["passes", "operators"]) {
        let (help, ..) = ran(&[command, "--help"]);
        assert!(
            help.contains("Example") && help.contains(&format!("popcornc {command}")),
            "{command}\n{help}"
        );
    }
    for command in &commands {
        assert!(fs::read_to_string(folder.path().join(format!("popcornc-{command}.1"))).is_ok(), "{command}");
        assert!(completions.contains(command.as_str()), "{command}");
    }
}

#[test]
fn errors_end_with_what_to_do_and_passes_are_told_on_request() {
    let (_, told, status) = ran(&["compile", "none.onnx", "-o", "none.plan"]);
    let lines: Vec<&str> = told.lines().collect();
    assert!(
        lines[0].starts_with("error: none.onnx") && lines[1].starts_with("help: check the name"),
        "{told}"
    );
    assert_eq!((lines.len(), status), (2, Some(1)));
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/mnist-mlp.onnx");
    let folder = tempfile::tempdir().unwrap();
    let plan = folder.path().join("mlp.plan");
    let compile = |flags: &[&str]| {
        let plan = plan.to_str().unwrap();
        ran(&[&["compile", model, "-o", plan, "--input-scale", "1/255"][..], flags].concat())
    };
    assert!(compile(&["-v"]).1.contains(" s  quantize"));
    assert!(!compile(&[]).1.contains("quantize"));
}
