//! Loops over blocks, compiled once more for processors with wide registers.

use super::block::Block;
use std::hint::black_box;

/// Adds the sum of a right subtree to that of its bit, and that of the left one to it.
pub(super) fn join(by_bit: &mut [Block], left: &[Block], right: &mut [Block]) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        return unsafe { join_avx2(by_bit, left, right) };
    }
    join_blocks(by_bit, left, right);
}

/// row + factor·correction, without a branch on the factor.
pub(super) fn add_product(row: &mut [Block], factor: bool, correction: &[Block]) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        return unsafe { add_product_avx2(row, factor, correction) };
    }
    add_product_blocks(row, factor, correction);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn join_avx2(by_bit: &mut [Block], left: &[Block], right: &mut [Block]) {
    join_blocks(by_bit, left, right);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn add_product_avx2(row: &mut [Block], factor: bool, correction: &[Block]) {
    add_product_blocks(row, factor, correction);
}

#[inline(always)]
fn join_blocks(by_bit: &mut [Block], left: &[Block], right: &mut [Block]) {
    let right = right.as_flattened_mut().iter_mut().zip(left.as_flattened());
    for (by_bit, (right, left)) in by_bit.as_flattened_mut().iter_mut().zip(right) {
        *by_bit ^= *right;
        *right ^= left;
    }
}

#[inline(always)]
fn add_product_blocks(row: &mut [Block], factor: bool, correction: &[Block]) {
    // Hidden from the compiler, which would leave the loop out where the factor is 0, and so show it.
    let mask = black_box(u8::from(factor).wrapping_neg());
    for (sum, term) in row.as_flattened_mut().iter_mut().zip(correction.as_flattened()) {
        *sum ^= term & mask;
    }
}
