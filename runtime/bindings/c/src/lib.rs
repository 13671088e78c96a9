//! The client for C, and for languages that call C: what `include/popcorn.h` declares, which `cbindgen` makes of this crate.
//!
//! * `border`: what every function does before and after its own work: panics end here, errors become objects;
//! * `arguments`: what comes from C, checked;
//! * `options`: how a server is reached and what is asked of it;
//! * `key`, `cancellation`, `plan`, `client`, `inference`: one kind of handle or structure each.
//!
//! What callers promise stands once, in the header's first comment (`cbindgen.toml`); that is what SAFETY comments here call
//! *the header's rules*.
#![allow(clippy::missing_safety_doc, reason = "the header states once what callers of all functions promise")]

mod arguments;
pub mod border;
pub mod cancellation;
pub mod client;
pub mod inference;
pub mod key;
pub mod options;
pub mod plan;

use std::ffi::c_char;

/// The library's version, for example "0.1.0". It is never freed.
#[unsafe(no_mangle)]
pub extern "C" fn popcorn_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}
