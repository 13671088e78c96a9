//! Why one operator is refused, before the node's name is known.

use crate::error::Diagnostic;

/// What is wrong with a node, and what the user can do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    what: String,
    hint: String,
}

impl Refusal {
    pub(super) fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), hint: hint.into() }
    }

    /// The refusal of weights that are `what`: NaN or infinite.
    pub(super) fn not_finite(what: &str) -> Self {
        Self::new(format!("a weight is {what}"), "the training diverged, or the weights overflow f32")
    }

    /// The finding about a node.
    pub(super) fn about(self, node: &str, op: &str) -> Diagnostic {
        Diagnostic { node: node.into(), op: op.into(), what: self.what, hint: self.hint }
    }
}

/// Without a hint.
impl From<String> for Refusal {
    fn from(what: String) -> Self {
        Self::new(what, "")
    }
}
