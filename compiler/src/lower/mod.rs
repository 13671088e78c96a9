//! Integer graph to plan: one step per node, in the graph's order.
//!
//! `steps` has the operations, `fuse` what becomes a step of suite `shared` that needs no encryption, `layout` how its
//! linear steps are evaluated.

mod fuse;
mod layout;
mod steps;

pub use steps::{conv2d, dense, lower, postprocessing, shorten};
