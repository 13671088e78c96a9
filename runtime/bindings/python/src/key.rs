//! A client's key.

use crate::errors::of_runtime;
use crate::interruptible;
use pyo3::prelude::*;
use runtime::{ClientKey, KeyBits};
use std::path::PathBuf;

/// A Paillier key pair.
#[pyclass(frozen, module = "popcorn._native")]
pub(crate) struct Key(pub(crate) ClientKey);

#[pymethods]
impl Key {
    /// A new key of 2048, 3072 or 4096 bits.
    #[staticmethod]
    fn generate(py: Python<'_>, bits: u32) -> PyResult<Self> {
        let bits = KeyBits::try_from(bits)
            .map_err(|error| crate::errors::raise(py, "InvalidInput", error.to_string()))?;
        let key = interruptible::run(py, || (), move || ClientKey::generate(bits))?;
        key.map(Self).map_err(|error| of_runtime(py, &error))
    }

    /// The key in a file.
    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        ClientKey::read(&path).map(Self).map_err(|error| of_runtime(py, &error))
    }

    /// Writes a new file that only its owner can read.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        self.0.write(&path).map_err(|error| of_runtime(py, &error))
    }

    /// Length of the modulus.
    #[getter]
    fn bits(&self) -> u32 {
        self.0.bits().get()
    }
}
