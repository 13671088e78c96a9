//! The trait in which float and integer graphs differ.

use super::fault::Fault;
use super::{Node, Shape};
use std::fmt::{Debug, Display};

/// The numbers that weights and biases are, and what is known of values: in the float graph or in the integer graph.
pub trait Domain: Clone + Debug + Sized + 'static {
    /// One weight.
    type Weight: Element;
    /// One bias.
    type Bias: Element;
    /// One multiplier of an [`super::Op::Add`] branch.
    type Multiplier: Element;
    /// What is known of a value.
    type Fact: Clone + Debug + Display + AsRef<Shape>;
    /// The word in printed graphs.
    const NAME: &'static str;

    /// What is wrong with a node in this domain only; the invariants that hold in both are
    /// [`super::verify`]'s.
    fn faults(node: &Node<Self>) -> Vec<Fault>;

    /// What is known of a value of which only `channels` are left.
    fn narrowed(fact: &Self::Fact, channels: &[usize]) -> Self::Fact;
}

/// A number of a [`Domain`].
pub trait Element: Copy + Debug + Display + PartialEq + Default + Send + Sync + 'static {
    /// Neither infinite nor NaN.
    fn is_finite(self) -> bool;
    /// A pattern that differs where the numbers differ.
    fn bits(self) -> u128;
}
