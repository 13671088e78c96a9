//! Inferences of one client that are prepared together.
//!
//! Where a linear layer leaves slots of its ciphertexts empty, because it is dense or its maps are small, they take the same
//! numbers of further inferences ([`Layout::images`]): one weighted sum then serves all of them. Which batches a plan offers,
//! and in which layouts, is what the compiler has found cheapest.

use super::cost::Cost;
use super::extension::Transfers;
use super::layout::Layout;
use serde::{Deserialize, Serialize};

/// A number of inferences that can be prepared together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InferenceBatch {
    /// How many, from 2 to [`MAX`](Self::MAX).
    pub inferences: usize,
    /// How the linear steps are evaluated then, in order of execution.
    pub layouts: Vec<Layout>,
    /// How oblivious transfers are made from then on in the session ([`Transfers::may_become`]), unless a batch before has gone
    /// over to silent OT already: many together repay what that takes to begin.
    pub transfers: Transfers,
}

/// One of a server's plan, which knows what it takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PricedBatch {
    /// What both parties know.
    pub batch: InferenceBatch,
    /// What preparing the whole batch costs before the first image is known, in a session's first preparation, the set-up apart.
    pub offline: Cost,
}

impl InferenceBatch {
    /// Inferences in a batch at most.
    pub const MAX: usize = 64;

    /// Ciphertexts that a step sends or gets back for all of them at most: 48 MiB at 3072 bits.
    pub const MAX_CIPHERTEXTS: usize = 1 << 16;
}
