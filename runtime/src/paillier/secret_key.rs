//! The secret half of a key: its primes and what decryption derives from them.

use rug::Integer;
use rug::integer::Order;
use zeroize::Zeroizing;

use super::keygen::{KeyPrime, prime_pair, suits};
use super::modular::SquareModulusPair;
use super::public_key::{KeyError, PublicKey};
use super::randomness::SecureRng;
use super::secret_pow::secret_pow;
use super::wipe::{SecretInteger, wipe_stack};
use crate::plan::KeyBits;

/// First bytes of a key file.
const MAGIC: &[u8; 8] = b"popckey\0";

/// Version of the key file's format. Version 1 had no subgroups of short order.
const VERSION: u8 = 2;

/// Bytes before the numbers: magic, version, bits (big-endian).
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
    /// α_p, the order of hs modulo the prime's square.
    pub(crate) order: SecretInteger,
    /// 1/L((1 + N)^order mod prime²) mod prime, which is 1/(order·cofactor), where L(x) = (x − 1)/prime.
    pub(crate) factor: SecretInteger,
}

impl SecretKey {
    /// A new key. Takes some tenths of a second at 3072 bits.
    pub fn generate(bits: KeyBits, rng: &mut SecureRng) -> Self {
        let primes = prime_pair(bits, rng);
        let rings = SquareModulusPair::secret(primes.each_ref().map(|part| &*part.prime));
        let residues = loop {
            let residues = subgroup_residues(&primes, &rings, rng);
            if generate_subgroups(&primes, &rings, residues.each_ref().map(|residue| &**residue)) {
                break residues;
            }
        };
        let [p, q] = primes.each_ref().map(|part| SecretInteger::new(Integer::from(part.prime.square_ref())));
        let generator = combine(residues.each_ref().map(|residue| &**residue), [&p, &q], &inverse(&q, &p));
        Self::from_parts(primes, rings, Integer::from(&*generator), bits)
    }

    fn from_parts(
        primes: [KeyPrime; 2],
        rings: SquareModulusPair,
        generator: Integer,
        bits: KeyBits,
    ) -> Self {
        let [p, q] = primes;
        let public = PublicKey::from_checked(Integer::from(&*p.prime * &*q.prime), &generator, bits);
        let q_inverse = inverse(&q.prime, &p.prime);
        let (p_part, q_part) = (PrimePart::new(&p, &q), PrimePart::new(&q, &p));
        wipe_stack();
        Self { public, q: q_part, p: p_part, rings, q_inverse }
    }

    /// The public key that belongs to it.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The content of a key file: magic, version, bits, then p, q, α_p, α_q and hs, big-endian and of fixed widths.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let bits = self.public.bits();
        let mut bytes = Zeroizing::new(Vec::with_capacity(HEADER_BYTES + widths(bits).iter().sum::<usize>()));
        bytes.extend_from_slice(MAGIC);
        bytes.push(VERSION);
        bytes.extend_from_slice(&bits.get().to_be_bytes());
        let secrets = [&self.p.prime, &self.q.prime, &self.p.order, &self.q.order];
        for (number, width) in secrets.into_iter().zip(widths(bits)) {
            let start = bytes.len();
            bytes.resize(start + width, 0);
            number.write_digits(&mut bytes[start..], Order::Msf);
        }
        bytes.extend_from_slice(&self.public.generator_bytes());
        bytes
    }

    /// Reads a key file and checks that its numbers make a key of the form that
    /// [`generate`](Self::generate) makes.
    ///
    /// # Errors
    /// [`KeyError`] says what is wrong; it never contains secret digits.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        let (header, mut numbers) = bytes.split_at_checked(HEADER_BYTES).ok_or(KeyError::Header)?;
        let (magic, rest) = header.split_at(MAGIC.len());
        if magic != MAGIC {
            return Err(KeyError::Header);
        }
        let [VERSION, bits @ ..] = rest else { return Err(KeyError::Version) };
        let bits: [u8; 4] = bits.try_into().map_err(|_| KeyError::Header)?;
        let bits = KeyBits::try_from(u32::from_be_bytes(bits))?;
        let expected = widths(bits).iter().sum();
        if numbers.len() != expected {
            return Err(KeyError::Length { expected, got: numbers.len() });
        }
        let [p, q, p_order, q_order, generator] = widths(bits).map(|width| {
            let (number, rest) = numbers.split_at(width);
            numbers = rest;
            SecretInteger::new(Integer::from_digits(number, Order::Msf))
        });
        let primes = [KeyPrime { prime: p, order: p_order }, KeyPrime { prime: q, order: q_order }];
        let rings = check(&primes, &generator, bits)?;
        Ok(Self::from_parts(primes, rings, Integer::from(&*generator), bits))
    }
}

impl PrimePart {
    fn new(own: &KeyPrime, other: &KeyPrime) -> Self {
        let logarithm = SecretInteger::new(Integer::from(&*own.order * &*other.prime));
        Self {
            prime: SecretInteger::new(Integer::from(&*own.prime)),
            square: SecretInteger::new(Integer::from(own.prime.square_ref())),
            order: SecretInteger::new(Integer::from(&*own.order)),
            factor: inverse(&logarithm, &own.prime),
        }
    }
}

/// Bytes of p, q, α_p, α_q and hs in a key file.
const fn widths(bits: KeyBits) -> [usize; 5] {
    let (prime, order) = (bits.modulus_bytes() / 2, bits.subgroup_bits() as usize / 8);
    [prime, prime, order, order, bits.ciphertext_bytes()]
}

/// 1/`value` mod `modulus`, for coprime numbers.
fn inverse(value: &Integer, modulus: &Integer) -> SecretInteger {
    let inverse = value.invert_ref(modulus).expect("the primes of a key are different");
    SecretInteger::new(Integer::from(inverse))
}

/// The number below the product of the `moduli` with these residues; `inverse` is that of the second modulus for the first.
pub(crate) fn combine(residues: [&Integer; 2], moduli: [&Integer; 2], inverse: &Integer) -> SecretInteger {
    let difference = SecretInteger::new(Integer::from(residues[0] - residues[1]));
    let scaled = SecretInteger::new(Integer::from(&*difference * inverse));
    let quotient = SecretInteger::new(Integer::from(scaled.modulo_ref(moduli[0])));
    let product = SecretInteger::new(Integer::from(&*quotient * moduli[1]));
    SecretInteger::new(Integer::from(&*product + residues[1]))
}

/// Random elements of order α_p modulo p² and α_q modulo q², or 1.
fn subgroup_residues(
    primes: &[KeyPrime; 2],
    rings: &SquareModulusPair,
    rng: &mut SecureRng,
) -> [SecretInteger; 2] {
    // The units modulo p² have order p·(p − 1).
    let exponents = primes.each_ref().map(|KeyPrime { prime, order }| {
        let cofactor = SecretInteger::new(Integer::from(&**prime - 1u32) / &**order);
        SecretInteger::new(Integer::from(&*cofactor * &**prime))
    });
    let mut scratch = rings.scratch();
    let units = primes.each_ref().map(|part| SecretInteger::new(rng.unit_below(&part.prime)));
    let [x_p, x_q] = rings.encode_each([&units[0], &units[1]], &mut scratch);
    let width = exponents[0].significant_bits().max(exponents[1].significant_bits());
    let powers = secret_pow(rings, [&x_p, &x_q], [&exponents[0], &exponents[1]], width, &mut scratch);
    rings.decode(&powers, &mut scratch)
}

/// Whether the residues have the orders α_p and α_q: they are not 1 modulo p or q, and their powers by these are 1 modulo p²
/// and q².
fn generate_subgroups(primes: &[KeyPrime; 2], rings: &SquareModulusPair, residues: [&Integer; 2]) -> bool {
    let mut scratch = rings.scratch();
    let [x_p, x_q] = rings.encode_each(residues, &mut scratch);
    let orders = primes.each_ref().map(|part| &*part.order);
    let width = orders[0].significant_bits().max(orders[1].significant_bits());
    let powers = secret_pow(rings, [&x_p, &x_q], orders, width, &mut scratch);
    let are_one = rings.decode(&powers, &mut scratch).iter().all(|power| **power == 1);
    let is_one = |(residue, part): (&Integer, &KeyPrime)| Integer::from(residue % &*part.prime) == 1;
    are_one && !residues.into_iter().zip(primes).any(is_one)
}

/// The rings of a key whose numbers fit together.
fn check(primes: &[KeyPrime; 2], generator: &Integer, bits: KeyBits) -> Result<SquareModulusPair, KeyError> {
    let [p, q] = primes;
    if !primes.iter().all(|part| part.is_sound(bits)) {
        return Err(KeyError::BadSecret("a factor is not a prime of the right form"));
    }
    if SecretInteger::new(Integer::from(&*p.prime * &*q.prime)).significant_bits() != bits.get() {
        return Err(KeyError::BadSecret("the product has another size"));
    }
    if !suits(&p.prime, &q.prime) {
        return Err(KeyError::BadSecret("the factors do not fit together"));
    }
    let rings = SquareModulusPair::secret([&p.prime, &q.prime]);
    let square = SecretInteger::new(Integer::from(&*p.prime * &*q.prime).square());
    if *generator >= *square || !generate_subgroups(primes, &rings, [generator, generator]) {
        return Err(KeyError::BadSecret("its randomisers have another order"));
    }
    Ok(rings)
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
        assert_eq!(refuse(|bytes| bytes[8] = 1), KeyError::Version);
        assert!(matches!(refuse(|bytes| bytes[12] = 1), KeyError::Bits(_)));
        assert_eq!(refuse(|bytes| bytes.push(0)), KeyError::Length { expected: 212, got: 213 });
        assert!(matches!(refuse(|bytes| bytes[13] = 0), KeyError::BadSecret(_)));
        assert!(matches!(refuse(|bytes| *bytes.last_mut().unwrap() ^= 4), KeyError::BadSecret(_)));
        let equal = |bytes: &mut Vec<u8>| bytes.copy_within(13..45, 45);
        assert!(matches!(refuse(equal), KeyError::BadSecret(_)));
        let twice = |bytes: &mut Vec<u8>| {
            bytes.copy_within(13..45, 45);
            bytes.copy_within(77..87, 87);
        };
        assert_eq!(refuse(twice), KeyError::BadSecret("the factors do not fit together"));
        let one = |bytes: &mut Vec<u8>| bytes[97..].fill(0);
        assert_eq!(refuse(one), KeyError::BadSecret("its randomisers have another order"));
    }
}
