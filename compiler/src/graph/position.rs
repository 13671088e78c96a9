//! Positions beside values.

use runtime::plan::index_bits;

/// Bits of the position of one of `classes` logits, beside its sign.
pub fn position_bits(classes: usize) -> u32 {
    index_bits(classes).max(1)
}
