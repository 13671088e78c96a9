//! The compiler's intermediate representation: a graph of tensor operations with one image as
//! input and one vector of logits as output.
//!
//! The same [`Graph`] exists over two domains. In [`Real`] weights are `f32` and nothing is known of
//! a value but its shape; in [`Integer`] weights are integers and every value has a scale and sound
//! bounds. Passes that quantise turn the one into the other, so the type says which stage it is.

mod builder;
mod curve;
mod dequantize;
mod display;
mod domain;
mod fact;
mod fault;
mod fused;
mod gather;
mod op;
mod position;
mod shape;
mod stages;
mod sum_pool;
#[cfg(test)]
pub(crate) mod testing;
pub mod verify;
mod work;
mod zeros;

pub use curve::{Binary, Curve, Unary};
pub use dequantize::dequantized;
pub use domain::{Domain, Element};
pub use fact::{IntegerFact, Range, RealFact, Room, Scale};
pub use fused::is_fused;
pub use gather::{Gather, Sources};
pub use op::{Add, Affine, Clip, Conv, Dense, Op, Pool, PoolDivisor, Rescale};
pub use position::position_bits;
pub use runtime::plan::{Shape, Window};
pub use shape::infer_shape;
pub use stages::{Integer, Real};
pub use sum_pool::{DividedSum, sum_pool};
pub use work::multiplications;
pub use zeros::{zero_channels, zero_rows};

use petgraph::stable_graph::{NodeIndex, StableDiGraph};
use std::fmt;

/// A node and the value that it defines, printed `n7`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(NodeIndex);

impl NodeId {
    /// The number in the printed form; less than [`Graph::id_bound`], so it indexes tables.
    pub fn index(self) -> usize {
        self.0.index()
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}", self.0.index())
    }
}

/// An operation, what the model calls it, and what is known of its value.
#[derive(Clone, Debug)]
pub struct Node<D: Domain> {
    /// The ONNX node (or, where it has no name, its output) that this came from.
    pub name: String,
    /// The operation, with its parameters.
    pub op: Op<D>,
    /// Shape of the result; in the integer graph also its scale and bounds.
    pub fact: D::Fact,
}

/// A directed acyclic graph with one [`Op::Input`] and one output.
///
/// An edge's weight is the position among the consumer's inputs.
#[derive(Clone, Debug)]
pub struct Graph<D: Domain> {
    inner: StableDiGraph<Node<D>, usize>,
    input: NodeId,
    output: NodeId,
}
