//! How long exponents of hs are: the client's r, below α; those of the test that its ciphertexts are made of them
//! ([`membership`](super::membership)); and the server's t, which hide what is left of r in a reply.
//!
//! ```text
//! r in [0, α)                    |α| bits
//! a in [B, B + 2^L)              B = 2^(|α| + 24) > Σ r, the sum over a subset of at most 2^24 ciphertexts; L = |α| + 88
//! z = a − Σ r in (0, B + 2^L)    L + 1 bits
//! ```
//!
//! z is within statistical distance B/2^L = 2^−64 of a number that does not depend on r.

use super::wipe::SecretInteger;
use crate::plan::KeyBits;

/// The logarithm of the number of ciphertexts that one test may be about; a layer of a valid plan has fewer.
const LARGEST_TEST_BITS: u32 = 24;

/// Bits by which what is hidden is shorter than what hides it.
const STATISTICAL_BITS: u32 = 64;

/// log₂ B: bits of any sum of the client's exponents.
pub(super) const fn sum_bits(key: KeyBits) -> u32 {
    key.order_bits() + LARGEST_TEST_BITS
}

/// L: bits of what blinds such a sum.
pub(super) const fn blinding_bits(key: KeyBits) -> u32 {
    sum_bits(key) + STATISTICAL_BITS
}

/// Bits of a blinded sum.
pub(super) const fn answer_bits(key: KeyBits) -> u32 {
    blinding_bits(key) + 1
}

/// Bits of an exponent t of a server's randomisers, uniform in [0, 2^bits).
///
/// A source with exponents of some length does for all replies that need no longer ones; its table is larger the longer
/// they are, and so is the time that a randomiser takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExponentBits(u32);

impl ExponentBits {
    /// For replies to a key holder whose key is as it should be: |α| + 64, so that t is uniform modulo the order α of hs up
    /// to 2^−64. That hides whatever power of hs was there before.
    pub const fn honest(key: KeyBits) -> Self {
        Self(key.order_bits() + STATISTICAL_BITS)
    }

    /// For replies to anybody: weighted sums of ciphertexts that passed a test, whose coefficients' magnitudes add up to
    /// 2^`coefficients` at most.
    ///
    /// Each ciphertext is (1 + N)^m·hs^r with |r| below the bound of z, so two weighted sums differ by a power of hs of
    /// `coefficients` + 1 bits more at most. t is 64 bits longer than that: the reply's randomness is the same for all
    /// weights up to 2^−64, whatever the order of hs.
    pub const fn tested(key: KeyBits, coefficients: u32) -> Self {
        Self(answer_bits(key) + coefficients + 1 + STATISTICAL_BITS)
    }

    /// The number of bits.
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// The r of ciphertexts of the client's, in their order. Moved, never copied; overwritten on drop.
#[derive(Default)]
pub struct Exponents(pub(super) Vec<SecretInteger>);

impl Exponents {
    /// Appends those of further ciphertexts.
    pub fn append(&mut self, mut more: Self) {
        self.0.append(&mut more.0);
    }
}
