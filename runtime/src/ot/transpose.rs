//! Transposition of square bit matrices.

use super::block::{BLOCK_BITS, Block, words};

/// A square matrix of bits: bit j of block i is in row i, column j.
pub(super) type BitMatrix = [Block; BLOCK_BITS];

/// Exchanges rows and columns.
///
/// Eklundh's method: for each power of two, halving, the off-diagonal quarters of all squares of twice
/// that side change places; a row's two words of 64 bits at once.
pub(super) fn transpose(matrix: &mut BitMatrix) {
    let mut rows = [[0; 2]; BLOCK_BITS];
    rows.iter_mut().zip(&*matrix).for_each(|(row, block)| *row = words(block));
    let (upper, lower) = rows.split_at_mut(BLOCK_BITS / 2);
    for (row, partner) in upper.iter_mut().zip(lower) {
        std::mem::swap(&mut row[1], &mut partner[0]);
    }
    swap_quarters::<32>(&mut rows, 0x0000_0000_ffff_ffff);
    swap_quarters::<16>(&mut rows, 0x0000_ffff_0000_ffff);
    swap_quarters::<8>(&mut rows, 0x00ff_00ff_00ff_00ff);
    swap_quarters::<4>(&mut rows, 0x0f0f_0f0f_0f0f_0f0f);
    swap_quarters::<2>(&mut rows, 0x3333_3333_3333_3333);
    swap_quarters::<1>(&mut rows, 0x5555_5555_5555_5555);
    for (block, [low, high]) in matrix.iter_mut().zip(rows) {
        *block = (u128::from(low) | u128::from(high) << 64).to_le_bytes();
    }
}

/// For squares of side 2·`SIDE`; the bits of `low` are those of the left quarters.
fn swap_quarters<const SIDE: usize>(rows: &mut [[u64; 2]; BLOCK_BITS], low: u64) {
    for square in rows.chunks_exact_mut(2 * SIDE) {
        let (upper, lower) = square.split_at_mut(SIDE);
        for (x, y) in upper.as_flattened_mut().iter_mut().zip(lower.as_flattened_mut()) {
            let difference = ((*x >> SIDE) ^ *y) & low;
            *x ^= difference << SIDE;
            *y ^= difference;
        }
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
