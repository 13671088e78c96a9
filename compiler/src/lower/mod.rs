//! Integer graph to plan: one step per node, in the graph's order, priced.
//!
//! `steps` has the operations, `fuse` what becomes a step of suite `shared` that needs no encryption, `layout` how its linear steps are
//! evaluated, [`cost`] what each step takes, [`comparison`](fn@comparison) what an interactive one will take.

mod comparison;
pub mod cost;
mod fuse;
mod layout;
mod steps;

pub use comparison::{Comparison, comparison};
pub use steps::{conv2d, dense, lower, postprocessing, shorten};
