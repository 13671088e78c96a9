//! What the fuzz target does with bytes; `compiler/tests/it/fuzz.rs` does the same with the corpus.

use compiler::error::Error;
use compiler::from_onnx::{self, Reading};
use compiler::graph::verify::verify;
use std::io::Write;

/// An ONNX file: a sound graph, or an error that names the file or what is not supported.
pub fn onnx(bytes: &[u8]) {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(bytes).expect("written");
    let _ = from_onnx::check(file.path(), &Reading::default());
    match from_onnx::read(file.path()) {
        Ok(model) => assert_eq!(verify(&model.graph), []),
        Err(Error::Malformed { .. } | Error::Unsupported(_)) => {}
        Err(error) => panic!("{error}"),
    }
}
