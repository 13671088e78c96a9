//! How a linear step of suite `shared` is evaluated under encryption.

use super::reach::Reach;
use super::suite::{KeyBits, SharedParameters};
use serde::{Deserialize, Serialize};

/// Slots of a linear step, and how they are masked on the way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// Rows and columns of the positions whose results lie in different ciphertexts: [`super::Tiling`]. [1, 1] for a
    /// dense layer.
    pub tile: [usize; 2],
    /// b: what the server computes in a slot is in [−2^(b−1), 2^(b−1)), but with probability 2^−64 ([`Reach`]).
    pub slot_bits: u32,
    /// What hides it from the client.
    pub masks: Masks,
    /// Results that come back in one ciphertext, one after the other.
    pub results: usize,
    /// S': inputs that go into one ciphertext, one after the other, where a tiling's planes and a dense layer's
    /// elements are inputs. At least 1; a result then comes with S' − 1 others before and after it that mean nothing.
    pub stacked: usize,
}

/// What hides the server's results from the client, who decrypts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Masks {
    /// One number for all slots of a ciphertext. Slots are narrow, and the shares that come out are those of 2·x or
    /// 2·x + 1: only what drops the lowest bit may read them, if need be through max-pooling.
    PerCiphertext,
    /// One for each slot, σ bits longer than what it hides. The shares are those of x.
    PerSlot,
}

impl Masks {
    /// Fraction bits of the shares that come out: 1 or 0.
    pub const fn fraction(self) -> u32 {
        match self {
            Masks::PerCiphertext => 1,
            Masks::PerSlot => 0,
        }
    }
}

impl Layout {
    /// Of a step that has none; no valid plan holds it.
    pub(super) const NONE: Self =
        Self { tile: [0; 2], slot_bits: 0, masks: Masks::PerSlot, results: 0, stacked: 0 };

    /// b for weighted sums that reach so far, with signed masks of bits + 1 bits.
    pub const fn slot_bits(bits: u32, masks: Masks, reach: Reach) -> u32 {
        let largest = reach.largest(bits) << masks.fraction();
        let needed = u128::BITS - largest.leading_zeros() + 1;
        let ring = bits + 1 + masks.fraction();
        if needed > ring { needed } else { ring }
    }

    /// Slots that a result takes, with those beside it that mean nothing, over tiles of `slots` slots; at most
    /// `usize::MAX`.
    pub const fn width(&self, slots: usize) -> usize {
        slots.saturating_mul(self.stacked.saturating_mul(2).saturating_sub(1))
    }

    /// Bits from one slot to the next.
    pub const fn stride(&self, parameters: SharedParameters) -> u32 {
        match self.masks {
            Masks::PerCiphertext => self.slot_bits,
            Masks::PerSlot => self.slot_bits + parameters.mask_bits + 1,
        }
    }

    /// The largest number of slots of a ciphertext, of all its results together.
    pub const fn capacity(&self, parameters: SharedParameters, key: KeyBits) -> usize {
        let above = match self.masks {
            Masks::PerCiphertext => parameters.mask_bits + 1,
            Masks::PerSlot => 0,
        };
        // Numbers are below N ÷ 2, half of which is negative.
        let bits = key.plaintext_bits().saturating_sub(above + 1);
        (bits / self.stride(parameters)) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_fill_a_plaintext() {
        let parameters = SharedParameters::default();
        let layout = |masks| Layout { tile: [1, 1], slot_bits: 36, masks, results: 1, stacked: 1 };
        let capacity = |masks| layout(masks).capacity(parameters, KeyBits::default());
        assert_eq!(capacity(Masks::PerCiphertext), (3071 - 42) / 36);
        assert_eq!(capacity(Masks::PerSlot), 3070 / 77);
    }
}
