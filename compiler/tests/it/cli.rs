//! The program `popcornc` from outside: output, errors, exit codes, files.

use compiler::graph::Shape;
use compiler::options::InputOptions;
use runtime::data::{Fit, ImageSource};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

fn popcornc(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_popcornc")).args(arguments).output().unwrap()
}

fn testdata(file: &str) -> String {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../testdata").join(file).display().to_string()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A directory with the plan of the test data's dense network.
fn compiled() -> (TempDir, String) {
    compiled_for("shared")
}

fn compiled_for(suite: &str) -> (TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let plan = directory.path().join("mlp.plan").display().to_string();
    let output = popcornc(&[
        "compile",
        &testdata("mnist-mlp.onnx"),
        "-o",
        &plan,
        "--key-bits",
        "2048",
        "--input-scale",
        "1/255",
        "--suite",
        suite,
        "--reproducible",
    ]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("key of 2048 bits"));
    (directory, plan)
}

#[test]
fn compiling_leaves_the_plan_and_nothing_else() {
    let (directory, plan) = compiled();
    let files: Vec<_> = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files, [Path::new(&plan)]);
    let first = fs::read(&plan).unwrap();
    let (_directory, again) = compiled();
    assert_eq!(first, fs::read(again).unwrap(), "equal input gives equal bytes");
}

#[test]
fn a_plan_that_cannot_be_written_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let plan = directory.path().join("missing/mlp.plan").display().to_string();
    let output = popcornc(&["compile", &testdata("mnist-mlp.onnx"), "-o", &plan]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).starts_with(&format!("error: {plan}: ")), "{}", text(&output.stderr));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn inspect_shows_both_views() {
    let (_directory, plan) = compiled();
    let server = popcornc(&["inspect", &plan]);
    assert!(text(&server.stdout).contains("dense s0"), "{}", text(&server.stdout));
    let json: serde_json::Value =
        serde_json::from_slice(&popcornc(&["inspect", &plan, "--json"]).stdout).unwrap();
    assert_eq!(json["steps"][0]["op"], "input");
    assert!(json["cost"]["products"].as_u64().unwrap() > 0);
    let client: serde_json::Value =
        serde_json::from_slice(&popcornc(&["inspect", &plan, "--client", "--json"]).stdout).unwrap();
    assert_eq!(client["id"], json["id"]);
    assert!(!text(&popcornc(&["inspect", &plan, "--client"]).stdout).contains("dense"));
}

/// A profile of round figures for keys of 2048 bits.
fn profile(directory: &TempDir) -> String {
    let path = directory.path().join("profile.json");
    let profile = serde_json::json!({
        "machine": {"processor": "Abacus", "system": "wood beads", "cores": 2, "threads": 1, "kernel": "fingers"},
        "entries": [{
            "key_bits": 2048,
            "unit": {
                "product": 1e-6, "squaring": 1e-6, "inversion": 1e-4, "rerandomisation": 1e-3,
                "encryption": 1e-3, "decryption": 1e-2, "ot": 1e-7, "byte": 1e-8, "round": 0.0
            },
            "silent_ot": 1e-7, "weight": 1e-7,
            "set_up": [{"uses": 1, "server": 0.25, "client": 0.5}]
        }]
    });
    fs::write(&path, profile.to_string()).unwrap();
    path.display().to_string()
}

#[test]
fn inspect_predicts_seconds_by_a_profile() {
    let (directory, plan) = compiled_for("blinded");
    let profile = profile(&directory);
    let table = text(&popcornc(&["inspect", &plan, "--profile", &profile]).stdout);
    assert!(table.contains("Abacus, wood beads, 2 cores, 1 thread, kernel fingers\n"), "{table}");
    assert!(table.contains("\nseconds  server  client  network  in all\ntables    0.250   0.500"), "{table}");
    assert!(table.contains("\ns0        0.000   0.784"), "{table}");
    let predict = |more: &[&str]| -> serde_json::Value {
        let output = popcornc(&[&["inspect", &plan, "--profile", &profile, "--json"], more].concat());
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let local = predict(&[]);
    assert_eq!(local["steps"][0]["seconds"]["client"], 0.784);
    let dense = |count: &str| local["steps"][1]["cost"][count].as_f64().unwrap();
    let counted = dense("products") * 1e-6 + dense("squarings") * 1e-6 + dense("inversions") * 1e-4;
    let seconds = counted + 100_352.0 * 1e-7; // 128 rows of 784 weights
    assert!((local["steps"][1]["seconds"]["server"].as_f64().unwrap() - seconds).abs() < 1e-9);
    assert!(
        table.contains(&format!("\ns1        {seconds:.3}   0.000    0.000   {seconds:.3}\n")),
        "{table}"
    );
    let [bytes_up, bytes_down] =
        ["bytes_up", "bytes_down"].map(|count| local["cost"][count].as_u64().unwrap());
    let network = |json: &serde_json::Value| json["prediction"]["image"]["network"].as_f64().unwrap();
    assert!((network(&local) - (bytes_up + bytes_down) as f64 * 1e-8).abs() < 1e-9);
    // A byte a microsecond, and a second for each of three rounds.
    let slow = predict(&["--link", "8/1000"]);
    assert!((network(&slow) - network(&local) - (bytes_up + bytes_down) as f64 * 1e-6 - 3.0).abs() < 1e-9);
    let load = ["--rate", "50", "--utilisation", "50", "--per-session", "4"];
    let capacity = &predict(&load)["capacity"];
    let of = |name: &str| capacity[name].as_f64().unwrap();
    assert_eq!((of("rate"), of("utilisation"), of("per_session"), of("cores_each")), (50.0, 0.5, 4.0, 2.0));
    assert!((of("cores") - 100.0 * of("core_seconds")).abs() < 1e-6);
    assert_eq!(of("replicas"), (of("cores") / 2.0).ceil());
    assert!(of("egress") > 400.0 * bytes_down as f64 && of("memory_each") > 1e6);
    assert!(local["capacity"].is_null());
    let people = popcornc(&[&["inspect", &plan, "--profile", &profile], &load[..]].concat());
    assert!(text(&people.stdout).contains("for 50 inferences a second, 4 in a session"));
    for bad in [&["--rate", "0"][..], &["--rate", "5", "--utilisation", "0"], &["--rate", "nan"]] {
        let wrong = popcornc(&[&["inspect", &plan, "--profile", &profile], bad].concat());
        assert_eq!(wrong.status.code(), Some(2));
    }
    let plain = popcornc(&["inspect", &plan, "--json"]).stdout;
    assert!(!text(&plain).contains("seconds") && !text(&plain).contains("prediction"));
}

#[test]
fn a_profile_that_does_not_suit_is_named() {
    let (directory, plan) = compiled();
    let good = profile(&directory);
    let other = directory.path().join("other.json").display().to_string();
    fs::write(&other, fs::read_to_string(&good).unwrap().replace("\"key_bits\":2048", "\"key_bits\":4096"))
        .unwrap();
    for (arguments, code, message) in [
        (&["--profile", &other][..], 1, "other.json: this profile is of keys of 4096 bits; `popcorn bench"),
        (&["--profile", &plan], 1, "mlp.plan: this is no profile of `popcorn bench --profile`: "),
        (&["--profile", "absent.json"], 1, "absent.json: "),
        (&["--profile", &good, "--link", "fast"], 2, "'fast' is no link"),
        (&["--profile", &good, "--client"], 2, "cannot be used with"),
        (&["--link", "100/20"], 2, "--profile <PROFILE.json>"),
    ] {
        let output = popcornc(&[&["inspect", &plan], arguments].concat());
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        assert!(text(&output.stderr).contains(message), "{}", text(&output.stderr));
    }
}

/// Three grey images with wrong labels.
fn images(directory: &TempDir) -> String {
    let data = directory.path().join("data.npz");
    let mut writer = ndarray_npy::NpzWriter::new_compressed(fs::File::create(&data).unwrap());
    writer.add_array("images", &ndarray::Array4::<u8>::from_elem((3, 1, 28, 28), 7)).unwrap();
    writer.add_array("labels", &ndarray::Array1::<i64>::from_elem(3, -1)).unwrap();
    writer.finish().unwrap();
    data.display().to_string()
}

/// The digits drawn for the project, labelled.
fn digits(directory: &TempDir) -> String {
    let data = directory.path().join("digits.npz");
    let input = InputOptions::default().spec(Shape::new(1, 28, 28)).unwrap();
    let read = |n: usize| {
        let source = ImageSource { path: testdata(&format!("digits/{n}.png")).into(), index: None };
        source.read(&input, Fit::Exact).unwrap()
    };
    let pixels = (0..10).flat_map(read).map(|pixel| pixel as u8).collect();
    let mut writer = ndarray_npy::NpzWriter::new_compressed(fs::File::create(&data).unwrap());
    writer.add_array("images", &ndarray::Array4::from_shape_vec((10, 1, 28, 28), pixels).unwrap()).unwrap();
    writer.add_array("labels", &ndarray::Array1::from_iter(0..10i64)).unwrap();
    writer.finish().unwrap();
    data.display().to_string()
}

#[test]
fn compare_shows_every_node_and_where_it_goes_wrong() {
    let (directory, plan) = compiled();
    let (model, data) = (testdata("mnist-mlp.onnx"), images(&directory));
    let compare = |options: &[&str]| {
        popcornc(&[&["compare", &model, "--data", &data, "--input-scale", "1/255"], options].concat())
    };
    let table = text(&compare(&["--key-bits", "2048", "--limit", "2"]).stdout);
    assert_eq!(table.lines().count(), 1 + 6 + 2, "{table}");
    assert!(table.contains("\n2 images; same first choice: plan and float graph 100.000 %"), "{table}");
    assert!(table.lines().last().unwrap().contains("no error exceeds 10 %; dense '"), "{table}");
    let json: serde_json::Value =
        serde_json::from_slice(&compare(&["--weight-bits", "2", "--json"]).stdout).unwrap();
    assert_eq!((&json["images"], &json["nodes"][0]["op"]), (&3.into(), &"input".into()));
    assert!(json["nodes"][1]["relative_error"].as_f64().unwrap() > 0.1 && json["first_wrong"].is_string());
    assert!(compare(&["--key-bits", "2048", &plan]).status.success());
    let other = compare(&["--key-bits", "3072", &plan]);
    assert_eq!(other.status.code(), Some(1));
    assert!(text(&other.stderr).contains("give the options that it was compiled with"));
}

#[test]
fn a_search_shows_what_it_tried_and_chose() {
    let (directory, _) = compiled();
    let (model, data) = (testdata("mnist-mlp.onnx"), digits(&directory));
    let plan = directory.path().join("small.plan").display().to_string();
    let compile = |options: &[&str]| {
        let basics = ["compile", &model, "-o", &plan, "--key-bits", "2048", "--input-scale", "1/255"];
        popcornc(&[&basics, options].concat())
    };
    let search = ["--max-accuracy-drop", "1", "--eval", &data];
    let output = compile(&search);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let tried = text(&output.stderr);
    assert!(tried.contains("dense, 8 bits\n") && tried.contains("all layers, multiplier 2^"), "{tried}");
    assert!(text(&output.stdout).contains("% fewer products"), "{}", text(&output.stdout));
    assert!(popcornc(&["inspect", &plan]).status.success());

    let label = compile(&[&search[..], &["--reveal", "label"]].concat());
    assert!(label.status.success(), "{}", text(&label.stderr));
    let eval = popcornc(&["eval", &model, &plan, "--data", &data, "--json"]).stdout;
    let eval: serde_json::Value = serde_json::from_slice(&eval).unwrap();
    assert_eq!((&eval["plan_accuracy"], &eval["agreement"]), (&1.0.into(), &1.0.into()), "{eval}");

    let json = compile(&[&search[..], &["--json"]].concat()).stdout;
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let found = &json["search"];
    let trials = found["trials"].as_array().unwrap();
    assert!(trials.contains(&found["chosen"]) && found["layers"].as_array().unwrap().len() == 3, "{found}");
    assert!(found["chosen"]["cost"]["products"].as_u64() < trials[0]["cost"]["products"].as_u64());

    for (options, complaint) in [
        (&["--max-accuracy-drop", "1"][..], "--eval"),
        (&["--eval", &data], "--max-accuracy-drop"),
        (&["--max-accuracy-drop", "101", "--eval", &data], "0 to 100 points"),
        (&["--max-accuracy-drop", "1", "--eval", &data, "--sparsity", "0.5"], "cannot be used with"),
        (&["--max-accuracy-drop", "1", "--eval", "absent.npz"], "absent.npz"),
    ] {
        let output = compile(options);
        assert!(!output.status.success());
        assert!(text(&output.stderr).contains(complaint), "{}", text(&output.stderr));
    }
}

#[test]
fn eval_counts_right_answers() {
    let (directory, plan) = compiled();
    let data = images(&directory);
    let output =
        popcornc(&["eval", &testdata("mnist-mlp.onnx"), &plan, "--data", &data, "--limit", "2", "--json"]);
    let mut json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let error = json.as_object_mut().and_then(|json| json.remove("error")).and_then(|error| error.as_f64());
    assert!(error.is_some_and(|error| error < 0.02), "{error:?}");
    assert_eq!(
        json,
        serde_json::json!({"images": 2, "float_accuracy": 0.0, "plan_accuracy": 0.0, "agreement": 1.0, "psnr": null})
    );
}

#[test]
fn check_says_what_is_supported() {
    let output = popcornc(&["check", &testdata("mnist-cnn.onnx")]);
    assert!(output.status.success() && text(&output.stdout).contains("operators are supported"));
    let json: serde_json::Value =
        serde_json::from_slice(&popcornc(&["check", &testdata("mnist-cnn.onnx"), "--json"]).stdout).unwrap();
    assert_eq!(json["operators"][0]["supported"], true);
}

#[test]
fn mistakes_are_told_in_one_line() {
    let directory = tempfile::tempdir().unwrap();
    let junk = directory.path().join("junk").display().to_string();
    fs::write(&junk, b"junk").unwrap();
    for (arguments, code, message) in [
        (&["check", "/nowhere.onnx"][..], 1, "error: /nowhere.onnx: "),
        (&["check", &junk], 1, "error: "),
        (&["inspect", &junk], 1, "this is no Popcorn plan"),
        (&["compile", &junk, "-o", "x", "--weight-bits", "9"], 2, "9 is not in 1..=8"),
        (&["compile", &junk, "-o", "x", "--activation-pieces", "1"], 1, "2 to 65 linear segments, not 1"),
        (&["compile", &junk, "-o", "x", "--channel-sparsity", "0.5"], 2, "--calibration <DATA.npz|FOLDER>"),
        (&["compile", &junk, "-o", "x", "--key-bits", "100"], 2, "2048, 3072 or 4096"),
        (&["compile", &junk, "-o", "x", "--input-scale", "1/0"], 2, "'1/0' is no number"),
        (&["nonsense"], 2, "unrecognized subcommand"),
    ] {
        let output = popcornc(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        assert!(text(&output.stderr).contains(message), "{arguments:?}: {}", text(&output.stderr));
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let (_directory, plan) = compiled();
    let mut child = Command::new(env!("CARGO_BIN_EXE_popcornc"))
        .args(["inspect", &plan])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
}

#[test]
fn help_has_examples() {
    for command in ["check", "compile", "inspect", "report", "eval", "compare", "passes", "operators"] {
        let help = text(&popcornc(&[command, "--help"]).stdout);
        assert!(help.contains(&format!("  popcornc {command}")), "{help}");
    }
    assert!(text(&popcornc(&["operators"]).stdout).starts_with("| operator |"));
}
