//! Integer graph to plan: one step per node, in the graph's order.
//!
//! `steps` has the operations, `fuse` what becomes one step of suite `shared`, `layout` how its linear steps are
//! evaluated, `sum_pool` averages.

mod fuse;
mod layout;
mod steps;
mod sum_pool;

pub use fuse::is_fused;
pub use steps::{conv2d, dense, lower, position_bits, postprocessing, shorten};
pub use sum_pool::{DividedSum, sum_pool};
