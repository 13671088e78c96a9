//! The two stages of a graph, as types.

use super::fact::{IntegerFact, RealFact};
use super::verify::{Fault, integer_faults, real_faults};
use super::{Node, Shape};
use std::fmt::{Debug, Display};

/// What weights, biases and facts are made of.
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

/// Floating point, as imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Real {}

/// Exact integers with scales and bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Integer {}

impl Domain for Real {
    type Weight = f32;
    type Bias = f32;
    type Multiplier = f32;
    type Fact = RealFact;
    const NAME: &'static str = "real";

    fn faults(node: &Node<Self>) -> Vec<Fault> {
        real_faults(node)
    }

    fn narrowed(fact: &RealFact, channels: &[usize]) -> RealFact {
        RealFact { shape: Shape { channels: channels.len(), ..fact.shape } }
    }
}

impl Domain for Integer {
    type Weight = i32;
    type Bias = i128;
    type Multiplier = i64;
    type Fact = IntegerFact;
    const NAME: &'static str = "integer";

    fn faults(node: &Node<Self>) -> Vec<Fault> {
        integer_faults(node)
    }

    fn narrowed(fact: &IntegerFact, channels: &[usize]) -> IntegerFact {
        IntegerFact {
            shape: Shape { channels: channels.len(), ..fact.shape },
            scale: fact.scale.narrowed(channels),
            range: channels.iter().map(|&channel| fact.range[channel]).collect(),
            ring: fact.ring,
            room: fact.room,
        }
    }
}

impl Element for f32 {
    fn is_finite(self) -> bool {
        self.is_finite()
    }

    fn bits(self) -> u128 {
        self.to_bits().into()
    }
}

macro_rules! integer_element {
    ($($integer:ty),+) => {$(
        impl Element for $integer {
            fn is_finite(self) -> bool {
                true
            }

            fn bits(self) -> u128 {
                self as u128
            }
        }
    )+};
}

integer_element!(i32, i64, i128);
