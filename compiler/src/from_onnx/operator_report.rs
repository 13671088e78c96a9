//! What `popcornc check` says of one operator.

use crate::error::Diagnostic;
use serde::Serialize;

/// Whether the compiler supports one node of a model, and if not, why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OperatorReport {
    /// The node's name, or its first output's.
    pub node: String,
    /// The operator, as the model spells it.
    pub op: String,
    /// Whether the compiler takes it.
    pub supported: bool,
    /// If not, why; else empty.
    pub what: String,
    /// If not, what to try; else empty.
    pub hint: String,
}

impl OperatorReport {
    pub(super) fn diagnostic(self) -> Diagnostic {
        Diagnostic { node: self.node, op: self.op, what: self.what, hint: self.hint }
    }
}
