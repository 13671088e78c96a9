//! Blocks of 128 bits, the unit of all symmetric cryptography here.

/// 128 bits: bit j is bit j mod 8 of byte j ÷ 8.
pub(super) type Block = [u8; 16];

/// Bits of a block.
pub(super) const BLOCK_BITS: usize = 128;

/// Adds `terms` to `sums` in F₂, element by element.
pub(super) fn add_assign(sums: &mut [Block], terms: &[Block]) {
    for (sum, term) in sums.as_flattened_mut().iter_mut().zip(terms.as_flattened()) {
        *sum ^= term;
    }
}

/// The sum of two blocks in F₂¹²⁸.
pub(super) fn sum(x: &Block, y: &Block) -> Block {
    std::array::from_fn(|byte| x[byte] ^ y[byte])
}

/// Bit `index` of a block.
pub(super) fn bit(block: &Block, index: usize) -> bool {
    block[index / 8] >> (index % 8) & 1 == 1
}

/// The low 64 bits of a block.
pub(super) fn low_word(block: &Block) -> u64 {
    let [low, _] = words(block);
    low
}

/// The two halves of a block, low one first.
pub(super) fn words(block: &Block) -> [u64; 2] {
    let block = u128::from_le_bytes(*block);
    [block as u64, (block >> 64) as u64]
}
