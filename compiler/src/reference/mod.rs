//! What graphs mean: plain interpreters.

pub mod integer;
pub mod real;
