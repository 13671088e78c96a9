//! Random OTs as such: the base of extensions.
//!
//! In a random OT the sender has two random blocks of 128 bits, the receiver a random bit and the block
//! that it names.

use super::block::{BLOCK_BITS, Block, bit};
use super::chunk::{ReceivedChunk, SentChunk};
use zeroize::Zeroizing;

/// The sender's halves of random OTs: two blocks each. No `Clone`, no `Debug`; wiped on drop.
#[derive(Default)]
pub struct SentOts {
    pub(super) blocks: Zeroizing<Vec<[Block; 2]>>,
}

/// The receiver's halves of random OTs: a bit each, and the sender's block of that number. No `Clone`, no
/// `Debug`; wiped on drop.
#[derive(Default)]
pub struct ReceivedOts {
    pub(super) choices: Zeroizing<Vec<bool>>,
    pub(super) blocks: Zeroizing<Vec<Block>>,
}

impl SentOts {
    /// A copy of the sender's halves in a chunk.
    pub(super) fn from_chunk(chunk: &SentChunk<'_>) -> Self {
        Self { blocks: Zeroizing::new(chunk.pairs.to_vec()) }
    }

    /// Number of OTs.
    pub fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Whether there are no OTs.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }
}

impl ReceivedOts {
    /// A copy of the receiver's halves in a chunk.
    pub(super) fn from_chunk(chunk: &ReceivedChunk<'_>) -> Self {
        let choices = chunk.choices.iter().flat_map(|block| (0..BLOCK_BITS).map(|index| bit(block, index)));
        Self { choices: Zeroizing::new(choices.collect()), blocks: Zeroizing::new(chunk.blocks.to_vec()) }
    }

    /// Number of OTs.
    pub fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Whether there are no OTs.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }
}
