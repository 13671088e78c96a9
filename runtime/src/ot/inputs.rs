//! What a party puts into evaluations and products that are opened at once.

use super::bits::Bits;
use super::formula::Formula;
use super::numbers::Width;

/// One party's bits, batch by batch.
#[derive(Default)]
pub(crate) struct Inputs {
    /// Of formulas, place by place.
    pub(crate) formulas: Vec<(Formula, Vec<Bits>)>,
    /// Factors of products of this width.
    pub(crate) products: Vec<(Width, Bits)>,
}
