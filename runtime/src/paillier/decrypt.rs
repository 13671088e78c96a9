//! Decryption by the Chinese remainder theorem, half of it modulo each prime's square, with the short order of that half's
//! randomisers as exponent.

use rayon::prelude::*;
use rug::Integer;

use super::ciphertext::Ciphertexts;
use super::limbs::Limb;
use super::modular::Scratch;
use super::secret_key::{PrimePart, SecretKey, combine};
use super::secret_pow::secret_pow;
use super::wipe::SecretInteger;

/// What ciphertexts say.
#[must_use]
pub struct Decrypted {
    /// In [0, N).
    pub plaintexts: Vec<Integer>,
    /// The first ciphertext that was not made under this key: it is in no coset (1 + N)^m·⟨hs⟩, and so damaged, or made to
    /// find out about the key. Its plaintext is given as 0. Who tells the peer before the last message answers a question
    /// about the key.
    pub foreign: Option<usize>,
}

impl SecretKey {
    /// The plaintexts, computed in parallel.
    pub fn decrypt(&self, ciphertexts: &Ciphertexts) -> Decrypted {
        let opened: Vec<Option<Integer>> = ciphertexts
            .limbs()
            .par_chunks_exact(ciphertexts.stride())
            .map_init(|| self.public().scratch(), |scratch, limbs| self.decrypt_one(limbs, scratch))
            .collect();
        let foreign = opened.iter().position(Option::is_none);
        Decrypted { plaintexts: opened.into_iter().map(Option::unwrap_or_default).collect(), foreign }
    }

    /// The plaintexts as signed numbers, in (−N/2, N/2), of ciphertexts that were made under this key.
    #[cfg(test)]
    pub(crate) fn decrypt_signed(&self, ciphertexts: &Ciphertexts) -> Vec<Integer> {
        let Decrypted { plaintexts, foreign } = self.decrypt(ciphertexts);
        assert_eq!(foreign, None);
        plaintexts.into_iter().map(|plaintext| self.public().centred(plaintext)).collect()
    }

    fn decrypt_one(&self, limbs: &[Limb], scratch: &mut Scratch) -> Option<Integer> {
        let ciphertext = self.public().ring().decode(limbs, scratch);
        let [modulo_p, modulo_q] = self.residues(&ciphertext)?;
        let primes = [&*self.p.prime, &*self.q.prime];
        Some(Integer::from(&*combine([&modulo_p, &modulo_q], primes, &self.q_inverse)))
    }

    /// The plaintext modulo p and modulo q.
    fn residues(&self, ciphertext: &Integer) -> Option<[SecretInteger; 2]> {
        let mut scratch = self.rings.scratch();
        let [base_p, base_q] = self.rings.encode(ciphertext, &mut scratch);
        let orders = [&*self.p.order, &*self.q.order];
        let width = self.public().bits().subgroup_bits();
        let powers = secret_pow(&self.rings, [&base_p, &base_q], orders, width, &mut scratch);
        // Powers of hs are gone, so that (1 + N)^(m·order) is left: its low digit is 1, its high digit the logarithm L.
        let [[one_p, logarithm_p], [one_q, logarithm_q]] = self.rings.decode_digits(&powers, &mut scratch);
        let is_own = (*one_p == 1) & (*one_q == 1);
        is_own.then(|| [self.p.residue(&logarithm_p), self.q.residue(&logarithm_q)])
    }
}

impl PrimePart {
    /// The plaintext modulo this prime.
    fn residue(&self, logarithm: &SecretInteger) -> SecretInteger {
        let product = SecretInteger::new(Integer::from(&**logarithm * &*self.factor));
        SecretInteger::new(Integer::from(&*product % &*self.prime))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paillier::ciphertext::Ciphertext;
    use crate::paillier::randomness::TestRng;
    use crate::paillier::test_keys;

    /// By the definition: (1 + N)^m · hs^r mod N².
    #[test]
    #[expect(clippy::disallowed_methods, reason = "the plain power is the oracle")]
    fn ciphertexts_are_decrypted() {
        let mut rng = TestRng::new(9);
        for bits in [512, 768, 1024] {
            let key = test_keys::shared(bits);
            let public = key.public();
            let (modulus, square) = (public.modulus(), public.modulus_squared());
            let generator = Integer::from_digits(&public.generator_bytes(), rug::integer::Order::Msf);
            let mut plaintexts: Vec<_> = (0..5).map(|_| rng.integer_below(modulus)).collect();
            plaintexts.extend([0, 1].map(Integer::from));
            plaintexts.extend([1, 2].map(|less: u32| Integer::from(modulus - less)));
            plaintexts.extend([0, 1].map(|more: u32| Integer::from(public.half_modulus() + more)));
            let mut bytes = vec![0; plaintexts.len() * public.ciphertext_bytes()];
            for (m, block) in plaintexts.iter().zip(bytes.chunks_exact_mut(public.ciphertext_bytes())) {
                let randomness = generator.clone().pow_mod(&rng.integer_of_bits(bits), square).unwrap();
                let message = Integer::from(modulus + 1u32).pow_mod(m, square).unwrap();
                let ciphertext = message * randomness % square;
                ciphertext.write_digits(block, rug::integer::Order::Msf);
            }
            let ciphertexts = Ciphertexts::receive(public, &bytes, plaintexts.len()).unwrap();
            assert_eq!(key.decrypt(&ciphertexts).plaintexts, plaintexts);
            let signed = key.decrypt_signed(&ciphertexts);
            assert!(signed.iter().all(|value| *value.as_abs() <= *public.half_modulus()));
        }
    }

    #[test]
    fn trivial_ciphertexts_are_decrypted() {
        let key = test_keys::shared(512);
        let mut batch = Ciphertexts::new(key.public());
        batch.push(Ciphertext::trivial(key.public(), &Integer::from(-5)).as_ref());
        assert_eq!(key.decrypt_signed(&batch), [-5]);
    }

    /// Units outside ⟨1 + N⟩·⟨hs⟩, of order 2 and of large order among them, are found and stand for 0; the others keep what
    /// they say.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "the plain power is the oracle")]
    fn foreign_ciphertexts_are_found() {
        let mut rng = TestRng::new(10);
        let key = test_keys::shared(512);
        let (public, square) = (key.public(), key.public().modulus_squared());
        let textbook = rng.unit_below(public.modulus()).pow_mod(public.modulus(), square).unwrap();
        for foreign in [Integer::from(square - 1u32), textbook, Integer::from(2)] {
            let mut batch = Ciphertexts::new(public);
            let mut bytes = vec![0; public.ciphertext_bytes()];
            foreign.write_digits(&mut bytes, rug::integer::Order::Msf);
            batch.push(Ciphertext::trivial(public, &Integer::from(7)).as_ref());
            batch.append(&Ciphertexts::receive(public, &bytes, 1).unwrap());
            batch.push(Ciphertext::trivial(public, &Integer::from(8)).as_ref());
            let decrypted = key.decrypt(&batch);
            assert_eq!(
                (decrypted.plaintexts, decrypted.foreign),
                (vec![7.into(), 0.into(), 8.into()], Some(1))
            );
        }
    }
}
