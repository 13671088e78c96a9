//! What rewrites graphs, one pass per file. [`crate::pipeline`] says in which order they run.

mod canonicalize;
pub mod expand_activations;
mod fold_affine;
mod quantize;
mod range;
mod sink_relu;

pub use canonicalize::canonicalize;
pub use expand_activations::expand_activations;
pub use fold_affine::fold_affine;
pub use quantize::{Choices, LayerChoice, Preparation, quantize};
pub use range::range;
pub use sink_relu::sink_relu;
