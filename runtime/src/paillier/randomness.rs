//! Random numbers for keys, ciphertexts and masks.

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use rug::{Integer, integer::Order};
use zeroize::Zeroizing;

use super::wipe::overwrite;

/// The operating system gave no randomness.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the operating system gave no random bytes: {0}")]
pub struct RandomnessError(#[from] getrandom::Error);

/// A cryptographically secure generator: ChaCha20 seeded by the operating system.
///
/// Not `Clone`: two equal streams would repeat secrets. A thread gets its own generator by
/// [`split`](Self::split). The state is overwritten on drop; copies that the compiler left on the
/// stack when the generator was moved are out of reach.
pub struct SecureRng {
    // Boxed, so that moving the generator does not leave copies of its state behind.
    stream: Box<ChaCha20Rng>,
}

impl SecureRng {
    /// A generator with a fresh seed from the operating system.
    ///
    /// # Errors
    /// If the operating system has no randomness to give.
    pub fn from_os() -> Result<Self, RandomnessError> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *seed)?;
        Ok(Self::from_seed(&seed))
    }

    /// A child for another thread, with a seed drawn from this generator.
    pub fn split(&mut self) -> Self {
        let mut seed = Zeroizing::new([0; 32]);
        self.fill(&mut *seed);
        Self::from_seed(&seed)
    }

    fn from_seed(seed: &Zeroizing<[u8; 32]>) -> Self {
        Self { stream: Box::new(ChaCha20Rng::from_seed(**seed)) }
    }

    /// Fills `bytes` with uniform random bytes.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        self.stream.fill_bytes(bytes);
    }

    /// A uniform 64-bit number.
    pub fn u64(&mut self) -> u64 {
        self.stream.next_u64()
    }

    /// `true` or `false`, equally likely.
    pub fn bool(&mut self) -> bool {
        self.stream.next_u32() & 1 == 1
    }

    /// A uniform number in [0, `bound`), by rejection.
    ///
    /// # Panics
    /// If `bound` is 0.
    pub fn u64_below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "there is no number below 0");
        let mask = u64::MAX >> (bound - 1).leading_zeros().min(63);
        loop {
            let candidate = self.u64() & mask;
            if candidate < bound {
                return candidate;
            }
        }
    }

    /// A uniform integer of at most `bits` bits: in [0, 2^bits).
    pub fn integer_of_bits(&mut self, bits: u32) -> Integer {
        let mut limbs = Zeroizing::new(vec![0u64; bits.div_ceil(64) as usize]);
        limbs.iter_mut().for_each(|limb| *limb = self.u64());
        Integer::from_digits(&limbs, Order::Lsf).keep_bits(bits)
    }

    /// A uniform integer in [0, `bound`), by rejection: two draws on average at most.
    ///
    /// # Panics
    /// If `bound` is not positive.
    pub fn integer_below(&mut self, bound: &Integer) -> Integer {
        assert!(bound.is_positive(), "there is no nonnegative integer below {bound}");
        loop {
            let candidate = self.integer_of_bits(bound.significant_bits());
            if candidate < *bound {
                return candidate;
            }
        }
    }

    /// A uniform invertible integer modulo `modulus`: in [1, `modulus`) without common factor.
    pub fn unit_below(&mut self, modulus: &Integer) -> Integer {
        loop {
            let candidate = self.integer_below(modulus);
            if Integer::from(candidate.gcd_ref(modulus)) == 1 {
                return candidate;
            }
        }
    }
}

impl Drop for SecureRng {
    fn drop(&mut self) {
        overwrite(&mut *self.stream, ChaCha20Rng::from_seed([0; 32]));
    }
}

/// A generator for tests only: it prints its seed, so that a failure can be repeated.
#[cfg(test)]
pub(crate) struct TestRng(SecureRng);

#[cfg(test)]
impl TestRng {
    pub(crate) fn new(seed: u64) -> Self {
        println!("TestRng seed: {seed}");
        let mut bytes = Zeroizing::new([0; 32]);
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Self(SecureRng::from_seed(&bytes))
    }
}

#[cfg(test)]
impl std::ops::Deref for TestRng {
    type Target = SecureRng;

    fn deref(&self) -> &SecureRng {
        &self.0
    }
}

#[cfg(test)]
impl std::ops::DerefMut for TestRng {
    fn deref_mut(&mut self) -> &mut SecureRng {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_below_their_bounds_and_reach_them() {
        let mut rng = TestRng::new(1);
        for bound in [1, 2, 3, 7, 8, 9] {
            let mut seen = vec![false; bound as usize];
            for _ in 0..500 {
                seen[rng.u64_below(bound) as usize] = true;
            }
            assert!(seen.into_iter().all(|value| value), "below {bound}");
        }
        assert!(rng.u64_below(u64::MAX) < u64::MAX);
        let bound = Integer::from(Integer::u_pow_u(2, 200)) + 1u32;
        for _ in 0..100 {
            let value = rng.integer_below(&bound);
            assert!(!value.is_negative() && value < bound);
            assert!(rng.integer_of_bits(65).significant_bits() <= 65);
        }
        assert_eq!(rng.integer_of_bits(0), 0);
    }

    #[test]
    fn children_and_fresh_generators_differ() {
        let mut parent = TestRng::new(2);
        let mut children = [parent.split(), parent.split()];
        let drawn = children.each_mut().map(SecureRng::u64);
        assert_ne!(drawn[0], drawn[1]);
        let mut fresh = [SecureRng::from_os().unwrap(), SecureRng::from_os().unwrap()];
        let drawn = fresh.each_mut().map(SecureRng::u64);
        assert_ne!(drawn[0], drawn[1]);
    }

    #[test]
    fn coins_fall_on_both_sides() {
        let mut rng = TestRng::new(3);
        let heads = (0..1000).filter(|_| rng.bool()).count();
        assert!((300..700).contains(&heads));
    }
}
