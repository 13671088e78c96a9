//! Random OTs, made ahead and used once.
//!
//! In a random OT the sender has two random blocks of 128 bits, the receiver a random bit and the block
//! that it names. A pool's OTs are moved out of it ([`SentOts::take`]) and consumed by what uses them: an OT that
//! masks two messages would give away their sum.
//!
//! ```compile_fail,E0382
//! fn twice(ots: runtime::ot::ReceivedOts, choices: &[bool]) {
//!     let first = ots.choose(choices);
//!     let second = ots.choose(choices);
//! }
//! ```
//!
//! ```compile_fail,E0599
//! fn copied(ots: &runtime::ot::SentOts) -> runtime::ot::SentOts {
//!     ots.clone()
//! }
//! ```
//!
//! Both parties take the same numbers of OTs in the same order: then each OT's two halves meet.

use super::block::Block;
use crate::error::{Error, Result};
use zeroize::Zeroizing;

/// The sender's halves of random OTs: two blocks each. No `Clone`, no `Debug`; wiped on drop.
#[derive(Default)]
pub struct SentOts {
    pub(super) blocks: Zeroizing<Vec<[Block; 2]>>,
}

/// The receiver's halves of random OTs: a bit each, and the sender's block of that number. No `Clone`, no `Debug`;
/// wiped on drop.
#[derive(Default)]
pub struct ReceivedOts {
    pub(super) choices: Zeroizing<Vec<bool>>,
    pub(super) blocks: Zeroizing<Vec<Block>>,
}

impl SentOts {
    /// How many are left.
    pub fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Whether none is left.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Adds those of `more`.
    pub fn append(&mut self, mut more: Self) {
        self.blocks.append(&mut more.blocks);
    }

    /// Moves `count` of them out, those that were added last.
    ///
    /// # Errors
    /// Fewer are left: whoever prepared them counted wrongly.
    pub fn take(&mut self, count: usize) -> Result<Self> {
        let rest = rest(self.len(), count)?;
        Ok(Self { blocks: self.blocks.split_off(rest).into() })
    }
}

impl ReceivedOts {
    /// How many are left.
    pub fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Whether none is left.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Adds those of `more`.
    pub fn append(&mut self, mut more: Self) {
        self.choices.append(&mut more.choices);
        self.blocks.append(&mut more.blocks);
    }

    /// Moves `count` of them out, those that were added last.
    ///
    /// # Errors
    /// Fewer are left: whoever prepared them counted wrongly.
    pub fn take(&mut self, count: usize) -> Result<Self> {
        let rest = rest(self.len(), count)?;
        let choices = self.choices.split_off(rest).into();
        Ok(Self { choices, blocks: self.blocks.split_off(rest).into() })
    }
}

fn rest(left: usize, count: usize) -> Result<usize> {
    left.checked_sub(count)
        .ok_or_else(|| Error::Bug(format!("{count} random OTs are wanted, {left} are left")))
}

#[cfg(test)]
mod tests {
    use crate::ot::testing::dealt;

    #[test]
    fn both_parties_take_the_halves_of_the_same_ots() {
        let (mut sent, mut received) = dealt(100, 71);
        let (more_sent, more_received) = dealt(30, 72);
        sent.append(more_sent);
        received.append(more_received);
        for count in [1, 0, 50, 79] {
            let (sent, received) = (sent.take(count).unwrap(), received.take(count).unwrap());
            assert_eq!((sent.len(), received.len()), (count, count));
            for (i, pair) in sent.blocks.iter().enumerate() {
                assert_eq!(pair[usize::from(received.choices[i])], received.blocks[i]);
            }
        }
        assert!(sent.is_empty() && received.is_empty());
        assert!(sent.take(1).is_err() && received.take(1).is_err());
        assert_eq!((sent.take(0).unwrap().len(), received.take(0).unwrap().len()), (0, 0));
    }
}
