//! What the two parties exchange at the interactive steps: counts, slots, order.

use super::ids::StepId;
use super::suite::{BlindedParameters, KeyBits};
use serde::{Deserialize, Serialize};

/// One round of suite `blinded`: packed values to the client, one or two ciphertexts a value back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// The step that it belongs to.
    pub step: StepId,
    /// What is asked of the client.
    pub kind: ExchangeKind,
    /// Number of values.
    pub count: usize,
    /// Every value x is in −2^bits < x < 2^bits.
    pub bits: u32,
}

/// What is asked of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExchangeKind {
    /// Pairs (y, v) go down; Enc(g) and Enc(g·v) with g = 1 if y > 0, else 0, come back.
    Relu,
    /// y goes down; Enc(g) comes back.
    Sign,
}

/// Slots of one value in a packed plaintext: y above v.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PairSlots {
    /// Bits of y + 2^(bits+K), the blinded value made non-negative.
    pub sign_bits: u32,
    /// Bits of v = x + r + 2^bits, the masked value; 0 where none is sent.
    pub mask_bits: u32,
}

impl Exchange {
    /// Slot widths: |y| < 2^(bits+K), 0 < v < 2^(bits+κ+1).
    pub const fn slots(&self, parameters: BlindedParameters) -> PairSlots {
        let mask_bits = match self.kind {
            ExchangeKind::Relu => self.bits + parameters.mask_bits + 1,
            ExchangeKind::Sign => 0,
        };
        PairSlots { sign_bits: self.bits + parameters.scale_bits + 1, mask_bits }
    }

    /// Values per packed ciphertext.
    pub const fn per_ciphertext(&self, parameters: BlindedParameters, key: KeyBits) -> usize {
        (key.plaintext_bits() / self.slots(parameters).width()) as usize
    }

    /// Packed ciphertexts from server to client.
    pub const fn packed_ciphertexts(&self, parameters: BlindedParameters, key: KeyBits) -> usize {
        self.count.div_ceil(self.per_ciphertext(parameters, key))
    }

    /// Ciphertexts from client to server.
    pub const fn reply_ciphertexts(&self) -> usize {
        match self.kind {
            ExchangeKind::Relu => 2 * self.count,
            ExchangeKind::Sign => self.count,
        }
    }
}

impl PairSlots {
    /// Bits of one value's slots together.
    pub const fn width(self) -> u32 {
        self.sign_bits + self.mask_bits
    }
}

/// The order in which a maximum over windows is found: level by level, neighbours against each other.
///
/// A window of n candidates needs n − 1 comparisons in ⌈log2 n⌉ levels; all windows advance together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tournament {
    sizes: Vec<usize>,
}

impl Tournament {
    /// Over windows with `sizes` candidates each.
    pub fn new(sizes: Vec<usize>) -> Self {
        Self { sizes }
    }

    /// Comparisons of each level, first to last.
    pub fn levels(&self) -> Vec<usize> {
        let mut sizes = self.sizes.clone();
        let mut levels = Vec::new();
        loop {
            let comparisons: usize = sizes.iter().map(|size| size / 2).sum();
            if comparisons == 0 {
                return levels;
            }
            levels.push(comparisons);
            sizes.iter_mut().for_each(|size| *size = size.div_ceil(2));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tournament_has_one_loser_per_comparison() {
        assert_eq!(Tournament::new(vec![4, 4, 1]).levels(), [4, 2]);
        assert_eq!(Tournament::new(vec![9, 6]).levels(), [7, 3, 2, 1]);
        assert_eq!(Tournament::new(vec![1, 0]).levels(), [0usize; 0]);
    }

    #[test]
    fn pairs_fill_a_plaintext() {
        let exchange = Exchange { step: StepId::new(2), kind: ExchangeKind::Relu, count: 100, bits: 20 };
        let parameters = BlindedParameters::default();
        assert_eq!(exchange.slots(parameters).width(), 61 + 61);
        assert_eq!(exchange.per_ciphertext(parameters, KeyBits::default()), 25);
        assert_eq!(exchange.packed_ciphertexts(parameters, KeyBits::default()), 4);
    }
}
