//! Folders of models with what others make of them: `NAME.onnx` with its `NAME.image` and `NAME.expected`, little-endian f32
//! in the model's own order. Python programs beside this file fill them.

use crate::outside::skip;
use compiler::error::Error;
use compiler::from_onnx::{self, FloatReference, Model};
use compiler::options::InputOptions;
use compiler::reference::real;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a Python program gives back where a package that it needs is not installed.
const ABSENT: i32 = 77;

/// Runs the program `name` with these arguments; `false`, and a skip on record, where Python or its packages are absent.
/// POPCORN_PYTHON names the interpreter (python3).
pub(crate) fn python<S: AsRef<OsStr>>(name: &str, arguments: impl IntoIterator<Item = S>) -> bool {
    let interpreter = std::env::var_os("POPCORN_PYTHON").unwrap_or_else(|| "python3".into());
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/oracle").join(name);
    let Ok(output) = Command::new(interpreter).arg(program).args(arguments).output() else {
        skip("there is no python3 (POPCORN_PYTHON names another)");
        return false;
    };
    if output.status.code() == Some(ABSENT) {
        let missing = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        skip(&format!("{name}: {missing} (POPCORN_PYTHON names another Python)"));
        return false;
    }
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    true
}

/// The models of a folder, by name.
pub(crate) fn models(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut models: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|e| e == "onnx")).collect();
    models.sort();
    models
}

/// How the import of a model compares with what it should give.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// The largest distance, as a share of the largest expected number, or of 1.
    Off(f64),
    /// The import says why not.
    Refused(String),
    /// It gives another number of values.
    OtherSize,
}

/// The verdict on the float graph of the model at `path`.
pub(crate) fn verdict(path: &Path) -> Verdict {
    verdict_of(path, |model, image| model.finished(&real::evaluate(&model.graph, image)))
}

/// The verdict on what the float reference makes of it.
pub(crate) fn verdict_of_reference(path: &Path) -> Verdict {
    verdict_of(path, |model, image| {
        let image: Vec<f32> = image.iter().map(|&pixel| pixel as f32).collect();
        let values = FloatReference::new(model).unwrap().run(&image).unwrap();
        values.into_iter().map(f64::from).collect()
    })
}

fn verdict_of(path: &Path, run: impl FnOnce(&Model, &[f64]) -> Vec<f64>) -> Verdict {
    let model = match from_onnx::read(path) {
        Ok(model) => model,
        Err(error @ (Error::Unsupported(_) | Error::Malformed { .. })) => {
            return Verdict::Refused(error.to_string());
        }
        Err(error) => panic!("{}: {error}", path.display()),
    };
    let expected = numbers(&path.with_extension("expected"));
    let got = run(&model, &preprocessed(&model, &numbers(&path.with_extension("image"))));
    let labels = || model.outputs[0].choices(&got).into_iter().map(|label| label as f64).collect();
    let got: Vec<f64> = if model.ends_in_label { labels() } else { got };
    if got.len() != expected.len() {
        return Verdict::OtherSize;
    }
    Verdict::Off(distance(&got, &expected))
}

/// The largest distance, as a share of the largest expected number, or of 1.
pub(crate) fn distance(got: &[f64], expected: &[f64]) -> f64 {
    let largest = expected.iter().fold(1.0, |largest: f64, x| largest.max(x.abs()));
    let off = got.iter().zip(expected).map(|(got, expected)| (got - expected).abs());
    off.fold(0.0, |most: f64, off| if off.is_nan() { f64::INFINITY } else { most.max(off / largest) })
}

/// A refusal without the names of nodes.
pub(crate) fn reason(refusal: &str) -> String {
    let line = refusal.lines().find(|line| line.contains("node '")).unwrap_or(refusal);
    let (_, rest) = line.split_once(" (").unwrap_or(("", line));
    rest.rsplit_once(".onnx: ").map_or(rest, |(_, what)| what).replacen("): ", ": ", 1)
}

/// How many there are of each, the most first.
pub(crate) fn histogram(items: impl Iterator<Item = String>) -> String {
    let mut counts = BTreeMap::new();
    items.for_each(|item| *counts.entry(item).or_insert(0) += 1);
    let mut counts: Vec<(String, i32)> = counts.into_iter().collect();
    counts.sort_by_key(|(item, count)| (-count, item.clone()));
    counts.into_iter().map(|(item, count)| format!("{count:5}  {item}\n")).collect()
}

/// Numbers from a file of little-endian f32.
pub(crate) fn numbers(path: &Path) -> Vec<f64> {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    bytes.as_chunks().0.iter().map(|&four| f32::from_le_bytes(four).into()).collect()
}

/// Writes numbers as little-endian f32.
pub(crate) fn write(path: &Path, numbers: &[f32]) {
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    std::fs::write(path, bytes).unwrap();
}

/// The image as the imported graph takes it: channels first, after the model's own normalisation.
fn preprocessed(model: &Model, image: &[f64]) -> Vec<f64> {
    let options = InputOptions { scale: 1.0, ..InputOptions::default() };
    let spec = model.input_spec(&options).unwrap();
    let plane = model.input.plane();
    let place = |index: usize| match model.takes_channels_last() {
        true => index % plane * model.input.channels + index / plane,
        false => index,
    };
    (0..image.len()).map(|index| spec.preprocessing.apply(index / plane, image[place(index)])).collect()
}
