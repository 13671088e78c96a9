//! Integer graph to plan: one step per node, in the graph's order, priced.
//!
//! `steps` has the operations, `fuse` what becomes one step of suite `shared`, `layout` how its linear steps are
//! evaluated, `sum_pool` averages, [`cost`] what each step takes, [`comparison`](fn@comparison) what an interactive one will take.

mod comparison;
pub mod cost;
mod fuse;
mod layout;
mod steps;
mod sum_pool;

pub use comparison::{Comparison, comparison};
pub use fuse::is_fused;
pub use steps::{conv2d, dense, lower, position_bits, postprocessing, shorten};
pub use sum_pool::{DividedSum, sum_pool};
