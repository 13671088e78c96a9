//! Integer graph to plan: one step per node, in the graph's order, priced.
//!
//! `steps` has the operations, `sum_pool` averages, [`cost`] what each step takes.

pub mod cost;
mod steps;
mod sum_pool;

pub use steps::{conv2d, dense, lower};
pub use sum_pool::{DividedSum, sum_pool};
