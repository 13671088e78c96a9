//! Transposition of square bit matrices.

use super::block::{BLOCK_BITS, Block, words};

/// A square matrix of bits: bit j of block i is in row i, column j.
pub(super) type BitMatrix = [Block; BLOCK_BITS];

/// Exchanges rows and columns.
///
/// Eklundh's method: for each power of two, halving, the off-diagonal quarters of all squares of twice
/// that side change places; a row's two words of 64 bits at once.
pub(super) fn transpose(matrix: &mut BitMatrix) {
    let mut rows = matrix.each_ref().map(words);
    let (upper, lower) = rows.split_at_mut(BLOCK_BITS / 2);
    for (row, partner) in upper.iter_mut().zip(lower) {
        std::mem::swap(&mut row[1], &mut partner[0]);
    }
    for (side, low) in [
        (32, 0x0000_0000_ffff_ffff),
        (16, 0x0000_ffff_0000_ffff),
        (8, 0x00ff_00ff_00ff_00ff),
        (4, 0x0f0f_0f0f_0f0f_0f0f),
        (2, 0x3333_3333_3333_3333),
        (1, 0x5555_5555_5555_5555),
    ] {
        for square in rows.chunks_exact_mut(2 * side) {
            let (upper, lower) = square.split_at_mut(side);
            for (x, y) in upper.as_flattened_mut().iter_mut().zip(lower.as_flattened_mut()) {
                let difference = ((*x >> side) ^ *y) & low;
                *x ^= difference << side;
                *y ^= difference;
            }
        }
    }
    for (block, [low, high]) in matrix.iter_mut().zip(rows) {
        *block = (u128::from(low) | u128::from(high) << 64).to_le_bytes();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ot::block::bit;
    use crate::paillier::randomness::TestRng;

    #[test]
    fn rows_become_columns() {
        let mut rng = TestRng::new(61);
        for _ in 0..20 {
            let mut matrix = [[0; 16]; BLOCK_BITS];
            matrix.iter_mut().for_each(|row| rng.fill(row));
            let mut transposed = matrix;
            transpose(&mut transposed);
            for (i, row) in matrix.iter().enumerate() {
                assert!((0..BLOCK_BITS).all(|j| bit(row, j) == bit(&transposed[j], i)));
            }
        }
    }
}
