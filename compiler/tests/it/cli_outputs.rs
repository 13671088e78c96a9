//! Models with several outputs, and models that give the label, on the command line.

use crate::testing::Attribute::Int;
use crate::testing::Onnx;
use prost::Message;
use std::process::{Command, Output};
use tempfile::TempDir;

struct Model {
    folder: TempDir,
}

impl Model {
    fn new(model: Onnx) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("m.onnx"), model.build().encode_to_vec()).unwrap();
        Self { folder }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_popcornc"));
        command.current_dir(self.folder.path()).args(arguments).output().unwrap()
    }

    /// What is revealed, and of how many values.
    fn compiled(&self, options: &[&str]) -> (serde_json::Value, serde_json::Value) {
        let output = self.run(&[&["compile", "m.onnx", "-o", "m.plan"], options].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        let plan = self.run(&["inspect", "m.plan", "--json"]).stdout;
        let plan: serde_json::Value = serde_json::from_slice(&plan).unwrap();
        (plan["output"]["revealed"].clone(), plan["output"]["parts"][0]["axes"][0].clone())
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn scores() -> Onnx {
    Onnx::new(&[1, 1, 4, 3]).weight("w", &[12, 5]).then("Flatten", &[], &[]).then("Gemm", &["w"], &[])
}

#[test]
fn the_chosen_output_is_named_and_another_can_be() {
    let model = Model::new(scores().output("v0", &[1, 12]));
    let check = model.run(&["check", "m.onnx"]);
    let note = "note: the model has 2 outputs (v0, v1); this is about 'v1'; --model-output NAME takes another, or several if given again\n";
    assert_eq!(text(&check.stderr), note);
    assert_eq!(model.compiled(&[]).1, 5);
    assert_eq!(model.compiled(&["--model-output", "v0"]).1, 12);
    let absent = model.run(&["check", "m.onnx", "--model-output", "v9"]);
    assert_eq!(text(&absent.stderr), "error: the model has no output 'v9'; it has v0, v1\n");
}

#[test]
fn a_model_that_gives_the_label_reveals_the_label() {
    for model in [scores(), scores().then("Softmax", &[], &[("axis", Int(1))])] {
        let model = Model::new(model.then("ArgMax", &[], &[("axis", Int(1))]));
        assert_eq!(model.compiled(&[]), ("Label".into(), 5.into()));
        assert_eq!(model.compiled(&["--reveal", "logits"]).0, "Logits");
        let blinded = model.run(&["compile", "m.onnx", "-o", "m.plan", "--suite", "blinded"]);
        assert!(text(&blinded.stderr).contains("which suite blinded cannot"), "{}", text(&blinded.stderr));
        assert_eq!(model.compiled(&["--suite", "blinded", "--reveal", "logits"]).0, "Logits");
    }
}

#[test]
fn classes_have_the_names_of_a_file() {
    let model = Model::new(scores());
    let write = |name: &str, text: &str| std::fs::write(model.folder.path().join(name), text).unwrap();
    write("names.txt", "cat\ndog\ncow\nhen\nfox\n");
    write("marked.txt", "\u{feff}cat\r\ndog\r\ncow\r\nhen\r\nfox\r\n");
    write("long.txt", &"x".repeat((4 << 20) + 1));
    write("four.txt", "cat\ndog\ncow\nhen\n");
    write("bell.txt", "cat\ndog\ncow\nhen\nfo\u{7}x\n");
    model.compiled(&["--labels", "names.txt"]);
    let plan = model.run(&["inspect", "m.plan", "--json"]).stdout;
    let plan: serde_json::Value = serde_json::from_slice(&plan).unwrap();
    assert_eq!(plan["output"]["parts"][0]["names"], serde_json::json!(["cat", "dog", "cow", "hen", "fox"]));
    model.compiled(&["--labels", "marked.txt"]);
    for (file, complaint) in [
        ("long.txt", "it is longer than 4194304 bytes"),
        ("four.txt", "there are 4 names for 5 classes"),
        ("bell.txt", "the name of class 4 has control characters"),
        ("none.txt", "none.txt"),
    ] {
        let refused = model.run(&["compile", "m.onnx", "-o", "m.plan", "--labels", file]);
        assert!(
            !refused.status.success() && text(&refused.stderr).contains(complaint),
            "{}",
            text(&refused.stderr)
        );
    }
}

/// Calibration pictures and those of an evaluation stand in a folder; what is no picture is passed over.
#[test]
fn pictures_are_taken_from_a_folder() {
    let model = Model::new(scores());
    for (class, level) in [("a", 40u8), ("b", 200)] {
        let folder = model.folder.path().join("photos").join(class);
        std::fs::create_dir_all(&folder).unwrap();
        for file in 0..12u8 {
            let picture =
                image::GrayImage::from_fn(9, 8, |x, y| image::Luma([level ^ (file * 5 + (x * y) as u8)]));
            picture.save(folder.join(format!("{file}.png"))).unwrap();
        }
        std::fs::write(folder.join("notes.txt"), "no picture").unwrap();
        std::fs::write(folder.join("cut.png"), &std::fs::read(folder.join("0.png")).unwrap()[..60]).unwrap();
    }
    let compiled = model.run(&["compile", "m.onnx", "-o", "m.plan", "--calibration", "photos"]);
    assert!(compiled.status.success(), "{}", text(&compiled.stderr));
    assert!(text(&compiled.stderr).contains("photos: 2 files are no pictures"), "{}", text(&compiled.stderr));
    let damaged = "photos: pictures that cannot be read and were left out: 2 (";
    assert!(text(&compiled.stderr).contains(damaged), "{}", text(&compiled.stderr));
    let eval = model.run(&["eval", "m.onnx", "m.plan", "--data", "photos", "--json"]).stdout;
    let eval: serde_json::Value = serde_json::from_slice(&eval).unwrap();
    assert_eq!(eval["images"], 24);
    assert!(
        eval["float_accuracy"].is_null() && eval["agreement"].as_f64() > Some(0.9),
        "two folders, five classes"
    );
    for class in ["c", "d", "e"] {
        std::fs::create_dir_all(model.folder.path().join("photos").join(class)).unwrap();
    }
    let eval = model.run(&["eval", "m.onnx", "m.plan", "--data", "photos", "--json"]).stdout;
    let eval: serde_json::Value = serde_json::from_slice(&eval).unwrap();
    assert!(eval["float_accuracy"].is_number() && eval["agreement"].as_f64() > Some(0.9), "{eval}");
    std::fs::write(model.folder.path().join("names.txt"), "y\nb\nx\na\nz\n").unwrap();
    for empty in ["c", "d", "e"] {
        std::fs::remove_dir(model.folder.path().join("photos").join(empty)).unwrap();
    }
    let named = ["compile", "m.onnx", "-o", "m.plan", "--labels", "names.txt"];
    assert!(model.run(&named).status.success());
    let eval = model.run(&["eval", "m.onnx", "m.plan", "--data", "photos", "--json"]).stdout;
    let eval: serde_json::Value = serde_json::from_slice(&eval).unwrap();
    assert!(eval["float_accuracy"].is_number(), "folders called like two of the classes: {eval}");
    let plan = text(&model.run(&["inspect", "m.plan"]).stdout);
    assert!(plan.contains("\n        classes y, b, x, a, z\n"), "{plan}");
}
