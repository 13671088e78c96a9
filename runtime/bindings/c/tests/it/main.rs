//! The header, and programs in C that use the libraries as installed.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod header;
mod installed;
mod programs;
