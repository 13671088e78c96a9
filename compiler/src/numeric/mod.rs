//! Dense linear algebra in the little that quantisation needs of it.
//!
//! Every sum is taken in an order that depends neither on the number of threads nor on the machine, so
//! that equal input gives equal plans; a library that picks kernels by processor would not.

mod matrix;
mod product;

pub use matrix::{Matrix, Root, axpy, dot};
pub use product::{View, multiply_add};
