//! Protocol suites, their parameters, and key lengths.

use super::extension::Transfers;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The protocols used where both parties are needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Suite {
    /// The Popcorn paper's protocols, Paillier only.
    Blinded(BlindedParameters),
    /// Paillier before the image is known, secret sharing and oblivious transfer afterwards; no value leaks.
    Shared(SharedParameters),
}

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Suite::Blinded(_) => f.write_str("blinded"),
            Suite::Shared(_) => f.write_str("shared"),
        }
    }
}

/// How strongly suite `blinded` hides values from the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlindedParameters {
    /// K: a value's sign is shown with its magnitude multiplied by a log-uniform scale over K octaves.
    pub scale_bits: u32,
    /// s: the smallest scale is 2^s times the largest value, so that integer scales are as good as
    /// real ones up to 2^−s.
    pub grain_bits: u32,
    /// κ: additive masks are this many bits longer than what they hide (statistical distance 2^−κ).
    pub mask_bits: u32,
}

impl Default for BlindedParameters {
    fn default() -> Self {
        Self { scale_bits: 40, grain_bits: 8, mask_bits: 40 }
    }
}

/// How strongly suite `shared` hides values, and how it extends oblivious transfers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedParameters {
    /// σ: with probability 2^−σ at most a mask of some reply of a preparation, which is uniform modulo N, is so large that its
    /// sum with what it hides exceeds N, and the result is wrong.
    pub mask_bits: u32,
    /// How oblivious transfers are made.
    pub transfers: Transfers,
}

impl Default for SharedParameters {
    fn default() -> Self {
        Self { mask_bits: 40, transfers: Transfers::default() }
    }
}

/// Length |N| of a Paillier modulus in bits: 2048, 3072 or 4096.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct KeyBits(u32);

/// The key lengths that keep customers' images private; 3072 bits give 128-bit security.
const SECURE: [u32; 3] = [2048, 3072, 4096];
/// Accepted beside them where the crate is built for its own tests: quick, and broken by anybody.
const INSECURE: [u32; 3] = [512, 768, 1024];

impl KeyBits {
    /// The length in bits.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Whether nobody is known to be able to break such a key; others exist in tests alone.
    pub fn is_secure(self) -> bool {
        SECURE.contains(&self.0)
    }

    /// Bytes of the modulus N, as sent.
    pub const fn modulus_bytes(self) -> usize {
        self.0 as usize / 8
    }

    /// Bytes of a ciphertext, a number below N², as sent.
    pub const fn ciphertext_bytes(self) -> usize {
        2 * self.modulus_bytes()
    }

    /// Bytes of a public key (N, hs), as sent.
    pub const fn public_key_bytes(self) -> usize {
        self.modulus_bytes() + self.ciphertext_bytes()
    }

    /// Bits of each of the two secret primes whose product α is the order of the group of randomisers: 256, for which the
    /// best known attacks take 2^128 steps (Coron, Joux, Mandal, Naccache, Tibouchi, PKC 2011). Test keys have no room for that.
    pub const fn subgroup_bits(self) -> u32 {
        let room = self.0 / 48 * 8;
        if room < 256 { room } else { 256 }
    }

    /// Bits of α at most.
    pub const fn order_bits(self) -> u32 {
        2 * self.subgroup_bits()
    }

    /// Plaintext bits that always fit below N.
    pub const fn plaintext_bits(self) -> u32 {
        self.0 - 1
    }
}

impl Default for KeyBits {
    fn default() -> Self {
        Self(3072)
    }
}

impl TryFrom<u32> for KeyBits {
    type Error = UnsupportedKeyBits;

    fn try_from(bits: u32) -> Result<Self, UnsupportedKeyBits> {
        let for_tests = cfg!(any(test, feature = "insecure-test-keys")) && INSECURE.contains(&bits);
        if SECURE.contains(&bits) || for_tests { Ok(Self(bits)) } else { Err(UnsupportedKeyBits(bits)) }
    }
}

impl From<KeyBits> for u32 {
    fn from(bits: KeyBits) -> u32 {
        bits.0
    }
}

impl fmt::Display for KeyBits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for KeyBits {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bits: u32 = text.parse().map_err(|_| format!("'{text}' is not a number"))?;
        Self::try_from(bits).map_err(|error| error.to_string())
    }
}

/// A key length that is not offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("keys have 2048, 3072 or 4096 bits, not {0}")]
pub struct UnsupportedKeyBits(pub u32);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_listed_key_lengths_are_accepted() {
        for bits in [512, 768, 1024, 2048, 3072, 4096] {
            assert_eq!(KeyBits::try_from(bits).map(KeyBits::get), Ok(bits));
        }
        for bits in [0, 1, 511, 2047, 3071, 8192, u32::MAX] {
            assert_eq!(KeyBits::try_from(bits), Err(UnsupportedKeyBits(bits)));
        }
        assert_eq!(KeyBits::default().to_string(), "3072");
        assert_eq!("2048".parse(), Ok(KeyBits(2048)));
        assert!("3072 bits".parse::<KeyBits>().is_err());
    }
}
