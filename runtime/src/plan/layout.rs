//! How a linear step of suite `shared` is evaluated under encryption.

use super::reach::Reach;
use super::suite::{KeyBits, SharedParameters};
use serde::{Deserialize, Serialize};

/// Bits that are free above the slots of a reply beside [`SharedParameters::mask_bits`]: a valid plan has fewer than 2^24
/// replies.
pub(super) const REPLY_BITS: u32 = 24;

/// Slots of a linear step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// Rows and columns of the positions whose results lie in different ciphertexts: [`super::Tiling`]. [1, 1] for a
    /// dense layer.
    pub tile: [usize; 2],
    /// b: what the server computes in a slot is in [−2^(b−1), 2^(b−1)), but with probability 2^−64 ([`Reach`]).
    pub slot_bits: u32,
    /// f, at least 1: the shares that come out are those of 2^f·x or 2^f·x + 1 ([`Fraction`](super::Fraction)), because one
    /// mask hides all slots of a reply.
    pub fraction: u32,
    /// Results that come back in one ciphertext, one after the other.
    pub results: usize,
    /// S': inputs that go into one ciphertext, one after the other, where a tiling's planes and a dense layer's
    /// elements are inputs. At least 1; a result then comes with S' − 1 others before and after it that mean nothing.
    pub stacked: usize,
    /// Inferences whose numbers lie in one ciphertext, one after the other: 1 where an inference is prepared alone
    /// ([`InferenceBatch`](super::InferenceBatch)).
    pub images: usize,
}

impl Layout {
    /// Of a step that has none; no valid plan holds it.
    pub(super) const NONE: Self =
        Self { tile: [0; 2], slot_bits: 0, fraction: 0, results: 0, stacked: 0, images: 0 };

    /// b for weighted sums that reach so far, with signed masks of bits + 1 bits, times 2^fraction.
    pub const fn slot_bits(bits: u32, fraction: u32, reach: Reach) -> u32 {
        let largest = reach.largest(bits);
        let needed = (u128::BITS - largest.leading_zeros() + 1).saturating_add(fraction);
        let ring = (bits + 1).saturating_add(fraction);
        if needed > ring { needed } else { ring }
    }

    /// Slots that a result takes, of all images and with those beside it that mean nothing, over tiles of `slots` slots; at
    /// most `usize::MAX`.
    pub const fn width(&self, slots: usize) -> usize {
        let all = slots.saturating_mul(self.images);
        all.saturating_mul(self.stacked.saturating_mul(2).saturating_sub(1))
    }

    /// How often a step is evaluated for `inferences` inferences: as often as [`images`](Self::images) of them, at least one,
    /// lie in its ciphertexts.
    pub const fn passes(&self, inferences: usize) -> usize {
        inferences.div_ceil(self.images)
    }

    /// The largest number of slots of a ciphertext, of all its results together: a mask that is uniform modulo N is then too
    /// large for what it hides, in any reply of a preparation, with probability 2^−σ at most.
    pub const fn capacity(&self, parameters: SharedParameters, key: KeyBits) -> usize {
        let bits = key.plaintext_bits().saturating_sub(parameters.mask_bits + REPLY_BITS);
        (bits / self.slot_bits) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_fill_a_plaintext() {
        let layout = Layout { tile: [1, 1], slot_bits: 36, fraction: 1, results: 1, stacked: 1, images: 1 };
        assert_eq!(layout.capacity(SharedParameters::default(), KeyBits::default()), (3071 - 64) / 36);
    }
}
