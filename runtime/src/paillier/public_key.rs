//! The public half of a key: the modulus N and hs, whose powers are the randomisers, checked; the ring of its ciphertexts.

use std::fmt;
use std::sync::Arc;

use rug::Integer;
use rug::integer::{IsPrime, Order};

use super::keygen::BPSW_ONLY;
use super::limbs::Limb;
use super::modular::{Scratch, SquareModulus};
use crate::plan::KeyBits;

/// No prime below this bound divides an accepted modulus.
const SMALL_PRIME_BOUND: u32 = 1 << 16;

/// Why bytes are not a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The field has another width than the key size demands.
    #[error("expected {expected} bytes, got {got}")]
    Length {
        /// Bytes demanded.
        expected: usize,
        /// Bytes present.
        got: usize,
    },
    /// N has another length than announced.
    #[error("the modulus has {got} bits instead of {expected}")]
    ModulusBits {
        /// Bits announced.
        expected: KeyBits,
        /// Bits of the number received.
        got: u32,
    },
    /// N cannot be a product of two large primes.
    #[error("the modulus is {0}")]
    BadModulus(&'static str),
    /// hs is not an invertible number below N².
    #[error("the base of the randomisers is not an invertible number below the square of the modulus")]
    BadGenerator,
    /// A key file does not begin as one.
    #[error("not a key file")]
    Header,
    /// A key file was written by another version.
    #[error(
        "a key file of another version, whose keys are of another kind; make a new one with popcorn keygen"
    )]
    Version,
    /// A key file names a key size that is not accepted.
    #[error(transparent)]
    Bits(#[from] crate::plan::UnsupportedKeyBits),
    /// The secret numbers of a key file do not make a key.
    #[error("the secret key is damaged: {0}")]
    BadSecret(&'static str),
}

/// A public key. Cloning is cheap; `Debug` prints only the size.
#[derive(Clone)]
pub struct PublicKey(Arc<Inner>);

struct Inner {
    bits: KeyBits,
    ring: SquareModulus,
    /// hs, in the ring.
    generator: Box<[Limb]>,
    square: Integer,
    half: Integer,
}

impl PublicKey {
    /// Reads a key received from a peer: N and hs, big-endian, [`KeyBits::public_key_bytes`] bytes.
    ///
    /// It is checked that N has exactly the announced bits and is odd, has no prime factor below
    /// 2^16, is no perfect power, and is not prime; and that hs is an invertible number below N². That N is a product of
    /// *two* primes, and which order hs has, cannot be seen from outside.
    ///
    /// # Errors
    /// [`KeyError`] says which check failed.
    pub fn from_bytes(bytes: &[u8], bits: KeyBits) -> Result<Self, KeyError> {
        let expected = bits.public_key_bytes();
        if bytes.len() != expected {
            return Err(KeyError::Length { expected, got: bytes.len() });
        }
        let (modulus, generator) = bytes.split_at(bits.modulus_bytes());
        let [modulus, generator] =
            [modulus, generator].map(|digits| Integer::from_digits(digits, Order::Msf));
        check_modulus(&modulus, bits)?;
        if generator >= Integer::from(modulus.square_ref()) || Integer::from(generator.gcd_ref(&modulus)) != 1
        {
            return Err(KeyError::BadGenerator);
        }
        Ok(Self::from_checked(modulus, &generator, bits))
    }

    /// A key of numbers that are known to be good.
    pub(crate) fn from_checked(modulus: Integer, generator: &Integer, bits: KeyBits) -> Self {
        let ring = SquareModulus::public(&modulus);
        let square = Integer::from(modulus.square_ref());
        let mut limbs = vec![0; ring.element_limbs()];
        ring.encode(&mut limbs, generator, &mut ring.scratch());
        Self(Arc::new(Inner { bits, ring, generator: limbs.into(), square, half: modulus >> 1 }))
    }

    /// What a peer is sent: [`KeyBits::public_key_bytes`] bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.bits().modulus_bytes()];
        self.modulus().write_digits(&mut bytes, Order::Msf);
        bytes.append(&mut self.generator_bytes());
        bytes
    }

    /// hs: big-endian, [`KeyBits::ciphertext_bytes`] bytes.
    pub(crate) fn generator_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.ciphertext_bytes()];
        self.ring().decode(self.generator(), &mut self.scratch()).write_digits(&mut bytes, Order::Msf);
        bytes
    }

    /// hs, an N-th power of secret short order, in the ring: its powers are the randomisers.
    pub fn generator(&self) -> &[Limb] {
        &self.0.generator
    }

    /// The size of the key.
    pub fn bits(&self) -> KeyBits {
        self.0.bits
    }

    /// Bytes of one ciphertext on the wire.
    pub fn ciphertext_bytes(&self) -> usize {
        self.bits().ciphertext_bytes()
    }

    /// The modulus N.
    pub fn modulus(&self) -> &Integer {
        self.0.ring.base()
    }

    /// The square of the modulus, N².
    pub fn modulus_squared(&self) -> &Integer {
        &self.0.square
    }

    /// (N − 1)/2: the largest magnitude of a signed plaintext.
    pub fn half_modulus(&self) -> &Integer {
        &self.0.half
    }

    /// The ring Z/N² in which ciphertexts live.
    pub fn ring(&self) -> &SquareModulus {
        &self.0.ring
    }

    /// Working memory for products of ciphertexts, for one thread.
    pub fn scratch(&self) -> Scratch {
        self.ring().scratch()
    }

    /// The representative of a plaintext in (−N/2, N/2).
    #[cfg(test)]
    pub(crate) fn centred(&self, plaintext: Integer) -> Integer {
        if plaintext > *self.half_modulus() { plaintext - self.modulus() } else { plaintext }
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.to_bytes() == other.to_bytes()
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({} bits)", self.bits())
    }
}

/// Everything about N that can be checked without its factors, cheapest first.
fn check_modulus(modulus: &Integer, bits: KeyBits) -> Result<(), KeyError> {
    let got = modulus.significant_bits();
    if got != bits.get() {
        return Err(KeyError::ModulusBits { expected: bits, got });
    }
    if modulus.is_even() {
        return Err(KeyError::BadModulus("even"));
    }
    let primorial = Integer::from(Integer::primorial(SMALL_PRIME_BOUND)) % modulus;
    if primorial.gcd(modulus) != 1 {
        return Err(KeyError::BadModulus("divisible by a small prime"));
    }
    if modulus.is_perfect_power() {
        return Err(KeyError::BadModulus("a perfect power"));
    }
    if modulus.is_probably_prime(BPSW_ONLY) != IsPrime::No {
        return Err(KeyError::BadModulus("prime"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paillier::test_keys;

    fn read(modulus: &Integer, generator: &Integer) -> Result<PublicKey, KeyError> {
        let mut bytes = vec![0; 192];
        modulus.write_digits(&mut bytes[..64], Order::Msf);
        generator.write_digits(&mut bytes[64..], Order::Msf);
        PublicKey::from_bytes(&bytes, KeyBits::try_from(512).unwrap())
    }

    fn refuse(modulus: &Integer) -> KeyError {
        read(modulus, &Integer::from(2)).unwrap_err()
    }

    #[test]
    fn a_key_survives_its_bytes() {
        let key = test_keys::shared(512).public();
        let again = PublicKey::from_bytes(&key.to_bytes(), key.bits()).unwrap();
        assert_eq!(again, *key);
        assert_eq!(format!("{again:?}"), "PublicKey(512 bits)");
        assert_eq!(again.ciphertext_bytes(), 128);
    }

    #[test]
    fn moduli_that_cannot_be_keys_are_refused() {
        let good = test_keys::shared(512).public().modulus().clone();
        let short = Integer::from(&good >> 1) | 1u32;
        assert!(matches!(refuse(&short), KeyError::ModulusBits { got: 511, .. }));
        assert_eq!(refuse(&(good.clone() + 1u32)), KeyError::BadModulus("even"));
        let by_three = (Integer::from(&good / 3) | 1u32) * 3u32;
        assert_eq!(refuse(&by_three), KeyError::BadModulus("divisible by a small prime"));
        let prime = good.clone().next_prime();
        assert_eq!(refuse(&prime), KeyError::BadModulus("prime"));
        let root = (Integer::from(3) << 254u32).next_prime();
        assert_eq!(refuse(&root.square()), KeyError::BadModulus("a perfect power"));
        let bits = KeyBits::try_from(512).unwrap();
        let error = PublicKey::from_bytes(&[1; 191], bits).unwrap_err();
        assert_eq!(error, KeyError::Length { expected: 192, got: 191 });
    }

    #[test]
    fn bases_that_have_no_powers_to_hide_with_are_refused() {
        let key = test_keys::shared(512);
        let (modulus, square) = (key.public().modulus(), key.public().modulus_squared());
        let bad = [
            Integer::new(),
            modulus.clone(),
            Integer::from(&*key.p.prime * 5u32),
            square.clone(),
            Integer::from(square + 1u32),
        ];
        assert!(bad.iter().all(|generator| read(modulus, generator) == Err(KeyError::BadGenerator)));
        assert!(read(modulus, &Integer::from(square - 1u32)).is_ok());
    }

    #[test]
    fn centring_splits_the_plaintexts_at_the_half() {
        let key = test_keys::shared(512).public();
        let half = key.half_modulus();
        assert_eq!(key.centred(half.clone()), *half);
        assert_eq!(key.centred(Integer::from(half + 1u32)), -half.clone());
        assert_eq!(key.centred(Integer::from(key.modulus() - 1u32)), -1);
    }
}
