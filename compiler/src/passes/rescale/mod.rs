//! Where a deep network's numbers are made narrower.
//!
//! # What it does
//! Integers grow by the width of the weights from layer to layer. Dropping low bits ([`Op::Rescale`],
//! suite `blinded`) takes a round and an encryption per value, and makes every later comparison
//! cheaper; networks of more than about ten layers do not fit without. This pass chooses the values that
//! lose bits, and how many, for an integer graph that has been quantised once without; quantising again
//! places them ([`quantize`](super::quantize())).
//!
//! A value may be cut down to [`PRECISION`] bits, measured by the largest integers that example images
//! give (of the middle channel), not by the sound bounds: these grow faster than any image's values, and
//! what they are too wide stays. Of the places the one is taken, again and again, that saves most
//! predicted time; places that later ones made useless are given up. Widths beyond [`MAX_BITS`] count as
//! so expensive that they are avoided first.
//!
//! # Requires
//! An integer graph with peaks.
//!
//! # Guarantees
//! Branches of a concatenation lose equally many bits. A network that is cheaper without any rescaling,
//! and fits, stays as it is. Equal graphs give equal choices.
//!
//! # Example
//! See the test `a_deep_chain_is_cut_where_it_is_narrow`.

mod choose;
mod exponents;
mod price;
mod width;

pub use choose::{Shifts, choose};

/// Bits that the largest integers of a value keep.
const PRECISION: u32 = 14;

#[cfg(doc)]
use {crate::graph::Op, runtime::plan::validate::MAX_BITS};
