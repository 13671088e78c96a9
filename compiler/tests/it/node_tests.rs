//! The node tests of the onnx package: what the import makes of an operator is what ONNX says, or it is refused.
//!
//! `it --ignored --nocapture node_tests` prints what the guide says of them.

use crate::oracle::{Verdict, histogram, models, python, reason, verdict};
use compiler::from_onnx::registry;
use std::collections::BTreeMap;
use std::path::Path;

/// Tests are written for arithmetic in f32.
const NEAR: f64 = 1e-3;
/// Tests of what the table of operators says differently.
const KNOWN: [&str; 1] = ["test_sign"];

/// The operators that are supported on computed values.
fn operators() -> Vec<String> {
    let table = registry::markdown();
    let names = table.lines().skip(2).filter_map(|line| line.split('|').nth(1).map(str::trim));
    names.filter(|name| !name.contains(',')).map(String::from).collect()
}

/// What came of a test, in the best of its forms.
#[derive(Default)]
struct Tested {
    passed: bool,
    refused: Option<String>,
    wrong: Option<String>,
}

fn look(path: &Path, tested: &mut Tested) {
    match verdict(path) {
        Verdict::Off(off) if off <= NEAR => tested.passed = true,
        Verdict::Refused(why) => tested.refused = Some(reason(&why)),
        wrong => tested.wrong = Some(format!("{wrong:?}")),
    }
}

#[test]
#[ignore = "needs the Python package onnx"]
fn node_tests_of_onnx_pass_or_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [folder.path().as_os_str().to_owned()];
    let operators = operators();
    if !python("node_tests.py", arguments.into_iter().chain(operators.iter().map(Into::into))) {
        return;
    }
    let mut tests: BTreeMap<String, Tested> = BTreeMap::new();
    for path in models(folder.path()) {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        look(&path, tests.entry(name.trim_end_matches(".beside").into()).or_default());
    }
    let left_out = std::fs::read_to_string(folder.path().join("left_out.txt")).unwrap();
    let left_out = left_out.lines().filter_map(|line| line.split_once('\t'));
    println!("left out:\n{}", histogram(left_out.map(|(_, why)| why.into())));
    // Functions of ONNX in terms of our operators, beside tests of the operators themselves.
    let (functions, own): (Vec<_>, Vec<_>) = tests.iter().partition(|(name, _)| name.contains("_expanded"));
    for (what, tests) in [("functions of operators", functions), ("operators", own)] {
        let passed = tests.iter().filter(|(_, tested)| tested.passed).count();
        let refused = tests.iter().filter(|(_, tested)| !tested.passed && tested.wrong.is_none());
        println!(
            "{what}, refused:\n{}",
            histogram(refused.clone().filter_map(|(_, tested)| tested.refused.clone()))
        );
        println!("{what}: {} tests apply, {passed} pass, {} are refused\n", tests.len(), refused.count());
        assert!(passed > 0);
    }
    if let Ok(file) = std::env::var("POPCORN_DUMP") {
        let line = |(name, tested): (&String, &Tested)| {
            format!("{name}\t{}\t{:?}\t{:?}\n", tested.passed, tested.refused, tested.wrong)
        };
        std::fs::write(file, tests.iter().map(line).collect::<String>()).unwrap();
    }
    let wrong: Vec<String> = tests
        .iter()
        .filter_map(|(name, tested)| Some(format!("{name}: {}", tested.wrong.as_ref()?)))
        .collect();
    let unknown =
        wrong.iter().filter(|line| !KNOWN.iter().any(|known| line.starts_with(&format!("{known}:"))));
    assert_eq!(unknown.count(), 0, "{} give other values:\n{}", wrong.len(), wrong.join("\n"));
}
