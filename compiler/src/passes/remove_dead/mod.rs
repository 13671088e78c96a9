//! # What it does
//! Removes what the output does not depend on:
//! 1. a channel that is the same for every image (a row of a linear layer without weights gives its
//!    bias) goes into the biases of the layers that read it, through activations, poolings, sums and
//!    concatenations; a padded convolution can only take a zero. Branches of a sum that are zero go;
//! 2. channels that no linear layer reads with a weight other than zero go, with the rows that make
//!    them, the columns that would read them, and whatever these rows alone have read;
//! 3. so do nodes that nothing needs.
//!
//! Channels that are added up go together or not at all, and so do those of a group of a convolution.
//!
//! # Requires
//! No affine maps and no activations, as after [`super::fold_affine`] and [`super::expand_activations`]; where some are
//! left, their channels count as not constant, and an activation's channels stay.
//!
//! # Guarantees
//! Every output value stays the same: exactly in the integer graph, up to rounding of the biases to f32
//! in the float graph. The image and the output keep all channels, every other value at least one.
//! Scales and ranges are those of the channels that stay. Running the pass again changes nothing.
//!
//! # Example
//! Of a convolution's three channels, the first has no weights and the second no reader (snapshot test
//! `example`):
//! ```text
//! n1 = conv n0 1x1 weights 1x1x1x1 (1 of 1, #876a4a05) bias 1 (1 of 1, #4ca03f98) : 1x2x2
//! n2 = relu n1 : 1x2x2
//! n3 = dense n2 weights 2x4 (8 of 8, #1564a2c5) bias 2 (2 of 2, #41f1f6d8) : 2
//! ```

mod classes;
mod constants;
mod fold;
mod narrow;
mod needed;
mod rows;

pub use constants::Constants;

use crate::error::Result;
use crate::graph::Graph;

/// Runs the pass.
///
/// # Errors
/// None; the signature is that of every pass.
pub fn remove_dead<D: Constants>(mut graph: Graph<D>) -> Result<Graph<D>> {
    graph.remove_dead();
    // With fewer channels a branch may be all zero, and a convolution of one group ties none together.
    loop {
        fold::fold_constants(&mut graph);
        if !narrow::narrow(&mut graph) {
            return Ok(graph);
        }
    }
}

#[cfg(test)]
mod tests;
