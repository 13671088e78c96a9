//! What graphs mean: tract for the model as trained, plain interpreters for ours.

mod float;
pub mod integer;
pub mod real;

pub use float::FloatReference;
