//! Operations on single ciphertexts and element-wise on batches.
//!
//! Results keep the randomness of their operands: re-randomise whatever leaves the machine.

use rayon::prelude::*;
use rug::Integer;

use super::ciphertext::{Ciphertext, CiphertextRef, Ciphertexts};
use super::count::Count;
use super::limbs::Limb;
use super::modular::Scratch;
use super::public_key::PublicKey;
use super::window::{power, table_products, window_for};

/// Ciphertexts that share one modular inversion.
pub(crate) const INVERSION_CHUNK: usize = 32;

/// Enc(x + y) for each pair, in parallel: the factors are multiplied into `x`.
///
/// # Panics
/// If the lengths differ.
pub fn multiply_each(key: &PublicKey, x: &mut Ciphertexts, y: &Ciphertexts) {
    assert_eq!(x.len(), y.len(), "batches of different lengths");
    let stride = x.stride();
    x.limbs_mut()
        .par_chunks_exact_mut(stride)
        .zip(y.limbs().par_chunks_exact(stride))
        .for_each_init(|| key.scratch(), |scratch, (x, y)| key.ring().mul_assign(x, y, scratch));
}

/// Enc(2^`bits`·x) for each, in parallel, by so many squarings.
pub fn shift_each(key: &PublicKey, ciphertexts: &mut Ciphertexts, bits: u32) {
    let stride = ciphertexts.stride();
    let each = ciphertexts.limbs_mut().par_chunks_exact_mut(stride);
    each.for_each_init(
        || key.scratch(),
        |scratch, limbs| (0..bits).for_each(|_| key.ring().square_assign(limbs, scratch)),
    );
}

/// Enc(x + plaintext) for each pair, in parallel: two products each.
///
/// # Panics
/// If the lengths differ.
pub fn add_plain_each(key: &PublicKey, ciphertexts: &mut Ciphertexts, plaintexts: &[Integer]) {
    assert_eq!(ciphertexts.len(), plaintexts.len(), "batches of different lengths");
    let stride = ciphertexts.stride();
    ciphertexts.limbs_mut().par_chunks_exact_mut(stride).zip(plaintexts).for_each_init(
        || key.scratch(),
        |scratch, (limbs, plaintext)| add_plain_assign(key, limbs, plaintext, scratch),
    );
}

/// Multiplies Enc(`plaintext`), with randomness 1, into an element of the ring.
pub(crate) fn add_plain_assign(
    key: &PublicKey,
    limbs: &mut [Limb],
    plaintext: &Integer,
    scratch: &mut Scratch,
) {
    let mut factor = vec![0; limbs.len()];
    key.ring().encode_one_plus_multiple(&mut factor, plaintext, scratch);
    key.ring().mul_assign(limbs, &factor, scratch);
}

/// Enc(x·`exponent`) for a secret nonnegative exponent of at most `width` bits. The sequence of
/// products depends on `width` only ([`pow_count`]); the addresses read depend on the exponent.
///
/// # Panics
/// If the exponent is negative or longer than `width` bits.
pub fn pow(key: &PublicKey, x: CiphertextRef<'_>, exponent: &Integer, width: u32) -> Ciphertext {
    let fits = !exponent.is_negative() && exponent.significant_bits() <= width;
    assert!(fits, "the exponent does not have {width} bits");
    Ciphertext::from_limbs(power(key.ring(), x.limbs(), exponent, width, &mut key.scratch()))
}

/// [`pow`] of each ciphertext to its own exponent, in parallel.
///
/// # Panics
/// If the lengths differ, or an exponent is negative or longer than `width` bits.
pub fn pow_each(key: &PublicKey, bases: &Ciphertexts, exponents: &[&Integer], width: u32) -> Ciphertexts {
    assert_eq!(bases.len(), exponents.len(), "batches of different lengths");
    let mut powers = bases.clone();
    let stride = powers.stride();
    powers.limbs_mut().par_chunks_exact_mut(stride).enumerate().for_each(|(index, limbs)| {
        limbs.copy_from_slice(pow(key, bases.get(index), exponents[index], width).as_ref().limbs());
    });
    powers
}

/// The exact cost of [`pow`] with exponents of `width` bits.
pub fn pow_count(width: u32) -> Count {
    let window = window_for(width);
    let steps = u64::from(width.div_ceil(window).saturating_sub(1));
    Count { products: table_products(window) + steps, squarings: steps * u64::from(window), inversions: 0 }
}

/// Replaces every Enc(x) by Enc(−x), in parallel: one modular inversion per 32 ciphertexts and about
/// three products for each (Montgomery's trick).
pub fn invert_all(key: &PublicKey, ciphertexts: &mut Ciphertexts) {
    let stride = ciphertexts.stride();
    ciphertexts
        .limbs_mut()
        .par_chunks_mut(INVERSION_CHUNK * stride)
        .for_each_init(|| key.scratch(), |scratch, chunk| invert_chunk(key, chunk, scratch));
}

/// The exact cost of [`invert_all`] on `len` ciphertexts.
pub fn invert_count(len: usize) -> Count {
    let chunks = len.div_ceil(INVERSION_CHUNK) as u64;
    let products = 3 * (len as u64 - chunks) + 2 * chunks;
    Count { products, squarings: 0, inversions: chunks }
}

fn invert_chunk(key: &PublicKey, chunk: &mut [Limb], scratch: &mut Scratch) {
    let (ring, stride) = (key.ring(), key.ring().element_limbs());
    // Products of the elements up to each one.
    let mut prefixes = chunk.to_vec();
    for end in (2 * stride..=chunk.len()).step_by(stride) {
        let (done, rest) = prefixes.split_at_mut(end - stride);
        ring.mul_assign(&mut rest[..stride], &done[end - 2 * stride..], scratch);
    }
    let last = chunk.len() - stride;
    #[cfg(test)]
    super::count::instrument::record(|count| count.inversions += 1);
    let product = ring.decode(&prefixes[last..], scratch);
    let inverse = product.invert(key.modulus_squared()).expect("ciphertexts are invertible");
    // The inverse of the product of the elements up to the current one.
    let mut running = vec![0; stride];
    ring.encode(&mut running, &inverse, scratch);
    for start in (stride..chunk.len()).step_by(stride).rev() {
        let element = &mut chunk[start..start + stride];
        let previous = &mut prefixes[start - stride..start];
        ring.mul_assign(previous, &running, scratch);
        ring.mul_assign(&mut running, element, scratch);
        element.copy_from_slice(previous);
    }
    chunk[..stride].copy_from_slice(&running);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paillier::count::instrument::measure;
    use crate::paillier::encrypt::encrypt;
    use crate::paillier::randomiser::HolderRandomisers;
    use crate::paillier::randomness::TestRng;
    use crate::paillier::test_keys;

    fn encrypted(values: &[Integer], rng: &mut TestRng) -> Ciphertexts {
        let source = HolderRandomisers::for_uses(test_keys::shared(512), 50);
        encrypt(&source, values, rng).unwrap()
    }

    fn decrypted(ciphertext: &Ciphertext) -> Integer {
        let key = test_keys::shared(512);
        let mut batch = Ciphertexts::new(key.public());
        batch.push(ciphertext.as_ref());
        key.decrypt_signed(&batch).remove(0)
    }

    #[test]
    fn sums_and_multiples_of_plaintexts() {
        let mut rng = TestRng::new(15);
        let key = test_keys::shared(512).public();
        let batch = encrypted(&[Integer::from(-7), Integer::from(12)], &mut rng);
        let mut sums = batch.clone();
        multiply_each(key, &mut sums, &batch.select(&[1, 1]));
        add_plain_each(key, &mut sums, &[-100, -100].map(Integer::from));
        assert_eq!(test_keys::shared(512).decrypt_signed(&sums), [-95, -76]);
        for width in [1u32, 2, 3, 9, 41, 64, 80] {
            let all_ones = Integer::from(Integer::u_pow_u(2, width)) - 1u32;
            for exponent in [Integer::new(), Integer::from(1), all_ones] {
                let (power, counted) = measure(|| pow(key, batch.get(0), &exponent, width));
                assert_eq!(counted, pow_count(width));
                assert_eq!(decrypted(&power), exponent * -7);
            }
        }
    }

    #[test]
    fn inversion_negates_every_plaintext() {
        let mut rng = TestRng::new(16);
        let key = test_keys::shared(512);
        for len in [0, 1, 2, 31, 32, 33, 70] {
            let values: Vec<_> = (0..len).map(|_| rng.integer_of_bits(100)).collect();
            let mut batch = encrypted(&values, &mut rng);
            let original = batch.clone();
            let ((), counted) = measure(|| invert_all(key.public(), &mut batch));
            assert_eq!(counted, invert_count(len));
            let negated: Vec<_> = values.iter().map(|value| Integer::from(-value)).collect();
            assert_eq!(key.decrypt_signed(&batch), negated);
            multiply_each(key.public(), &mut batch, &original);
            let ones = Ciphertexts::ones(key.public(), len);
            let [bytes, expected] = [batch, ones].map(|batch| batch.to_bytes(key.public()));
            assert_eq!(bytes, expected, "a ciphertext times its inverse is 1");
        }
    }
}
