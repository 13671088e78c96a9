//! Integer graph to plan: one step per node, in the graph's order.
//!
//! `steps` translates the operations, `fuse` finds those that need no encryption in suite `shared`, `fraction` what
//! their shares hold below values; `layout` chooses how its linear steps are evaluated under encryption, `transfers` how its
//! oblivious transfers are made, `batches` how many inferences can be prepared together.

mod batches;
mod fraction;
mod fuse;
mod layout;
mod steps;
#[cfg(test)]
mod testing;
mod transfers;

pub use batches::with_batches;
pub use steps::{conv2d, dense, lower, shorten};
