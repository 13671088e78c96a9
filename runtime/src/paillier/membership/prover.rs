//! The client's half: steps 2 and 4.

use rayon::prelude::*;
use rug::Integer;

use super::super::exponent::{Exponents, blinding_bits, sum_bits};
use super::super::holder_key::HolderKey;
use super::super::randomness::SecureRng;
use super::super::wipe::SecretInteger;
use super::subsets::memberships;
use super::{Answer, Challenge, Commitment, TESTS};

/// A client that has committed itself and waits for the challenge.
pub struct Prover {
    /// The r_i.
    exponents: Exponents,
    /// The a_k.
    blindings: Vec<SecretInteger>,
}

impl Prover {
    /// Step 2, for ciphertexts with these exponents, 2^24 at most; the powers are computed in parallel.
    pub fn commit(key: &HolderKey, exponents: Exponents, rng: &mut SecureRng) -> (Self, Commitment) {
        let bits = key.public().bits();
        let least = Integer::from(1) << sum_bits(bits);
        let blindings: Vec<SecretInteger> = (0..TESTS)
            .map(|_| SecretInteger::new(rng.integer_of_bits(blinding_bits(bits)) + &least))
            .collect();
        let powers: Vec<SecretInteger> =
            blindings.par_iter().map(|blinding| key.table().power_residue(blinding)).collect();
        (Self { exponents, blindings }, Commitment::to_residues(powers.iter(), bits))
    }

    /// Step 4.
    pub fn answer(self, challenge: Challenge) -> Answer {
        let Self { exponents: Exponents(exponents), blindings } = self;
        let words = memberships(challenge, exponents.len());
        let answer = |(test, blinding): (usize, SecretInteger)| {
            // Sums on the way overwrite each other; the last is public.
            let mut answer = Integer::from(&*blinding);
            let members = exponents.iter().zip(&words).filter(|(_, word)| **word >> test & 1 == 1);
            members.for_each(|(exponent, _)| answer -= &**exponent);
            answer
        };
        Answer(blindings.into_par_iter().enumerate().map(answer).collect())
    }
}

/// The encryptions that take about as long as the powers in [`Prover::commit`]: these are computed modulo p and q instead of
/// their squares, from the same tables.
pub const COMMITMENT_ENCRYPTIONS: u64 = TESTS as u64 / 2;
