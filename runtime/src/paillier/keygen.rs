//! Generating the primes of a key.
//!
//! p = 2·α_p·p' + 1 with a prime α_p of [`KeyBits::subgroup_bits`], likewise q, so that the holder knows groups of short order
//! (Paillier, EUROCRYPT 1999, section 6; Ma, Han and Lei, ACSAC 2021). Otherwise p and q are as usual: of equal length, their
//! top two bits set, p ≡ q ≡ 3 mod 4, gcd(p − 1, q − 1) = 2, and N = pq has no factor in common with (p − 1)(q − 1). p' may be
//! composite.

use std::sync::OnceLock;

use rayon::prelude::*;
use rug::{Integer, integer::IsPrime};

use super::randomness::SecureRng;
use super::wipe::{SecretInteger, wipe_stack};
use crate::plan::KeyBits;

/// Candidates are divided by the odd primes below this before they are tested.
const SIEVE_BOUND: u32 = 1 << 16;

/// Rounds of the primality test that stand for one Baillie–PSW test in GMP.
pub(crate) const BPSW_ONLY: u32 = 24;

/// A new prime passes 8 rounds of Miller–Rabin besides. Of random numbers of 1024 bits and more, fewer than 2^−128 of
/// those that pass even 4 are composite (Damgård, Landrock and Pomerance, Math. Comp. 61, 1993; FIPS 186-5, appendix B.3).
const NEW_PRIME_ROUNDS: u32 = BPSW_ONLY + 8;

/// The same of the short primes α: of any composite number at most 4^−64 pass 64 rounds.
const NEW_ORDER_ROUNDS: u32 = BPSW_ONLY + 64;

/// Candidates that are looked at together; of 1536 bits, one in some 500 is a prime.
const CANDIDATES: usize = 64;

/// A prime p of a key, and the prime order α_p of a group modulo p.
pub(crate) struct KeyPrime {
    pub(crate) prime: SecretInteger,
    pub(crate) order: SecretInteger,
}

/// Two primes, whose product has exactly `bits` bits.
pub(crate) fn prime_pair(bits: KeyBits, rng: &mut SecureRng) -> [KeyPrime; 2] {
    loop {
        let pair = [(); 2].map(|()| KeyPrime::generate(bits, rng));
        if suits(&pair[0].prime, &pair[1].prime) {
            return pair;
        }
    }
}

/// Whether gcd(p − 1, q − 1) = 2 and gcd(pq, (p − 1)(q − 1)) = 1. Equal primes fail, and primes with equal orders.
pub(crate) fn suits(p: &Integer, q: &Integer) -> bool {
    let p_less = SecretInteger::new(Integer::from(p - 1u32));
    let q_less = SecretInteger::new(Integer::from(q - 1u32));
    let phi = SecretInteger::new(Integer::from(&*p_less * &*q_less));
    let modulus = Integer::from(p * q);
    Integer::from(p_less.gcd_ref(&q_less)) == 2 && modulus.gcd(&phi) == 1
}

impl KeyPrime {
    /// Candidates are tested in parallel, and the first of those that pass counts, so that equal randomness gives equal
    /// primes.
    fn generate(bits: KeyBits, rng: &mut SecureRng) -> Self {
        let order = order(bits.subgroup_bits(), rng);
        let step = SecretInteger::new(Integer::from(&*order << 1u32));
        // p' between these makes a prime with its top two bits set and no more than half of N's bits.
        let half = bits.get() / 2;
        let [least, most] = [3u32, 4].map(|top| (Integer::from(top) << (half - 2)) / &*step);
        let room = SecretInteger::new(most - &least);
        loop {
            let candidates: Vec<SecretInteger> = (0..CANDIDATES)
                .map(|_| {
                    let cofactor = SecretInteger::new((rng.integer_below(&room) + &least) | 1u32);
                    SecretInteger::new(Integer::from(&*step * &*cofactor) + 1u32)
                })
                .collect();
            let is_new = |prime: &SecretInteger| {
                prime.significant_bits() == half && passes_sieve(prime) && is_prime(prime, NEW_PRIME_ROUNDS)
            };
            if let Some(prime) = candidates.into_par_iter().find_first(is_new) {
                return Self { prime, order };
            }
        }
    }

    /// Whether both numbers are primes of the form that keys of `bits` are made of, tested by Baillie–PSW.
    pub(crate) fn is_sound(&self, bits: KeyBits) -> bool {
        self.prime.significant_bits() == bits.get() / 2
            && self.order.significant_bits() == bits.subgroup_bits()
            && self.prime.mod_u(4) == 3
            && self.prime.is_congruent(&Integer::from(1), &self.order)
            && is_prime(&self.prime, BPSW_ONLY)
            && is_prime(&self.order, BPSW_ONLY)
    }
}

/// A random prime of exactly that many bits.
fn order(bits: u32, rng: &mut SecureRng) -> SecretInteger {
    loop {
        let mut candidate = rng.integer_of_bits(bits) | 1u32;
        candidate.set_bit(bits - 1, true);
        let candidate = SecretInteger::new(candidate);
        if is_prime(&candidate, NEW_ORDER_ROUNDS) {
            return candidate;
        }
    }
}

fn is_prime(candidate: &Integer, rounds: u32) -> bool {
    let is_prime = candidate.is_probably_prime(rounds) != IsPrime::No;
    wipe_stack();
    is_prime
}

fn passes_sieve(candidate: &Integer) -> bool {
    Integer::from(odd_primorial() % candidate).gcd(candidate) == 1
}

/// The product of the odd primes below [`SIEVE_BOUND`].
fn odd_primorial() -> &'static Integer {
    static PRODUCT: OnceLock<Integer> = OnceLock::new();
    PRODUCT.get_or_init(|| Integer::from(Integer::primorial(SIEVE_BOUND)) >> 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paillier::randomness::TestRng;

    #[test]
    fn generated_primes_have_the_promised_form() {
        let mut rng = TestRng::new(6);
        for bits in [512, 768, 1024] {
            let bits = KeyBits::try_from(bits).unwrap();
            let [p, q] = prime_pair(bits, &mut rng);
            assert!(p.is_sound(bits) && q.is_sound(bits) && *p.order != *q.order);
            assert_eq!(Integer::from(&*p.prime * &*q.prime).significant_bits(), bits.get());
            assert!(suits(&p.prime, &q.prime) && !suits(&p.prime, &p.prime));
        }
    }

    #[test]
    fn other_numbers_are_not_key_primes() {
        let mut rng = TestRng::new(7);
        let bits = KeyBits::try_from(512).unwrap();
        let [p, q] = prime_pair(bits, &mut rng);
        let changed =
            |prime: Integer, order: &Integer| KeyPrime { prime: prime.into(), order: order.clone().into() };
        assert!(!changed(p.prime.clone(), &q.order).is_sound(bits));
        assert!(!changed(Integer::from(&*p.prime + 4u32), &p.order).is_sound(bits));
        assert!(!changed(Integer::from(p.prime.next_prime_ref()), &p.order).is_sound(bits));
        assert!(!changed(p.prime.clone(), &Integer::from(&*p.order + 2u32)).is_sound(bits));
        assert!(!changed(p.prime.clone(), &Integer::from(1)).is_sound(bits));
    }
}
