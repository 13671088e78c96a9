//! The secret half of a key: its primes and what decryption derives from them.

use rug::Integer;
use rug::integer::Order;
use zeroize::Zeroizing;

use super::keygen::{BPSW_ONLY, is_key_prime, prime_pair, suits};
use super::modular::SquareModulusPair;
use super::public_key::{KeyError, PublicKey};
use super::randomness::SecureRng;
use super::wipe::SecretInteger;
use crate::plan::KeyBits;

/// First bytes of a key file.
const MAGIC: &[u8; 8] = b"popckey\0";

/// Version of the key file's format.
const VERSION: u8 = 1;

/// Bytes before the primes: magic, version, bits (big-endian).
const HEADER_BYTES: usize = MAGIC.len() + 1 + 4;

/// A secret key. Neither `Clone` nor `Debug`; its numbers are overwritten on drop.
pub struct SecretKey {
    public: PublicKey,
    pub(crate) p: PrimePart,
    pub(crate) q: PrimePart,
    /// The rings modulo p² and q².
    pub(crate) rings: SquareModulusPair,
    /// 1/q mod p.
    pub(crate) q_inverse: SecretInteger,
}

/// One prime of the key, with what decryption modulo its square needs.
pub(crate) struct PrimePart {
    pub(crate) prime: SecretInteger,
    pub(crate) square: SecretInteger,
    /// prime − 1.
    pub(crate) exponent: SecretInteger,
    /// 1/L((1 + N)^exponent mod prime²) mod prime, which is −1/cofactor, where L(x) = (x − 1)/prime.
    pub(crate) factor: SecretInteger,
}

impl SecretKey {
    /// A new key. Takes about half a second at 3072 bits.
    pub fn generate(bits: KeyBits, rng: &mut SecureRng) -> Self {
        let (p, q) = prime_pair(bits.get() / 2, rng);
        Self::from_primes(p, q, bits)
    }

    fn from_primes(p: SecretInteger, q: SecretInteger, bits: KeyBits) -> Self {
        let public = PublicKey::from_checked(Integer::from(&*p * &*q), bits);
        let q_inverse = inverse(&q, &p);
        let rings = SquareModulusPair::secret([&p, &q]);
        let p_part = PrimePart::new(&p, &q);
        Self { public, q: PrimePart::new(&q, &p), p: p_part, rings, q_inverse }
    }

    /// The public key that belongs to it.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The content of a key file: magic, version, bits, then p and q, big-endian and fixed width.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let bits = self.public.bits();
        let half = bits.modulus_bytes() / 2;
        let mut bytes = Zeroizing::new(vec![0; HEADER_BYTES + 2 * half]);
        let (header, primes) = bytes.split_at_mut(HEADER_BYTES);
        header[..MAGIC.len()].copy_from_slice(MAGIC);
        header[MAGIC.len()] = VERSION;
        header[MAGIC.len() + 1..].copy_from_slice(&bits.get().to_be_bytes());
        self.p.prime.write_digits(&mut primes[..half], Order::Msf);
        self.q.prime.write_digits(&mut primes[half..], Order::Msf);
        bytes
    }

    /// Reads a key file and checks that its numbers make a key of the form that
    /// [`generate`](Self::generate) makes.
    ///
    /// # Errors
    /// [`KeyError`] says what is wrong; it never contains secret digits.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        let (header, primes) = bytes.split_at_checked(HEADER_BYTES).ok_or(KeyError::Header)?;
        let (magic, rest) = header.split_at(MAGIC.len());
        let [VERSION, bits @ ..] = rest else { return Err(KeyError::Header) };
        let bits: [u8; 4] = bits.try_into().map_err(|_| KeyError::Header)?;
        if magic != MAGIC {
            return Err(KeyError::Header);
        }
        let bits = KeyBits::try_from(u32::from_be_bytes(bits))?;
        let expected = bits.modulus_bytes();
        if primes.len() != expected {
            return Err(KeyError::Length { expected, got: primes.len() });
        }
        let (p, q) = primes.split_at(expected / 2);
        let [p, q] = [p, q].map(|digits| SecretInteger::new(Integer::from_digits(digits, Order::Msf)));
        check_primes(&p, &q, bits)?;
        Ok(Self::from_primes(p, q, bits))
    }
}

impl PrimePart {
    fn new(prime: &SecretInteger, cofactor: &SecretInteger) -> Self {
        let negative = SecretInteger::new(Integer::from(-&**cofactor));
        Self {
            prime: SecretInteger::new(Integer::from(&**prime)),
            square: SecretInteger::new(Integer::from(prime.square_ref())),
            exponent: SecretInteger::new(Integer::from(&**prime - 1u32)),
            factor: inverse(&negative, prime),
        }
    }
}

/// 1/`value` mod `modulus`, for coprime numbers.
fn inverse(value: &Integer, modulus: &Integer) -> SecretInteger {
    let inverse = value.invert_ref(modulus).expect("the primes of a key are different");
    SecretInteger::new(Integer::from(inverse))
}

fn check_primes(p: &Integer, q: &Integer, bits: KeyBits) -> Result<(), KeyError> {
    let half = bits.get() / 2;
    if p.significant_bits() != half || q.significant_bits() != half {
        return Err(KeyError::BadSecret("a factor has another size"));
    }
    if SecretInteger::new(Integer::from(p * q)).significant_bits() != bits.get() {
        return Err(KeyError::BadSecret("the product has another size"));
    }
    if !is_key_prime(p, BPSW_ONLY) || !is_key_prime(q, BPSW_ONLY) {
        return Err(KeyError::BadSecret("a factor is not a prime of the right form"));
    }
    if !suits(p, q) {
        return Err(KeyError::BadSecret("the factors do not fit together"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paillier::test_keys;

    #[test]
    fn a_key_survives_its_file() {
        let key = test_keys::shared(512);
        let again = SecretKey::from_bytes(&key.to_bytes()).unwrap();
        assert_eq!(again.public(), key.public());
        assert_eq!(*again.to_bytes(), *key.to_bytes());
    }

    fn refuse(change: impl FnOnce(&mut Vec<u8>)) -> KeyError {
        let mut bytes = test_keys::shared(512).to_bytes().to_vec();
        change(&mut bytes);
        SecretKey::from_bytes(&bytes).err().expect("a damaged file is refused")
    }

    #[test]
    fn damaged_files_are_refused() {
        assert_eq!(refuse(Vec::clear), KeyError::Header);
        assert_eq!(refuse(|bytes| bytes[0] ^= 1), KeyError::Header);
        assert_eq!(refuse(|bytes| bytes[8] = 9), KeyError::Header);
        assert!(matches!(refuse(|bytes| bytes[12] = 1), KeyError::Bits(_)));
        assert_eq!(refuse(|bytes| bytes.push(0)), KeyError::Length { expected: 64, got: 65 });
        assert!(matches!(refuse(|bytes| bytes[13] = 0), KeyError::BadSecret(_)));
        assert!(matches!(refuse(|bytes| *bytes.last_mut().unwrap() ^= 4), KeyError::BadSecret(_)));
        let equal = |bytes: &mut Vec<u8>| bytes.copy_within(13..45, 45);
        assert_eq!(refuse(equal), KeyError::BadSecret("the factors do not fit together"));
    }
}
