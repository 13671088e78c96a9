//! Positions beside values.

/// Bits of the position of one of `classes` logits, beside its sign.
pub const fn position_bits(classes: usize) -> u32 {
    let bits = usize::BITS - (classes - 1).leading_zeros();
    if bits > 0 { bits } else { 1 }
}
