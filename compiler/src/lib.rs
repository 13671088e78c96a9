//! Popcorn's compiler: from an ONNX file to a plan that [`runtime`] executes.
//!
//! The folders are the pipeline, in order; [`pipeline`] is the list of its stages, [`mod@compile`] runs it and checks what
//! comes out.
//!
//! * [`from_onnx`]: the file, checked and read into a float [`graph`];
//! * [`passes`]: float graph to integer graph, one pass per file;
//! * [`lower`]: integer graph to plan, priced;
//! * [`mod@reference`]: what the graphs mean: tract for floats, an interpreter for integers;
//! * [`calibration`]: what values look like on example images;
//! * [`self_check`]: plans beside their models;
//! * [`search`]: the cheapest plan within an accuracy budget;
//! * [`numeric`]: linear algebra;
//! * [`data`]: labelled images and accuracy.

pub mod calibration;
pub mod compile;
pub mod data;
pub mod error;
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

pub use data::Dataset;
pub use error::{Error, Result};
pub use from_onnx::Model;
pub use options::{CompileOptions, InputOptions};
pub use runtime::Plan;
