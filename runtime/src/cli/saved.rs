//! Answers as an array in a file.

use runtime::data::write_npy;
use runtime::error::InvalidInput;
use runtime::plan::OutputSpec;
use runtime::roles::client::Prediction;
use runtime::{Error, Result};
use std::fs::File;
use std::path::{Path, PathBuf};

/// All answers so far, where they are wanted.
pub(crate) struct Saved {
    path: Option<PathBuf>,
    axes: Vec<usize>,
    values: Vec<f32>,
    images: usize,
}

impl Saved {
    /// For answers like `output`, to be written to `path`.
    ///
    /// # Errors
    /// The server reveals labels alone, the file is no `.npy`, or it cannot be written.
    pub(crate) fn new(path: Option<&Path>, output: &OutputSpec) -> Result<Self> {
        if let Some(path) = path {
            let refuse = |what: &str| Err(InvalidInput::File { path: path.into(), what: what.into() }.into());
            if path.extension().is_none_or(|extension| extension != "npy") {
                return refuse("answers are written as .npy");
            }
            if output.revealed_values() != output.elements() {
                return refuse("the plan reveals the label alone");
            }
            // Before anything is asked: what is there stays until the answers are.
            if let Err(error) = File::options().append(true).create(true).open(path) {
                return refuse(&error.to_string());
            }
        }
        let path = path.map(Path::to_owned);
        Ok(Self { path, axes: output.parts[0].axes.clone(), values: Vec::new(), images: 0 })
    }

    /// Keeps an answer.
    pub(crate) fn add(&mut self, prediction: &Prediction) {
        if self.path.is_some() {
            self.values.extend(prediction.logits.iter().map(|&value| value as f32));
            self.images += 1;
        }
    }

    /// Writes the answers: one as it is, several with an axis for them first.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn write(&self) -> Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let images = if self.images == 1 { None } else { Some(self.images) };
        let shape: Vec<usize> = images.into_iter().chain(self.axes.iter().copied()).collect();
        write_npy(path, &shape, &self.values)
            .map_err(|error| Error::from(InvalidInput::File { path: path.clone(), what: error.to_string() }))
    }
}
