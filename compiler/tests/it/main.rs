//! The compiler from outside: from files to plans, and what plans give. Helpers are folders, tests are files.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod bound;
#[cfg(unix)]
mod documents;
mod family;
mod images;
mod onnx;
mod oracle;
mod outside;
mod random;
#[path = "../../src/from_onnx/testing.rs"]
#[allow(dead_code, reason = "the importer's own tests use the rest")]
mod testing;

mod accuracy;
mod architecture;
mod calibration;
mod cli;
mod cli_activations;
mod cli_console;
mod cli_mistakes;
mod cli_outputs;
mod cli_shared;
mod compare;
mod dead_channels;
mod encrypted_models;
mod enlarging;
mod families;
mod fuzz;
#[cfg(unix)]
mod guide;
mod integer_stages;
mod large;
mod models;
mod node_tests;
mod onnx_models;
mod onnxruntime;
mod outputs;
mod passes;
mod photos;
mod readme;
mod report;
mod reproducible;
mod rescaling;
mod search;
mod shared;
