//! What graphs mean: tract for the model as trained, plain interpreters for ours.

mod float;
pub mod integer;
pub mod real;
mod twin;

pub use float::FloatReference;
pub use twin::twin;
