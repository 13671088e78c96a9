//! What rewrites graphs, one pass per file. [`crate::pipeline`] says in which order they run.

mod absorb_multipliers;
mod canonicalize;
mod expand_activations;
mod fold_affine;
mod merge_equal;
pub mod prune_channels;
mod quantize;
mod range;
mod remove_dead;
pub mod rescale;
mod rings;
mod sink_relu;
mod split_max_pool;
mod terms;

pub use absorb_multipliers::absorb_multipliers;
pub use canonicalize::canonicalize;
pub use expand_activations::expand_activations;
pub use fold_affine::fold_affine;
pub use merge_equal::merge_equal;
pub use prune_channels::prune_channels;
pub use quantize::{
    Choices, Narrowing, Noise, Places, Precision, Preparation, Quantized, Rounding, ValueEstimate, spend,
    spend_everywhere,
};
pub use range::range;
pub use remove_dead::{Constants, remove_dead};
pub use rings::rings;
pub use sink_relu::sink_relu;
pub use split_max_pool::split_max_pool;
