//! Integer graph to plan: one step per node, in the graph's order.
//!
//! `steps` translates the operations, `fuse` finds those that need no encryption in suite `shared`, and `layout`
//! chooses how its linear steps are evaluated under encryption.

mod fuse;
mod layout;
mod steps;

pub use steps::{conv2d, dense, lower, postprocessing, shorten};
