//! Generating the primes of a key.
//!
//! Beyond p ≡ q ≡ 3 mod 4 and gcd(p − 1, q − 1) = 2, which Damgård–Jurik–Nielsen randomisers
//! need, (p − 1)/2 and (q − 1)/2 have no prime factor below 2^16: otherwise a random base generates
//! only a part of the group of randomisers with noticeable probability, and what lies outside that
//! part would not be re-randomised.

use std::sync::OnceLock;

use rayon::prelude::*;
use rug::{Integer, integer::IsPrime};

use super::randomness::SecureRng;
use super::wipe::SecretInteger;

/// Neither a prime p of a key nor (p − 1)/2 has an odd prime factor below this.
pub(crate) const SMOOTHNESS_BOUND: u32 = 1 << 16;

/// Rounds of the primality test that stand for one Baillie–PSW test in GMP.
pub(crate) const BPSW_ONLY: u32 = 24;

/// A new prime passes 8 rounds of Miller–Rabin besides. Of random numbers of 1024 bits and more, fewer than 2^−128 of
/// those that pass even 4 are composite (Damgård, Landrock and Pomerance, Math. Comp. 61, 1993; FIPS 186-5, appendix B.3).
const NEW_PRIME_ROUNDS: u32 = BPSW_ONLY + 8;

/// Candidates that are looked at together; of 1536 bits, one in some 16,000 is a prime of a key.
const CANDIDATES: usize = 1024;

/// Product of the odd primes up to 29: a first sieve that one division by 32 bits settles.
const FIRST_SIEVE: u32 = 3 * 5 * 7 * 11 * 13 * 17 * 19 * 23 * 29;

/// Two different primes of `bits` bits each, whose product has exactly `2·bits` bits.
pub(crate) fn prime_pair(bits: u32, rng: &mut SecureRng) -> (SecretInteger, SecretInteger) {
    loop {
        let p = prime(bits, rng);
        let q = prime(bits, rng);
        if suits(&p, &q) {
            return (p, q);
        }
    }
}

/// Whether gcd(p − 1, q − 1) = 2 and gcd(pq, (p − 1)(q − 1)) = 1. Equal primes fail.
pub(crate) fn suits(p: &Integer, q: &Integer) -> bool {
    let p_less = SecretInteger::new(Integer::from(p - 1u32));
    let q_less = SecretInteger::new(Integer::from(q - 1u32));
    let phi = SecretInteger::new(Integer::from(&*p_less * &*q_less));
    let modulus = Integer::from(p * q);
    Integer::from(p_less.gcd_ref(&q_less)) == 2 && modulus.gcd(&phi) == 1
}

/// Whether `p` is a prime of the form that keys are made of, tested by that many rounds.
pub(crate) fn is_key_prime(p: &Integer, rounds: u32) -> bool {
    p.mod_u(4) == 3 && passes_sieve(p) && p.is_probably_prime(rounds) != IsPrime::No
}

/// A random prime: top two bits set, ≡ 3 mod 4, see the module's doc. Candidates are tested in parallel, and the first
/// of those that pass counts, so that equal randomness gives equal primes.
fn prime(bits: u32, rng: &mut SecureRng) -> SecretInteger {
    loop {
        let candidates: Vec<SecretInteger> = (0..CANDIDATES).map(|_| candidate(bits, rng)).collect();
        let prime =
            candidates.into_par_iter().find_first(|candidate| is_key_prime(candidate, NEW_PRIME_ROUNDS));
        if let Some(prime) = prime {
            return prime;
        }
    }
}

fn candidate(bits: u32, rng: &mut SecureRng) -> SecretInteger {
    let mut candidate = rng.integer_of_bits(bits);
    for bit in [0, 1, bits - 2, bits - 1] {
        candidate.set_bit(bit, true);
    }
    SecretInteger::new(candidate)
}

/// Whether neither `p` ≡ 3 mod 4 nor (p − 1)/2 has an odd prime factor below the bound.
fn passes_sieve(p: &Integer) -> bool {
    let residue = p.mod_u(FIRST_SIEVE);
    let free = |value: u32| gcd(value, FIRST_SIEVE) == 1;
    if residue == 0 || !free(residue) || residue == 1 || !free(residue - 1) {
        return false;
    }
    let less = SecretInteger::new(Integer::from(p - 1u32) >> 1);
    let coprime = |value: &Integer| Integer::from(odd_primorial() % value).gcd(value) == 1;
    coprime(p) && coprime(&less)
}

fn gcd(mut x: u32, mut y: u32) -> u32 {
    while y != 0 {
        (x, y) = (y, x % y);
    }
    x
}

/// The product of the odd primes below [`SMOOTHNESS_BOUND`].
fn odd_primorial() -> &'static Integer {
    static PRODUCT: OnceLock<Integer> = OnceLock::new();
    PRODUCT.get_or_init(|| Integer::from(Integer::primorial(SMOOTHNESS_BOUND)) >> 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paillier::randomness::TestRng;

    #[test]
    fn generated_primes_have_the_promised_form() {
        let mut rng = TestRng::new(6);
        let (p, q) = prime_pair(256, &mut rng);
        for prime in [&p, &q] {
            assert_eq!(prime.mod_u(4), 3);
            assert_eq!(prime.significant_bits(), 256);
            let half = Integer::from(&**prime >> 1);
            assert!((3..1 << 16).step_by(2).all(|d| !half.is_divisible_u(d)));
        }
        assert_eq!(Integer::from(&*p * &*q).significant_bits(), 512);
        assert!(suits(&p, &q) && !suits(&p, &p));
    }

    #[test]
    fn other_numbers_are_not_key_primes() {
        let mut rng = TestRng::new(7);
        let p = prime(256, &mut rng);
        assert!(is_key_prime(&p, BPSW_ONLY));
        assert!(!is_key_prime(&Integer::from(&*p + 2u32), BPSW_ONLY));
        assert!(!is_key_prime(&Integer::from(&*p * &*p), BPSW_ONLY));
        assert!(!is_key_prime(&Integer::from(p.next_prime_ref()), BPSW_ONLY));
    }
}
