//! What may be wrong with a node.

/// A broken invariant within one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Number of the invariant in the table of [`super::verify`]: 6 stands for I6.
    pub invariant: u8,
    /// How it is broken, as a phrase for error messages.
    pub what: String,
}

pub(super) fn fault(invariant: u8, what: impl Into<String>) -> Fault {
    Fault { invariant, what: what.into() }
}
