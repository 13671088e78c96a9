//! That a client's ciphertexts are of the form (1 + N)^m·hs^r with an r of bounded length: subset sums modulo N.
//!
//! With this the server's replies hide its weights from every client, whatever its N, its hs and its plaintexts are: a
//! weighted sum of such ciphertexts, times (1 + N)^R·hs^t for R uniform modulo N and a t much longer than the sum of the
//! weights' magnitudes times r, is distributed as (1 + N)^R·hs^t is ([`ExponentBits`](super::ExponentBits)). Ciphertexts of
//! another form carry what neither factor reaches, an element of small order for example, and with it sums of weights.
//!
//! ```text
//! client (holds the key)                                server
//! 1  c_i = (1 + N)^{m_i}·hs^{r_i}, i < n         ──▶    all of them units modulo N
//! 2  a_k uniform in [B, B + 2^L), k < 64
//!    H = hash(hs^{a_1} mod N, …)                 ──▶
//!                                                ◀──    3  e, 32 random bytes, for subsets S_k of the c_i
//! 4  z_k = a_k − Σ_{i∈S_k} r_i                   ──▶
//!                                                       5  z_k < 2^(L + 1), and
//!                                                          H = hash(hs^{z_1}·Π_{i∈S_1} c_i mod N, …)
//! ```
//!
//! B and L stand in [`exponent`](super::exponent). The subsets are read from BLAKE3's extensible output on e, which stands
//! for a random oracle: bit k of word i says whether i is in S_k. (After the proofs of small exponents in groups of unknown
//! order that take random subsets for challenges; testing all of many statements by few random subsets is Bellare, Garay
//! and Rabin, EUROCRYPT 1998. Long random coefficients instead would let an element of order 3 pass with probability 1/3.)
//!
//! # Who learns what
//!
//! *The server:* that the ciphertexts are such. Given the subsets, each z_k is within 2^−64 of a number that does not depend
//! on r, and H follows from z, the subsets and the ciphertexts: honest-verifier zero knowledge up to 64·2^−64. Two answers
//! for the same a would give sums of r, and with enough of them the masks; [`Prover::answer`] takes the prover.
//!
//! *The client:* nothing; it is sent random bytes.
//!
//! *Soundness.* Let c_j be one that is hs^r mod N for no |r| < 2^(L + 1). If test k passed for two subsets that differ in j
//! alone, with the same H and no collision, then c_j = hs^{±(z − z′)}, a contradiction; so whatever the client sent in steps
//! 1 and 2, a test passes for half of the subsets at most, and all 64 with probability 2^−64. That e is drawn only when all
//! c_i and H are there is what [`Verifier::challenge`] takes them for. And c_j = hs^r mod N makes
//! c_j = (1 + N)^m·hs^r mod N² for some m, because the units that are 1 modulo N are the powers of 1 + N exactly. None of
//! this asks what N or hs is.

#[cfg(test)]
mod measure;
mod prover;
mod subsets;
#[cfg(test)]
mod tests;
mod verifier;

pub use prover::{COMMITMENT_ENCRYPTIONS, Prover};
pub use verifier::{NotAMember, Verifier, verification_count};

use rug::Integer;
use rug::integer::Order;

use super::exponent::answer_bits;
use super::wipe::SecretInteger;
use crate::plan::KeyBits;

/// Tests at once. An anonymous client may try as often as it likes, so that 40 would not be enough for ever; one costs about
/// as much as a re-randomisation, for both parties together.
const TESTS: usize = u64::BITS as usize;

/// H, which binds the client to its a_k.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Commitment([u8; Self::BYTES]);

/// e, from which the subsets are expanded.
#[derive(Clone, Copy)]
pub struct Challenge([u8; Self::BYTES]);

/// The z_k.
pub struct Answer(Vec<Integer>);

/// An answer has another length than its numbers take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{got} bytes instead of {expected}")]
pub struct AnswerLength {
    /// Bytes that the numbers take.
    pub expected: usize,
    /// Bytes received.
    pub got: usize,
}

impl Commitment {
    /// Its length on the wire.
    pub const BYTES: usize = 32;

    /// As received.
    pub const fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// As it is sent.
    pub const fn to_bytes(self) -> [u8; Self::BYTES] {
        self.0
    }

    /// Of numbers below N.
    fn to_residues<'n>(residues: impl Iterator<Item = &'n SecretInteger>, key: KeyBits) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("popcorn membership test, commitment");
        for residue in residues {
            let mut bytes = vec![0; key.modulus_bytes()];
            residue.write_digits(&mut bytes, Order::Msf);
            hasher.update(&bytes);
        }
        Self(hasher.finalize().into())
    }
}

impl Challenge {
    /// Its length on the wire.
    pub const BYTES: usize = 32;

    /// As received.
    pub const fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// As it is sent.
    pub const fn to_bytes(self) -> [u8; Self::BYTES] {
        self.0
    }
}

impl Answer {
    /// Its length on the wire.
    pub const fn bytes(key: KeyBits) -> usize {
        TESTS * Self::number_bytes(key)
    }

    const fn number_bytes(key: KeyBits) -> usize {
        answer_bits(key).div_ceil(u8::BITS) as usize
    }

    /// As received: big-endian numbers.
    ///
    /// # Errors
    /// The length is another.
    pub fn from_bytes(bytes: &[u8], key: KeyBits) -> Result<Self, AnswerLength> {
        let expected = Self::bytes(key);
        if bytes.len() != expected {
            return Err(AnswerLength { expected, got: bytes.len() });
        }
        let numbers = bytes.chunks_exact(Self::number_bytes(key));
        Ok(Self(numbers.map(|number| Integer::from_digits(number, Order::Msf)).collect()))
    }

    /// As it is sent.
    pub fn to_bytes(&self, key: KeyBits) -> Vec<u8> {
        let mut bytes = vec![0; Self::bytes(key)];
        for (number, block) in self.0.iter().zip(bytes.chunks_exact_mut(Self::number_bytes(key))) {
            number.write_digits(block, Order::Msf);
        }
        bytes
    }
}
