//! Choice bits in the lowest bits of blocks.
//!
//! Both parties give up the lowest bit of their blocks and of Δ: a correlated OT q, m = q ⊕ x·Δ of the other 127 bits. Into
//! its place goes 1 in Δ, 0 in q and the choice x in m, so that m = q ⊕ x·Δ holds of whole blocks again. Sums keep
//! that, so nobody need compute with choices beside blocks. (What the extension hashed before, with its own lowest bit
//! in Δ, has other tweaks: to hash x ⊕ Δ and to hash x' ⊕ Δ for x' ≠ x is the same to who does not know Δ.)

use crate::ot::block::{BLOCK_BITS, Block};

/// The block with this lowest bit.
pub(super) fn with(block: &Block, bit: bool) -> Block {
    let mut block = *block;
    block[0] = block[0] & !1 | u8::from(bit);
    block
}

/// The lowest bit.
pub(super) fn of(block: &Block) -> bool {
    block[0] & 1 == 1
}

/// The lowest bits of blocks, 128 to a block, in whole blocks.
pub(super) fn of_all(blocks: &[Block]) -> impl Iterator<Item = Block> {
    blocks.as_chunks::<BLOCK_BITS>().0.iter().map(|blocks| {
        let mut bits = [0; 16];
        for (byte, eight) in bits.iter_mut().zip(blocks.as_chunks::<8>().0) {
            *byte = eight.iter().rev().fold(0, |byte, block| byte << 1 | block[0] & 1);
        }
        bits
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ot::block::bit;

    #[test]
    fn bits_are_found_where_they_were_put() {
        let blocks: Vec<Block> = (0..256).map(|i| with(&[i as u8; 16], i % 7 == 2)).collect();
        let bits: Vec<Block> = of_all(&blocks).collect();
        for (i, block) in blocks.iter().enumerate() {
            assert_eq!([of(block), bit(&bits[i / 128], i % 128)], [i % 7 == 2; 2]);
            assert_eq!((block[0] >> 1, &block[1..]), (i as u8 >> 1, &[i as u8; 15][..]));
        }
    }
}
