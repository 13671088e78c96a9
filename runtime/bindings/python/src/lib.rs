//! The native half of the Python package `popcorn`: what needs Rust, in types that Python has.
//!
//! Models, data sets, plans and keys come as paths, images as bytes of `f32`, structured answers as JSON; the Python half makes
//! these of arrays, pictures and models. Every call that takes long lets other Python threads run, and ends at Ctrl-C.

mod client;
mod compiling;
mod errors;
mod interruptible;
mod key;
mod pixels;
mod plan;
mod server;
mod store;
mod token;

use pyo3::prelude::*;

/// The module `popcorn._native`.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<client::Client>()?;
    module.add_class::<key::Key>()?;
    module.add_class::<plan::Plan>()?;
    module.add_class::<server::Server>()?;
    module.add_function(wrap_pyfunction!(client::connect, module)?)?;
    module.add_function(wrap_pyfunction!(compiling::compile, module)?)?;
    module.add_function(wrap_pyfunction!(server::serve, module)?)?;
    module.add_function(wrap_pyfunction!(token::token_hash, module)?)?;
    Ok(())
}
