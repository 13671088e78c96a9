//! Dense linear algebra in the little that quantisation needs of it.
//!
//! Every sum is taken in an order that depends neither on the number of threads nor on the machine, so
//! that equal input gives equal plans; a library that picks kernels by processor would not.

mod matrix;
mod product;
mod root;
mod scatter;
pub mod simd;
#[cfg(test)]
pub(crate) mod testing;
mod vector;

pub use matrix::Matrix;
pub use product::{Sum, View, multiply_add};
pub use root::Root;
pub use scatter::scatter;
pub use vector::{axpy, dot, median, subtract};
