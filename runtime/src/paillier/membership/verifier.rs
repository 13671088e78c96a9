//! The server's half: steps 3 and 5.

use rayon::prelude::*;

use super::super::ciphertext::Ciphertexts;
use super::super::count::Count;
use super::super::exponent::answer_bits;
use super::super::fixed_base::power_products;
use super::super::randomiser::{PublicRandomisers, Randomisers};
use super::super::randomness::SecureRng;
use super::super::wipe::SecretInteger;
use super::subsets::{memberships, subset_products, subset_products_count};
use super::{Answer, Challenge, Commitment, TESTS};
use crate::plan::KeyBits;

/// A server that has sent its challenge; it keeps the ciphertexts back until they have passed.
pub struct Verifier {
    batches: Vec<Ciphertexts>,
    commitment: Commitment,
    challenge: Challenge,
}

/// Why ciphertexts are not taken for what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAMember {
    /// z_k is longer than an honest client's.
    #[error("number {0} of its proof is too long")]
    TooLong(usize),
    /// H is of other numbers.
    #[error("its proof does not hold")]
    Unproved,
}

impl Verifier {
    /// Step 3, when all ciphertexts are there, in any number of batches, and the commitment.
    pub fn challenge(
        batches: Vec<Ciphertexts>,
        commitment: Commitment,
        rng: &mut SecureRng,
    ) -> (Self, Challenge) {
        let mut bytes = [0; Challenge::BYTES];
        rng.fill(&mut bytes);
        let challenge = Challenge::from_bytes(bytes);
        (Self { batches, commitment, challenge }, challenge)
    }

    /// Step 5, in parallel: the ciphertexts, which passed. `source` is one of the key's whose exponents are no shorter than
    /// z_k.
    ///
    /// # Errors
    /// They are of another form, or the answer is another.
    pub fn verify(self, source: &PublicRandomisers, answer: &Answer) -> Result<Vec<Ciphertexts>, NotAMember> {
        let Self { batches, commitment, challenge } = self;
        let (key, Answer(numbers)) = (source.key(), answer);
        let bits = answer_bits(key.bits());
        if let Some(test) = numbers.iter().position(|number| number.significant_bits() > bits) {
            return Err(NotAMember::TooLong(test));
        }
        let words = memberships(challenge, batches.iter().map(Ciphertexts::len).sum());
        let products = subset_products(key, &batches, &words);
        let opened: Vec<SecretInteger> = products
            .into_par_iter()
            .zip(numbers)
            .map_init(
                || key.scratch(),
                |scratch, (mut product, number)| {
                    let power = source.power_residue(number, bits, scratch);
                    key.ring().mul_residue_assign(&mut product, &power, scratch);
                    key.ring().decode_residue(&product, scratch)
                },
            )
            .collect();
        if Commitment::to_residues(opened.iter(), key.bits()) == commitment {
            Ok(batches)
        } else {
            Err(NotAMember::Unproved)
        }
    }
}

/// About what [`Verifier::verify`] takes for so many ciphertexts, in products modulo N².
pub fn verification_count(count: usize, key: KeyBits) -> Count {
    let power = power_products(answer_bits(key), key.ciphertext_bytes());
    let residues = TESTS as u64 * (power + 1) + subset_products_count(count);
    Count { products: (residues * 2).div_ceil(5), ..Count::default() }
}
