//! Randomisers: random encryptions of 0, powers of the key's hs.
//!
//! A ciphertext of m is (1 + mN)·ρ for a random N-th residue ρ. Instead of raising a fresh number to the N-th power each
//! time, ρ = hs^r for the hs of the public key, which has a secret order α = α_p·α_q of few bits ([`keygen`](super::keygen)),
//! by a table of powers of hs (Paillier, EUROCRYPT 1999, section 6; Ma, Han and Lei, ACSAC 2021).
//!
//! *Key holder* ([`HolderRandomisers`]): r uniform below α. By the Chinese remainder theorem hs^r is a pair of powers modulo
//! p² and q² with exponents modulo α_p and α_q, from two tables with numbers of half the size. Each randomiser keeps its r, so
//! that the holder can prove what it sends.
//!
//! *Server* ([`PublicRandomisers`]): r uniform of so many bits as [`ExponentBits`] says.

use std::sync::Arc;

use rug::Integer;
use zeroize::Zeroizing;

use super::count::Count;
use super::exponent::ExponentBits;
use super::fixed_base::{FixedBaseTable, power_products, table_count};
use super::limbs::Limb;
use super::modular::{Scratch, SquareModulusPair};
use super::public_key::PublicKey;
use super::randomness::SecureRng;
use super::secret_key::{SecretKey, combine};
use super::wipe::SecretInteger;
use crate::plan::KeyBits;

/// A random encryption of 0, to be used once: hs^r, and r. Not `Clone`; overwritten on drop.
pub struct Randomiser {
    limbs: Zeroizing<Box<[Limb]>>,
    exponent: SecretInteger,
}

/// A source of randomisers under one key. Shared between threads, each with its own generator.
pub trait Randomisers: Sync {
    /// The key that the randomisers are for.
    fn key(&self) -> &PublicKey;

    /// Draws one randomiser.
    fn draw(&self, rng: &mut SecureRng) -> Randomiser;
}

impl<R: Randomisers + ?Sized> Randomisers for Box<R> {
    fn key(&self) -> &PublicKey {
        (**self).key()
    }

    fn draw(&self, rng: &mut SecureRng) -> Randomiser {
        (**self).draw(rng)
    }
}

impl<R: Randomisers + Send + ?Sized> Randomisers for Arc<R> {
    fn key(&self) -> &PublicKey {
        (**self).key()
    }

    fn draw(&self, rng: &mut SecureRng) -> Randomiser {
        (**self).draw(rng)
    }
}

/// Anybody's source.
pub struct PublicRandomisers {
    key: PublicKey,
    bits: ExponentBits,
    table: FixedBaseTable,
}

/// The key holder's source: a fraction of the work of anybody else's.
pub struct HolderRandomisers {
    key: PublicKey,
    /// The rings modulo p² and q².
    rings: SquareModulusPair,
    /// α.
    order: SecretInteger,
    /// α_p and α_q.
    orders: [SecretInteger; 2],
    tables: [FixedBaseTable; 2],
    squares: [SecretInteger; 2],
    /// 1/q² mod p².
    q_square_inverse: SecretInteger,
    primes: [SecretInteger; 2],
    /// 1/q mod p.
    q_inverse: SecretInteger,
}

impl Randomiser {
    /// The encryption of 0, in the ring of the key.
    pub(crate) fn limbs(&self) -> &[Limb] {
        &self.limbs
    }

    /// Its exponent r, for the proof that it is a power of hs ([`membership`](super::membership)).
    pub(super) fn into_exponent(self) -> SecretInteger {
        self.exponent
    }
}

impl PublicRandomisers {
    /// A source for replies to an honest key holder, whose table suits about `uses` randomisers: more uses pay for a larger
    /// table, of 32 MiB at most.
    pub fn for_uses(key: &PublicKey, uses: usize) -> Self {
        Self::with_exponents(key, ExponentBits::honest(key.bits()), uses)
    }

    /// As [`for_uses`](Self::for_uses), with exponents of `bits`.
    pub fn with_exponents(key: &PublicKey, bits: ExponentBits, uses: usize) -> Self {
        let table = FixedBaseTable::new(key.ring(), key.generator(), bits.get(), uses);
        Self { key: key.clone(), bits, table }
    }

    /// How long the exponents are.
    pub fn exponent_bits(&self) -> ExponentBits {
        self.bits
    }

    /// The products that a randomiser with exponents of `bits` takes beyond those of one for an honest key holder.
    pub fn further_products(key: KeyBits, bits: ExponentBits) -> u64 {
        let products = |bits: ExponentBits| power_products(bits.get(), key.ciphertext_bytes());
        products(bits).saturating_sub(products(ExponentBits::honest(key)))
    }

    /// What making a table for `uses` such exponents takes.
    pub fn table_count(key: KeyBits, bits: ExponentBits, uses: usize) -> Count {
        table_count(bits.get(), uses, key.ciphertext_bytes())
    }

    /// hs^`exponent` modulo N, for an exponent of at most `bits` bits, which are no more than those of the source.
    pub(super) fn power_residue(&self, exponent: &Integer, bits: u32, scratch: &mut Scratch) -> Vec<Limb> {
        self.table.pow_residue(self.key.ring(), exponent, bits, scratch).to_vec()
    }
}

impl Randomisers for PublicRandomisers {
    fn key(&self) -> &PublicKey {
        &self.key
    }

    fn draw(&self, rng: &mut SecureRng) -> Randomiser {
        let exponent = SecretInteger::new(rng.integer_of_bits(self.bits.get()));
        let ring = self.key.ring();
        let mut limbs = Zeroizing::new(vec![0; ring.element_limbs()].into_boxed_slice());
        self.table.pow(ring, &mut limbs, &exponent, &mut self.key.scratch());
        Randomiser { limbs, exponent }
    }
}

impl HolderRandomisers {
    /// A source whose tables suit about `uses` randomisers: more uses pay for larger tables, of 32 MiB each at most.
    pub fn for_uses(key: &SecretKey, uses: usize) -> Self {
        let parts = [&key.p, &key.q];
        let order = SecretInteger::new(Integer::from(&*key.p.order * &*key.q.order));
        let rings = SquareModulusPair::secret(parts.map(|part| &*part.prime));
        let generator = key.public().ring().decode(key.public().generator(), &mut key.public().scratch());
        let bases = rings.encode(&generator, &mut rings.scratch());
        let bits = key.public().bits().subgroup_bits();
        let table = |index: usize| FixedBaseTable::new(&rings.rings()[index], &bases[index], bits, uses);
        let tables = rayon::join(|| table(0), || table(1)).into();
        let inverse = key.q.square.invert_ref(&key.p.square).expect("the primes are different");
        Self {
            key: key.public().clone(),
            q_square_inverse: SecretInteger::new(Integer::from(inverse)),
            squares: parts.map(|part| SecretInteger::new(Integer::from(&*part.square))),
            primes: parts.map(|part| SecretInteger::new(Integer::from(&*part.prime))),
            q_inverse: SecretInteger::new(Integer::from(&*key.q_inverse)),
            order,
            orders: parts.map(|part| SecretInteger::new(Integer::from(&*part.order))),
            rings,
            tables,
        }
    }

    /// The exponent that counts in each of the two rings.
    fn reduce(&self, exponent: &Integer) -> [SecretInteger; 2] {
        self.orders.each_ref().map(|order| SecretInteger::new(Integer::from(exponent % &**order)))
    }

    /// hs^`exponent` modulo p² and modulo q².
    fn power(&self, exponent: &Integer) -> [SecretInteger; 2] {
        let exponents = self.reduce(exponent);
        let mut scratch = self.rings.scratch();
        let mut powers = self.rings.zeros();
        let [power_p, power_q] = &mut powers;
        FixedBaseTable::pow_pair(
            self.tables.each_ref(),
            &self.rings,
            [power_p, power_q],
            exponents.each_ref().map(|exponent| &**exponent),
            &mut scratch,
        );
        self.rings.decode(&powers, &mut scratch)
    }

    /// hs^`exponent` modulo N, for a nonnegative exponent.
    pub(super) fn power_residue(&self, exponent: &Integer) -> SecretInteger {
        let exponents = self.reduce(exponent);
        let mut scratch = self.rings.scratch();
        let residues = [0, 1].map(|index| {
            let ring = &self.rings.rings()[index];
            let bits = self.key.bits().subgroup_bits();
            let power = self.tables[index].pow_residue(ring, &exponents[index], bits, &mut scratch[index]);
            ring.decode_residue(&power, &mut scratch[index])
        });
        let primes = self.primes.each_ref().map(|prime| &**prime);
        combine(residues.each_ref().map(|residue| &**residue), primes, &self.q_inverse)
    }
}

impl Randomisers for HolderRandomisers {
    fn key(&self) -> &PublicKey {
        &self.key
    }

    fn draw(&self, rng: &mut SecureRng) -> Randomiser {
        let exponent = SecretInteger::new(rng.integer_below(&self.order));
        let residues = self.power(&exponent);
        let squares = self.squares.each_ref().map(|square| &**square);
        let value = combine(residues.each_ref().map(|residue| &**residue), squares, &self.q_square_inverse);
        let mut limbs = Zeroizing::new(vec![0; self.key.ring().element_limbs()].into_boxed_slice());
        self.key.ring().encode(&mut limbs, &value, &mut self.key.scratch());
        Randomiser { limbs, exponent }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paillier::ciphertext::{CiphertextRef, Ciphertexts};
    use crate::paillier::randomness::TestRng;
    use crate::paillier::test_keys;
    use crate::paillier::window::power;

    /// Every randomiser decrypts to 0, is the power that it says, is no repetition, and has Jacobi symbol 1.
    fn check(source: &dyn Randomisers, key: &SecretKey, rng: &mut SecureRng) {
        let public = key.public();
        let mut batch = Ciphertexts::new(public);
        for _ in 0..20 {
            let randomiser = source.draw(rng);
            let decoded = |limbs: &[Limb]| public.ring().decode(limbs, &mut public.scratch());
            let expected = power_of_generator(public, &randomiser.exponent);
            assert_eq!(decoded(&randomiser.limbs), decoded(&expected));
            batch.push(CiphertextRef::from_limbs(randomiser.limbs()));
        }
        let decrypted = key.decrypt(&batch);
        assert!(decrypted.plaintexts.iter().all(Integer::is_zero) && decrypted.foreign.is_none());
        let mut numbers: Vec<Integer> =
            batch.iter().map(|c| public.ring().decode(c.limbs(), &mut public.scratch())).collect();
        assert!(numbers.iter().all(|number| number.jacobi(public.modulus()) == 1));
        numbers.sort();
        numbers.dedup();
        assert_eq!(numbers.len(), 20);
    }

    fn power_of_generator(key: &PublicKey, exponent: &Integer) -> Box<[Limb]> {
        power(key.ring(), key.generator(), exponent, exponent.significant_bits(), &mut key.scratch())
    }

    #[test]
    fn powers_modulo_n_are_those_of_both_sources() {
        let mut rng = TestRng::new(13);
        let key = test_keys::shared(512);
        let (public, ring) = (key.public(), key.public().ring());
        let bits = ExponentBits::honest(public.bits());
        let (ours, theirs) = (HolderRandomisers::for_uses(key, 50), PublicRandomisers::for_uses(public, 50));
        let mut scratch = public.scratch();
        for exponent in [Integer::new(), Integer::from(1), rng.integer_of_bits(bits.get())] {
            let expected =
                ring.decode(&power_of_generator(public, &exponent), &mut scratch) % public.modulus();
            assert_eq!(*ours.power_residue(&exponent), expected);
            let power = theirs.power_residue(&exponent, bits.get(), &mut scratch);
            assert_eq!(*ring.decode_residue(&power, &mut scratch), expected);
        }
    }

    #[test]
    fn randomisers_encrypt_zero() {
        let mut rng = TestRng::new(11);
        for bits in [512, 768] {
            let key = test_keys::shared(bits);
            check(&PublicRandomisers::for_uses(key.public(), 50), key, &mut rng);
            check(&HolderRandomisers::for_uses(key, 50), key, &mut rng);
        }
    }
}
