//! The fuzz target on its corpus, without a fuzzer; `tests/damaged` does the same near random models.

use crate::onnx::{build, recipes};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use prost::Message;
use std::path::{Path, PathBuf};
use std::{fs, io};

#[path = "../../fuzz/src/lib.rs"]
#[allow(unreachable_pub, reason = "a crate of its own there")]
mod targets;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/onnx")
}

#[test]
fn the_corpus_does_no_harm() {
    let files = fs::read_dir(corpus()).and_then(Iterator::collect::<io::Result<Vec<_>>>).expect("a corpus");
    assert!(!files.is_empty());
    for file in files {
        targets::onnx(&fs::read(file.path()).expect("a file"));
    }
}

/// Small random models: `cargo test --release -p compiler --test it -- --ignored write_the_corpus`.
#[test]
#[ignore = "writes compiler/fuzz/corpus"]
fn write_the_corpus() {
    let mut runner = TestRunner::deterministic();
    let models = std::iter::repeat_with(|| recipes().new_tree(&mut runner).expect("a recipe").current());
    let small = models.map(|recipe| build(&recipe).encode_to_vec()).filter(|bytes| bytes.len() < 6000);
    fs::create_dir_all(corpus()).expect("a folder");
    for (index, bytes) in small.take(20).enumerate() {
        fs::write(corpus().join(format!("random-{index:02}.onnx")), bytes).expect("written");
    }
}
