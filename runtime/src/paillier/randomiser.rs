//! Randomisers: N-th residues modulo N², after Damgård, Jurik and Nielsen (2010).
//!
//! A ciphertext of m is (1 + mN)·ρ for a random N-th residue ρ. Instead of raising a fresh number to
//! the N-th power each time, ρ = g^α for one fixed g and a random α, by a table of powers of g.
//!
//! *Server* ([`PublicRandomisers`]): g = h^N with h = −y² mod N for its own random y, and α of
//! |N| + 64 bits, not the |N|/2 bits of the paper: the peer is the key holder, who knows p and q, and
//! against him α must be uniform modulo the order of g by itself, which it is up to 2^-64. Because
//! (p − 1)/2 and (q − 1)/2 have no small factors (see [`keygen`](super::keygen)), a random square
//! generates all squares but with probability about 2^-18 per session, so no part of the group is
//! left unmasked.
//!
//! *Key holder* ([`HolderRandomisers`]): by the Chinese remainder theorem, g^α for α uniform modulo
//! the group's order is a pair of powers modulo p² and q² with independent exponents. So ρ is made
//! from two tables with numbers of half the size, exponents uniform below (p − 1)/2 and (q − 1)/2,
//! and is uniform among the N-th powers of squares where the bases generate them: with as
//! much randomness as textbook Paillier has, up to the restriction to squares. That restriction is
//! harmless (squaring is a bijection on plaintexts) and needed: all of the holder's randomness then
//! lies in the group that the server's randomisers cover, Jacobi symbol included.

use rug::Integer;
use zeroize::{Zeroize, Zeroizing};

use super::fixed_base::FixedBaseTable;
use super::limbs::Limb;
use super::modular::SquareModulusPair;
use super::public_key::PublicKey;
use super::randomness::SecureRng;
use super::secret_key::SecretKey;
use super::secret_pow::secret_pow;
use super::window::power;
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

/// The server's source: trusts nothing about the key but N.
pub struct PublicRandomisers {
    key: PublicKey,
    table: FixedBaseTable,
}

/// The key holder's source: about half the work of the server's.
pub struct HolderRandomisers {
    key: PublicKey,
    /// The rings modulo p² and q².
    rings: SquareModulusPair,
    /// (p − 1)/2 and (q − 1)/2: the numbers of different N-th powers of squares.
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
    /// A source with a fresh random base whose table suits about `uses` randomisers: more uses pay for a larger table, of
    /// 32 MiB at most.
    pub fn for_uses(key: &PublicKey, uses: usize, rng: &mut SecureRng) -> Self {
        let y = SecretInteger::new(rng.unit_below(key.modulus()));
        let h = (-Integer::from(y.square_ref())).modulo(key.modulus());
        let (ring, mut scratch) = (key.ring(), key.scratch());
        let mut limbs = vec![0; ring.element_limbs()];
        ring.encode(&mut limbs, &h, &mut scratch);
        let base = power(ring, &limbs, key.modulus(), key.bits().get(), &mut scratch);
        let table = FixedBaseTable::new(ring, &base, exponent_bits(key), uses);
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

/// Bits of α: so many that it is uniform modulo any order below N, up to 2^-64.
fn exponent_bits(key: &PublicKey) -> u32 {
    key.bits().get() + 64
}

impl HolderRandomisers {
    /// A source with fresh random bases whose tables suit about `uses` randomisers: more uses pay for larger tables, of
    /// 32 MiB each at most.
    pub fn for_uses(key: &SecretKey, uses: usize, rng: &mut SecureRng) -> Self {
        let parts = [&key.p, &key.q];
        let rings = SquareModulusPair::secret(parts.map(|part| &*part.prime));
        let bases = random_residues(&rings, parts.map(|part| &*part.square), rng);
        let orders = parts.map(|part| SecretInteger::new(Integer::from(&*part.prime >> 1u32)));
        let table = |index: usize| {
            FixedBaseTable::new(&rings.rings()[index], &bases[index], orders[index].significant_bits(), uses)
        };
        let tables = rayon::join(|| table(0), || table(1)).into();
        let inverse = key.q.square.invert_ref(&key.p.square).expect("the primes are different");
        Self {
            key: key.public().clone(),
            q_square_inverse: SecretInteger::new(Integer::from(inverse)),
            squares: parts.map(|part| SecretInteger::new(Integer::from(&*part.square))),
            rings,
            orders,
            tables,
        }
    }

    /// An N-th power of a random square, modulo p² and modulo q².
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
        let [modulo_p, modulo_q] = self.draw_residues(rng);
        let [p_square, q_square] = &self.squares;
        // ρ = ρ_q + q²·((ρ_p − ρ_q)/q² mod p²)
        let difference = SecretInteger::new(Integer::from(&*modulo_p - &*modulo_q));
        let scaled = SecretInteger::new(Integer::from(&*difference * &*self.q_square_inverse));
        let quotient = SecretInteger::new(Integer::from(scaled.modulo_ref(p_square)));
        let product = SecretInteger::new(Integer::from(&*quotient * &**q_square));
        let value = SecretInteger::new(Integer::from(&*product + &*modulo_q));
        let mut limbs = vec![0; self.key.ring().element_limbs()].into_boxed_slice();
        self.key.ring().encode(&mut limbs, &value, &mut self.key.scratch());
        Randomiser { limbs }
    }
}

/// Random N-th powers of squares, one in each ring.
fn random_residues(
    rings: &SquareModulusPair,
    squares: [&Integer; 2],
    rng: &mut SecureRng,
) -> [Zeroizing<Vec<Limb>>; 2] {
    // N-th powers are prime-th powers here, because the other prime is a unit as an exponent.
    let exponents =
        rings.rings().each_ref().map(|ring| SecretInteger::new(Integer::from(ring.base() * 2u32)));
    let [y_p, y_q] = squares.map(|square| SecretInteger::new(rng.unit_below(square)));
    let mut scratch = rings.scratch();
    let [x_p, x_q] = rings.encode_each([&y_p, &y_q], &mut scratch);
    let [exponent_p, exponent_q] = &exponents;
    let width = exponent_p.significant_bits().max(exponent_q.significant_bits());
    secret_pow(rings, [&x_p, &x_q], [exponent_p, exponent_q], width, &mut scratch)
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
        assert!(key.decrypt(&batch).iter().all(Integer::is_zero));
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
            check(&PublicRandomisers::for_uses(key.public(), 50, &mut rng), key, &mut rng);
            check(&HolderRandomisers::for_uses(key, 50, &mut rng), key, &mut rng);
        }
    }
}
