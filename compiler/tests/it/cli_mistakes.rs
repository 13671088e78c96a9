//! Images and labels that are hardly what was meant: `popcornc` says so.

use ndarray::{Array1, Array4};
use ndarray_npy::NpzWriter;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const IMAGES: usize = 12;

fn popcornc(arguments: &[&Path]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_popcornc")).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Pictures for the networks of MNIST, their pixels from 0 to 254 `over` a number; labelled, where `label` is given.
fn pictures(path: &Path, over: f32, label: Option<&dyn Fn(usize) -> i64>) {
    let pixel =
        |(image, _, y, x): (usize, usize, usize, usize)| ((image * 37 + y * 11 + x * 7) % 255) as f32 / over;
    let mut file = NpzWriter::new(File::create(path).unwrap());
    file.add_array("images", &Array4::from_shape_fn((IMAGES, 1, 28, 28), pixel)).unwrap();
    if let Some(label) = label {
        file.add_array("labels", &Array1::from_shape_fn(IMAGES, label)).unwrap();
    }
    file.finish().unwrap();
}

#[test]
fn what_is_hardly_meant_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let model = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../testdata/mnist-mlp.onnx");
    let [plan, raw, scaled, negative, alike] =
        ["mlp.plan", "raw.npz", "scaled.npz", "negative.npz", "alike.npz"].map(file);
    pictures(&raw, 1.0, Some(&|image| image as i64 % 10));
    pictures(&scaled, 255.0, None);
    pictures(&negative, -1.0, None);
    pictures(&alike, 1.0, Some(&|_| 3));

    let compile = |images: &Path| {
        let options = ["--input-scale", "1/255", "--accept-error", "--json", "--calibration"].map(Path::new);
        popcornc(
            &[&["compile".as_ref(), model.as_path(), "-o".as_ref(), &plan], &options[..], &[images]].concat(),
        )
    };
    let output = compile(&scaled);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let warning = json["warnings"][0].as_str().unwrap();
    assert!(warning.contains("lie between 0 and 0.99") && warning.contains("--input-range 0,1"), "{warning}");
    assert!(text(&output.stderr).contains(warning));
    let refused = text(&compile(&negative).stderr);
    assert!(refused.contains("is -") && refused.contains("--input-range, and no --input-mean"), "{refused}");
    let output = compile(&raw);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["warnings"].as_array().map(Vec::len), Some(0), "{json}");

    let told =
        |images: &Path| text(&popcornc(&["eval".as_ref(), &model, &plan, "--data".as_ref(), images]).stderr);
    assert_eq!(told(&raw), "");
    assert!(told(&alike).contains("all 12 labels are 3"));
    let told = told(&scaled);
    assert!(told.contains("there are no labels") && told.contains("the plan takes raw pixels"), "{told}");
}

#[test]
fn nothing_is_written_over_what_it_is_made_of() {
    let folder = tempfile::tempdir().unwrap();
    let [model, plan] = ["m.onnx", "m.plan"].map(|name| folder.path().join(name));
    let testdata = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../testdata");
    std::fs::copy(testdata.join("mnist-mlp.onnx"), &model).unwrap();
    std::fs::copy(testdata.join("mnist-mlp.plan"), &plan).unwrap();
    let (through, output) = (folder.path().join(".").join("m.onnx"), Path::new("-o"));
    for (arguments, file) in [
        ([Path::new("compile"), &model, output, &through], &model),
        ([Path::new("report"), &plan, output, &plan], &plan),
        ([Path::new("report"), &plan, Path::new("--picture"), &plan], &plan),
    ] {
        let before = std::fs::read(file).unwrap();
        let refused = popcornc(&arguments);
        assert_eq!(refused.status.code(), Some(1));
        assert!(text(&refused.stderr).contains("would be overwritten"), "{}", text(&refused.stderr));
        assert_eq!(std::fs::read(file).unwrap(), before);
    }
}
