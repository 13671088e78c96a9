//! Encryption and re-randomisation with ready sources of randomisers.

use rayon::prelude::*;
use rug::Integer;

use super::ciphertext::Ciphertexts;
use super::exponent::Exponents;
use super::limbs::Limb;
use super::modular::Scratch;
use super::public_key::PublicKey;
use super::randomiser::Randomisers;
use super::randomness::SecureRng;

/// Ciphertexts that share one generator, and one unit of parallel work.
const CHUNK: usize = 8;

/// A plaintext is not in (−N/2, N/2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("plaintext {index} does not fit into the key")]
pub struct PlaintextTooLarge {
    /// Position of the first such plaintext.
    pub index: usize,
}

/// Ciphertexts of the key holder's, with what proves their form (`membership`).
pub struct Provable {
    /// The ciphertexts (1 + N)^m·hs^r.
    pub ciphertexts: Ciphertexts,
    /// The exponents r, in the same order.
    pub exponents: Exponents,
}

/// Encrypts signed integers, |m| < N/2, in parallel.
///
/// # Errors
/// If a plaintext is too large.
pub fn encrypt(
    source: &dyn Randomisers,
    plaintexts: &[Integer],
    rng: &mut SecureRng,
) -> Result<Ciphertexts, PlaintextTooLarge> {
    encrypt_provably(source, plaintexts, rng).map(|provable| provable.ciphertexts)
}

/// As [`encrypt`], for ciphertexts whose form is to be proved.
///
/// # Errors
/// As [`encrypt`].
pub(super) fn encrypt_provably(
    source: &dyn Randomisers,
    plaintexts: &[Integer],
    rng: &mut SecureRng,
) -> Result<Provable, PlaintextTooLarge> {
    let key = source.key();
    let too_large = |m: &Integer| *m.as_abs() > *key.half_modulus();
    if let Some(index) = plaintexts.iter().position(too_large) {
        return Err(PlaintextTooLarge { index });
    }
    let mut ciphertexts = Ciphertexts::ones(key, plaintexts.len());
    let exponents = map_with_rng(&mut ciphertexts, key, rng, |index, limbs, scratch, rng| {
        let randomiser = source.draw(rng);
        key.ring().encode_one_plus_multiple(limbs, &plaintexts[index], scratch);
        key.ring().mul_assign(limbs, randomiser.limbs(), scratch);
        randomiser.into_exponent()
    });
    Ok(Provable { ciphertexts, exponents: Exponents(exponents) })
}

/// Multiplies a fresh encryption of 0 into every ciphertext, in parallel: afterwards nothing about
/// how they were computed can be read from them, not even by the key holder.
pub fn rerandomise(source: &dyn Randomisers, ciphertexts: &mut Ciphertexts, rng: &mut SecureRng) {
    let key = source.key();
    map_with_rng(ciphertexts, key, rng, |_, limbs, scratch, rng| {
        key.ring().mul_assign(limbs, source.draw(rng).limbs(), scratch);
    });
}

/// What `action` gives for every element, in parallel, each chunk with a child of `rng`.
fn map_with_rng<R: Send>(
    ciphertexts: &mut Ciphertexts,
    key: &PublicKey,
    rng: &mut SecureRng,
    action: impl Fn(usize, &mut [Limb], &mut Scratch, &mut SecureRng) -> R + Sync,
) -> Vec<R> {
    let stride = ciphertexts.stride();
    let children: Vec<_> = (0..ciphertexts.len().div_ceil(CHUNK)).map(|_| rng.split()).collect();
    let chunks = ciphertexts.limbs_mut().par_chunks_mut(CHUNK * stride).zip(children).enumerate();
    let results: Vec<Vec<R>> = chunks
        .map(|(chunk, (block, mut rng))| {
            let mut scratch = key.scratch();
            let elements = block.chunks_exact_mut(stride).enumerate();
            elements
                .map(|(index, limbs)| action(chunk * CHUNK + index, limbs, &mut scratch, &mut rng))
                .collect()
        })
        .collect();
    results.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paillier::randomiser::{HolderRandomisers, PublicRandomisers};
    use crate::paillier::randomness::TestRng;
    use crate::paillier::test_keys;

    #[test]
    fn signed_plaintexts_survive_encryption() {
        let mut rng = TestRng::new(12);
        for bits in [512, 768, 1024] {
            let key = test_keys::shared(bits);
            let half = key.public().half_modulus().clone();
            let mut plaintexts: Vec<_> = [0, 1, -1, i64::MIN].map(Integer::from).to_vec();
            plaintexts.extend([half.clone(), -half.clone(), half - 1u32]);
            plaintexts.extend((0..20).map(|_| rng.integer_of_bits(bits - 2)));
            let holder = HolderRandomisers::for_uses(key, 50);
            let public = PublicRandomisers::for_uses(key.public(), 50);
            for source in [&holder as &dyn Randomisers, &public] {
                let mut ciphertexts = encrypt(source, &plaintexts, &mut rng).unwrap();
                assert_eq!(key.decrypt_signed(&ciphertexts), plaintexts);
                let before = ciphertexts.to_bytes(key.public());
                rerandomise(&public, &mut ciphertexts, &mut rng);
                assert_eq!(key.decrypt_signed(&ciphertexts), plaintexts);
                let width = key.public().ciphertext_bytes();
                let after = ciphertexts.to_bytes(key.public());
                let mut pairs = before.chunks_exact(width).zip(after.chunks_exact(width));
                assert!(pairs.all(|(before, after)| before != after));
            }
        }
    }

    #[test]
    fn plaintexts_of_half_the_modulus_are_refused() {
        let mut rng = TestRng::new(14);
        let key = test_keys::shared(512);
        let source = PublicRandomisers::for_uses(key.public(), 1);
        let above = Integer::from(key.public().half_modulus() + 1u32);
        for value in [above.clone(), -above] {
            let error = encrypt(&source, &[Integer::new(), value], &mut rng).unwrap_err();
            assert_eq!(error, PlaintextTooLarge { index: 1 });
        }
    }
}
