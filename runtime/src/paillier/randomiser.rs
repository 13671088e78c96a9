//! Randomisers: random encryptions of 0, powers of the key's hs.
//!
//! A ciphertext of m is (1 + mN)·ρ for a random N-th residue ρ. Instead of raising a fresh number to the N-th power each
//! time, ρ = hs^r for the hs of the public key, which has a secret order α = α_p·α_q of few bits ([`keygen`](super::keygen)),
//! by a table of powers of hs (Paillier, EUROCRYPT 1999, section 6; Ma, Han and Lei, ACSAC 2021).
//!
//! *Key holder* ([`HolderRandomisers`]): r uniform below α. By the Chinese remainder theorem hs^r is a pair of powers modulo
//! p² and q² with exponents modulo α_p and α_q, from two tables with numbers of half the size.
//!
//! *Server* ([`PublicRandomisers`]): r of [`KeyBits::order_bits`](crate::plan::KeyBits::order_bits) + 64 bits, which is uniform
//! modulo α up to 2^−64: against the key holder, who knows α, that hides all randomness that was in the ciphertext before.

use rug::Integer;
use zeroize::Zeroize;

use super::fixed_base::FixedBaseTable;
use super::limbs::Limb;
use super::modular::SquareModulusPair;
use super::public_key::PublicKey;
use super::randomness::SecureRng;
use super::secret_key::{SecretKey, combine};
use super::wipe::SecretInteger;

/// A random encryption of 0, to be used once. Not `Clone`; overwritten on drop.
pub struct Randomiser {
    limbs: Box<[Limb]>,
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

/// Anybody's source.
pub struct PublicRandomisers {
    key: PublicKey,
    table: FixedBaseTable,
}

/// The key holder's source: a fraction of the work of anybody else's.
pub struct HolderRandomisers {
    key: PublicKey,
    /// The rings modulo p² and q².
    rings: SquareModulusPair,
    /// α_p and α_q.
    orders: [SecretInteger; 2],
    tables: [FixedBaseTable; 2],
    squares: [SecretInteger; 2],
    /// 1/q² mod p².
    q_square_inverse: SecretInteger,
}

impl Randomiser {
    /// The encryption of 0, in the ring of the key.
    pub(crate) fn limbs(&self) -> &[Limb] {
        &self.limbs
    }
}

impl Drop for Randomiser {
    fn drop(&mut self) {
        self.limbs.zeroize();
    }
}

impl PublicRandomisers {
    /// A source whose table suits about `uses` randomisers: more uses pay for a larger table, of 32 MiB at most.
    pub fn for_uses(key: &PublicKey, uses: usize) -> Self {
        let table = FixedBaseTable::new(key.ring(), key.generator(), exponent_bits(key), uses);
        Self { key: key.clone(), table }
    }
}

impl Randomisers for PublicRandomisers {
    fn key(&self) -> &PublicKey {
        &self.key
    }

    fn draw(&self, rng: &mut SecureRng) -> Randomiser {
        let exponent = SecretInteger::new(rng.integer_of_bits(exponent_bits(&self.key)));
        let ring = self.key.ring();
        let mut limbs = vec![0; ring.element_limbs()].into_boxed_slice();
        self.table.pow(ring, &mut limbs, &exponent, &mut self.key.scratch());
        Randomiser { limbs }
    }
}

/// Bits of r: so many that it is uniform modulo any order of [`KeyBits::order_bits`](crate::plan::KeyBits::order_bits), up to
/// 2^−64.
fn exponent_bits(key: &PublicKey) -> u32 {
    key.bits().order_bits() + 64
}

impl HolderRandomisers {
    /// A source whose tables suit about `uses` randomisers: more uses pay for larger tables, of 32 MiB each at most.
    pub fn for_uses(key: &SecretKey, uses: usize) -> Self {
        let parts = [&key.p, &key.q];
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
            orders: parts.map(|part| SecretInteger::new(Integer::from(&*part.order))),
            rings,
            tables,
        }
    }

    /// A random power of hs, modulo p² and modulo q².
    fn draw_residues(&self, rng: &mut SecureRng) -> [SecretInteger; 2] {
        let exponents = self.orders.each_ref().map(|order| SecretInteger::new(rng.integer_below(order)));
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
}

impl Randomisers for HolderRandomisers {
    fn key(&self) -> &PublicKey {
        &self.key
    }

    fn draw(&self, rng: &mut SecureRng) -> Randomiser {
        let residues = self.draw_residues(rng);
        let squares = self.squares.each_ref().map(|square| &**square);
        let value = combine(residues.each_ref().map(|residue| &**residue), squares, &self.q_square_inverse);
        let mut limbs = vec![0; self.key.ring().element_limbs()].into_boxed_slice();
        self.key.ring().encode(&mut limbs, &value, &mut self.key.scratch());
        Randomiser { limbs }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paillier::ciphertext::{Ciphertext, Ciphertexts};
    use crate::paillier::randomness::TestRng;
    use crate::paillier::test_keys;

    /// Every randomiser decrypts to 0, is no repetition, and has Jacobi symbol 1.
    fn check(source: &dyn Randomisers, key: &SecretKey, rng: &mut SecureRng) {
        let public = key.public();
        let mut batch = Ciphertexts::new(public);
        for _ in 0..20 {
            let randomiser = source.draw(rng);
            batch.push(Ciphertext::from_limbs(randomiser.limbs().into()).as_ref());
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
