//! What the holder of a plan knows of its operations.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;

/// Whose plan it is. Whatever the server alone knows has a type that depends on it.
pub trait Knowledge: Clone + Debug + PartialEq + sealed::Sealed {
    /// Number of groups of a convolution.
    type Groups: Known;
    /// Weights of a linear layer.
    type Weights: Known;
    /// Constants that are added to results.
    type Bias: Known;

    /// The word for a convolution.
    const CONV2D: &'static str;
    /// The word for a dense layer.
    const DENSE: &'static str;

    /// The text of a convolution after its window.
    fn describe_conv2d(groups: &Self::Groups, weights: &Self::Weights) -> String;
    /// The text of a dense layer after its name.
    fn describe_dense(weights: &Self::Weights) -> String;
}

/// What a part of an operation must be.
pub trait Known: Clone + Debug + PartialEq + Serialize + DeserializeOwned {}

impl<T: Clone + Debug + PartialEq + Serialize + DeserializeOwned> Known for T {}

/// What the server knows of an operation: everything.
#[derive(Clone, Debug, PartialEq)]
pub enum Private {}

/// What the client knows of an operation: no weight has a place in it.
#[derive(Clone, Debug, PartialEq)]
pub enum Public {}

impl Knowledge for Private {
    type Groups = usize;
    type Weights = Vec<i32>;
    type Bias = Vec<i128>;

    const CONV2D: &'static str = "conv2d";
    const DENSE: &'static str = "dense";

    fn describe_conv2d(groups: &usize, weights: &Vec<i32>) -> String {
        let groups = if *groups > 1 { format!(" groups {groups}") } else { String::new() };
        groups + &describe_weights(weights)
    }

    fn describe_dense(weights: &Vec<i32>) -> String {
        describe_weights(weights)
    }
}

impl Knowledge for Public {
    type Groups = ();
    type Weights = ();
    type Bias = ();

    const CONV2D: &'static str = "linear";
    const DENSE: &'static str = "linear";

    fn describe_conv2d((): &(), (): &()) -> String {
        String::new()
    }

    fn describe_dense((): &()) -> String {
        " all".into()
    }
}

fn describe_weights(weights: &[i32]) -> String {
    let nonzero = weights.iter().filter(|&&w| w != 0).count();
    format!(", {nonzero} of {} weights", weights.len())
}

mod sealed {
    /// Two parties, and no third.
    pub trait Sealed {}
    impl Sealed for super::Private {}
    impl Sealed for super::Public {}
}
