//! Popcorn's compiler: from an ONNX file to a plan that [`runtime`] executes.
//!
//! The folders are layers (ARCHITECTURE.md says in which order); [`pipeline`] lists the passes and runs them,
//! [`mod@compile`] checks what comes out.
//!
//! * [`from_onnx`]: the file, checked and read into a float [`graph`];
//! * [`passes`]: float graph to integer graph, one pass per file;
//! * [`lower`]: integer graph to plan, priced;
//! * [`mod@reference`]: what the graphs mean: an interpreter for each;
//! * [`activation`]: smooth activations as linear segments;
//! * [`calibration`]: what values look like on calibration images;
//! * [`self_check`]: plans beside their models;
//! * [`search`]: the cheapest plan within an accuracy budget;
//! * [`numeric`]: linear algebra;
//! * [`evaluation`]: labelled images and accuracy.
//!
//! Feature `cli` (default) is the program `popcornc`; applications leave it out.

pub mod activation;
pub mod calibration;
pub mod compile;
pub mod error;
pub mod evaluation;
pub mod from_onnx;
pub mod graph;
pub mod lower;
pub mod numeric;
pub mod options;
pub mod passes;
pub mod pipeline;
pub mod reference;
pub mod search;
pub mod self_check;

pub use compile::Compiled;
pub use error::{Error, Result};
pub use evaluation::Dataset;
pub use from_onnx::Model;
pub use options::{CompileOptions, InputOptions};
pub use runtime::Plan;
