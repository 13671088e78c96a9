//! The program, asked over HTTP, and by a browser in which somebody draws.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod browser;
mod devtools;
mod http;
mod program;
