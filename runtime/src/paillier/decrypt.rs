//! Decryption by the Chinese remainder theorem, half of it modulo each prime's square.

use rayon::prelude::*;
use rug::Integer;

use super::ciphertext::Ciphertexts;
use super::limbs::Limb;
use super::modular::Scratch;
use super::secret_key::{PrimePart, SecretKey};
use super::secret_pow::secret_pow;
use super::wipe::SecretInteger;

impl SecretKey {
    /// The plaintexts, in [0, N), computed in parallel.
    pub fn decrypt(&self, ciphertexts: &Ciphertexts) -> Vec<Integer> {
        ciphertexts
            .limbs()
            .par_chunks_exact(ciphertexts.stride())
            .map_init(|| self.public().scratch(), |scratch, limbs| self.decrypt_one(limbs, scratch))
            .collect()
    }

    /// The plaintexts as signed numbers, in (−N/2, N/2).
    #[cfg(test)]
    pub(crate) fn decrypt_signed(&self, ciphertexts: &Ciphertexts) -> Vec<Integer> {
        let plaintexts = self.decrypt(ciphertexts);
        plaintexts.into_iter().map(|plaintext| self.public().centred(plaintext)).collect()
    }

    fn decrypt_one(&self, limbs: &[Limb], scratch: &mut Scratch) -> Integer {
        let ciphertext = self.public().ring().decode(limbs, scratch);
        let [modulo_p, modulo_q] = self.residues(&ciphertext);
        // m = m_q + q·((m_p − m_q)/q mod p)
        let difference = SecretInteger::new(Integer::from(&*modulo_p - &*modulo_q));
        let scaled = SecretInteger::new(Integer::from(&*difference * &*self.q_inverse));
        let quotient = SecretInteger::new(Integer::from(scaled.modulo_ref(&self.p.prime)));
        Integer::from(&*quotient * &*self.q.prime) + &*modulo_q
    }

    /// The plaintext modulo p and modulo q.
    fn residues(&self, ciphertext: &Integer) -> [SecretInteger; 2] {
        let mut scratch = self.rings.scratch();
        let [base_p, base_q] = self.rings.encode(ciphertext, &mut scratch);
        let exponents = [&*self.p.exponent, &*self.q.exponent];
        let width = self.p.exponent.significant_bits().max(self.q.exponent.significant_bits());
        let powers = secret_pow(&self.rings, [&base_p, &base_q], exponents, width, &mut scratch);
        // By Fermat the low digit is 1, so the high digit is the logarithm L(power).
        let [[_, logarithm_p], [_, logarithm_q]] = self.rings.decode_digits(&powers, &mut scratch);
        [self.p.residue(&logarithm_p), self.q.residue(&logarithm_q)]
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

    /// Textbook Paillier, as the oracle: (1 + N)^m · r^N mod N².
    #[test]
    #[expect(clippy::disallowed_methods, reason = "the plain power is the oracle")]
    fn textbook_ciphertexts_are_decrypted() {
        let mut rng = TestRng::new(9);
        for bits in [512, 768, 1024] {
            let key = test_keys::shared(bits);
            let public = key.public();
            let (modulus, square) = (public.modulus(), public.modulus_squared());
            let mut plaintexts: Vec<_> = (0..5).map(|_| rng.integer_below(modulus)).collect();
            plaintexts.extend([0, 1].map(Integer::from));
            plaintexts.extend([1, 2].map(|less: u32| Integer::from(modulus - less)));
            plaintexts.extend([0, 1].map(|more: u32| Integer::from(public.half_modulus() + more)));
            let mut bytes = vec![0; plaintexts.len() * public.ciphertext_bytes()];
            for (m, block) in plaintexts.iter().zip(bytes.chunks_exact_mut(public.ciphertext_bytes())) {
                let randomness = rng.unit_below(modulus).pow_mod(modulus, square).unwrap();
                let message = Integer::from(modulus + 1u32).pow_mod(m, square).unwrap();
                let ciphertext = message * randomness % square;
                ciphertext.write_digits(block, rug::integer::Order::Msf);
            }
            let ciphertexts = Ciphertexts::receive(public, &bytes, plaintexts.len()).unwrap();
            assert_eq!(key.decrypt(&ciphertexts), plaintexts);
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
}
