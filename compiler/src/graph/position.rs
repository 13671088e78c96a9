//! The width of a class's position, which goes with its logit where the client learns the label alone.

use runtime::plan::index_bits;

/// Bits that hold the position of one of `classes` logits, without a sign bit; at least 1.
pub fn position_bits(classes: usize) -> u32 {
    index_bits(classes).max(1)
}
