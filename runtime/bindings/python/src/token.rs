//! Clients' tokens.

use crate::errors::raise;
use pyo3::prelude::*;
use runtime::Token;

/// The token that `text` writes.
///
/// # Errors
/// It is not 64 hexadecimal digits.
pub(crate) fn read(py: Python<'_>, text: &str) -> PyResult<Token> {
    text.trim().parse().map_err(|what: &str| raise(py, "InvalidInput", format!("the token: {what}")))
}

/// What a server keeps of a token.
///
/// # Errors
/// As [`read`].
#[pyfunction]
pub(crate) fn token_hash(py: Python<'_>, token: &str) -> PyResult<String> {
    Ok(read(py, token)?.hash().to_string())
}
