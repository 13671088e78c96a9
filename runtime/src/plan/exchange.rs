//! What the two parties exchange at the interactive steps: counts, slots, order.

use super::suite::{BlindedParameters, KeyBits};
use serde::{Deserialize, Serialize};

/// One round of suite `blinded`: packed values to the client, one or two ciphertexts a value back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
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
    /// v goes down; Enc(⌊v ÷ 2^bits⌋) comes back.
    Rescale {
        /// At least 1.
        bits: u32,
    },
}

impl ExchangeKind {
    /// Whether blinded values y go down.
    pub const fn asks_for_signs(self) -> bool {
        matches!(self, ExchangeKind::Relu | ExchangeKind::Sign)
    }

    /// Ciphertexts that come back for each value.
    pub const fn replies(self) -> usize {
        match self {
            ExchangeKind::Relu => 2,
            ExchangeKind::Sign | ExchangeKind::Rescale { .. } => 1,
        }
    }
}

/// Slots of one value in a packed plaintext: y above v.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PairSlots {
    /// Bits of y + 2^(sign_bits − 1), the blinded value made non-negative; 0 where none is sent.
    pub sign_bits: u32,
    /// Bits of v = x + r + 2^bits, the masked value; 0 where none is sent.
    pub mask_bits: u32,
}

impl Exchange {
    /// F: the scales τ are in [2^F, 2^(F+K)).
    pub const fn scale_floor(&self, parameters: BlindedParameters) -> u32 {
        self.bits + parameters.grain_bits
    }

    /// F + K: bits of a scale.
    pub const fn scale_width(&self, parameters: BlindedParameters) -> u32 {
        self.scale_floor(parameters) + parameters.scale_bits
    }

    /// Slot widths: |y| < 2^(bits+F+K), 0 < v < 2^(bits+κ+1).
    pub const fn slots(&self, parameters: BlindedParameters) -> PairSlots {
        let sign_bits = self.bits + self.scale_width(parameters) + 1;
        let mask_bits = self.bits + parameters.mask_bits + 1;
        match self.kind {
            ExchangeKind::Relu => PairSlots { sign_bits, mask_bits },
            ExchangeKind::Sign => PairSlots { sign_bits, mask_bits: 0 },
            ExchangeKind::Rescale { .. } => PairSlots { sign_bits: 0, mask_bits },
        }
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
        self.kind.replies() * self.count
    }
}

impl PairSlots {
    /// The widths of the slots in use, lowest first.
    pub fn widths(self) -> Vec<u32> {
        [self.mask_bits, self.sign_bits].into_iter().filter(|&bits| bits > 0).collect()
    }

    /// Bits of one value's slots together.
    pub const fn width(self) -> u32 {
        self.sign_bits + self.mask_bits
    }
}

/// Comparisons of each level of a tournament over windows of `sizes` candidates: neighbours against
/// each other, an odd one waits. A window of n candidates needs n − 1 comparisons in ⌈log2 n⌉ levels;
/// all windows advance together.
pub(super) fn tournament_levels(mut sizes: Vec<usize>) -> Vec<usize> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tournament_has_one_loser_per_comparison() {
        assert_eq!(tournament_levels(vec![4, 4, 1]), [4, 2]);
        assert_eq!(tournament_levels(vec![9, 6]), [7, 3, 2, 1]);
        assert_eq!(tournament_levels(vec![1, 0]), [0usize; 0]);
    }

    #[test]
    fn pairs_fill_a_plaintext() {
        let exchange = Exchange { kind: ExchangeKind::Relu, count: 100, bits: 20 };
        let parameters = BlindedParameters::default();
        assert_eq!(exchange.slots(parameters).width(), 89 + 61);
        assert_eq!(exchange.per_ciphertext(parameters, KeyBits::default()), 20);
        assert_eq!(exchange.packed_ciphertexts(parameters, KeyBits::default()), 5);
    }
}
