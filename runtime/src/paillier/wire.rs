//! Ciphertexts as bytes: fixed-width big-endian blocks, one per ciphertext.

use rayon::prelude::*;
use rug::{Integer, integer::Order};

use super::ciphertext::Ciphertexts;
use super::limbs::Limb;
use super::public_key::PublicKey;

/// Ciphertexts that share one test for common factors with N, and one unit of parallel work.
const CHUNK: usize = 32;

/// Why bytes are not ciphertexts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CiphertextError {
    /// The block has another length than that many ciphertexts have.
    #[error("{count} ciphertexts do not have {got} bytes")]
    Length {
        /// Ciphertexts expected.
        count: usize,
        /// Bytes received.
        got: usize,
    },
    /// One number is not a ciphertext.
    #[error("ciphertext {index} is {reason}")]
    Element {
        /// Position of the first such number.
        index: usize,
        /// What is wrong with it.
        reason: BadCiphertext,
    },
}

/// Why a number is not a ciphertext.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCiphertext {
    /// It is 0.
    #[error("zero")]
    Zero,
    /// It is N² or more.
    #[error("not below the square of the modulus")]
    TooLarge,
    /// It has a factor in common with N.
    #[error("not invertible")]
    NotInvertible,
}

impl Ciphertexts {
    /// Reads and checks `count` ciphertexts received from a peer: each must be in (0, N²) and
    /// without common factor with N.
    ///
    /// # Errors
    /// If the length is not exact, or for the first number that fails.
    pub fn receive(key: &PublicKey, bytes: &[u8], count: usize) -> Result<Self, CiphertextError> {
        let width = key.ciphertext_bytes();
        if count.checked_mul(width) != Some(bytes.len()) {
            return Err(CiphertextError::Length { count, got: bytes.len() });
        }
        let mut received = Self::ones(key, count);
        let stride = received.stride();
        let checked: Vec<Result<(), CiphertextError>> = received
            .limbs_mut()
            .par_chunks_mut(stride * CHUNK)
            .zip(bytes.par_chunks(width * CHUNK))
            .enumerate()
            .map(|(chunk, (limbs, bytes))| {
                receive_chunk(key, limbs, bytes).map_err(|(index, reason)| CiphertextError::Element {
                    index: chunk * CHUNK + index,
                    reason,
                })
            })
            .collect();
        checked.into_iter().collect::<Result<(), _>>().map(|()| received)
    }

    /// The ciphertexts for a peer: [`PublicKey::ciphertext_bytes`] bytes each.
    pub fn to_bytes(&self, key: &PublicKey) -> Vec<u8> {
        let width = key.ciphertext_bytes();
        let mut bytes = vec![0; width * self.len()];
        bytes.par_chunks_exact_mut(width).zip(self.limbs().par_chunks_exact(self.stride())).for_each_init(
            || key.scratch(),
            |scratch, (block, limbs)| {
                key.ring().decode(limbs, scratch).write_digits(block, Order::Msf);
            },
        );
        bytes
    }
}

/// Reads one chunk; an error carries the position in the chunk.
fn receive_chunk(key: &PublicKey, limbs: &mut [Limb], bytes: &[u8]) -> Result<(), (usize, BadCiphertext)> {
    let ring = key.ring();
    let mut scratch = key.scratch();
    let mut product = ring.one().to_vec();
    let blocks = bytes.chunks_exact(key.ciphertext_bytes());
    for (index, (block, out)) in blocks.zip(limbs.chunks_exact_mut(ring.element_limbs())).enumerate() {
        let value = Integer::from_digits(block, Order::Msf);
        check_range(&value, key).map_err(|reason| (index, reason))?;
        ring.encode(out, &value, &mut scratch);
        ring.mul_assign(&mut product, out, &mut scratch);
    }
    if is_invertible(key, &product) {
        return Ok(());
    }
    let index = limbs.chunks_exact(ring.element_limbs()).position(|limbs| !is_invertible(key, limbs));
    let index = index.expect("a product with a common factor has a factor with one");
    Err((index, BadCiphertext::NotInvertible))
}

fn check_range(value: &Integer, key: &PublicKey) -> Result<(), BadCiphertext> {
    if value.is_zero() {
        Err(BadCiphertext::Zero)
    } else if value >= key.modulus_squared() {
        Err(BadCiphertext::TooLarge)
    } else {
        Ok(())
    }
}

fn is_invertible(key: &PublicKey, limbs: &[Limb]) -> bool {
    key.ring().common_factor_witness(limbs).gcd(key.modulus()) == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paillier::randomness::TestRng;
    use crate::paillier::test_keys;

    fn receive(values: &[Integer]) -> Result<Ciphertexts, CiphertextError> {
        let key = test_keys::shared(512).public();
        let width = key.ciphertext_bytes();
        let mut bytes = vec![0; width * values.len()];
        for (value, block) in values.iter().zip(bytes.chunks_exact_mut(width)) {
            value.write_digits(block, Order::Msf);
        }
        Ciphertexts::receive(key, &bytes, values.len())
    }

    #[test]
    fn ciphertexts_survive_the_wire() {
        let key = test_keys::shared(512).public();
        let mut rng = TestRng::new(8);
        let mut values: Vec<_> = (0..70).map(|_| rng.unit_below(key.modulus_squared())).collect();
        values.push(Integer::from(1));
        values.push(Integer::from(key.modulus_squared() - 1u32));
        let received = receive(&values).unwrap();
        let bytes = received.to_bytes(key);
        let sent: Vec<_> = bytes
            .chunks_exact(key.ciphertext_bytes())
            .map(|block| Integer::from_digits(block, Order::Msf))
            .collect();
        assert_eq!(sent, values);
        assert_eq!(receive(&[]).unwrap().len(), 0);
    }

    #[test]
    fn numbers_that_are_no_ciphertexts_are_refused() {
        let key = test_keys::shared(512);
        let public = key.public();
        let square = public.modulus_squared();
        let bad = [
            (Integer::new(), BadCiphertext::Zero),
            (square.clone(), BadCiphertext::TooLarge),
            (Integer::from(square + 5u32), BadCiphertext::TooLarge),
            ((Integer::from(Integer::u_pow_u(2, 1024))) - 1u32, BadCiphertext::TooLarge),
            (public.modulus().clone(), BadCiphertext::NotInvertible),
            (Integer::from(public.modulus() * 12345u32), BadCiphertext::NotInvertible),
            (Integer::from(&*key.p.prime * 7u32), BadCiphertext::NotInvertible),
            (Integer::from(&*key.q.square * 3u32), BadCiphertext::NotInvertible),
        ];
        for (value, reason) in bad {
            for index in [0, 31, 32, 40] {
                let mut values = vec![Integer::from(2); 41];
                values[index] = value.clone();
                let error = receive(&values).unwrap_err();
                assert_eq!(error, CiphertextError::Element { index, reason });
            }
        }
    }

    #[test]
    fn blocks_of_the_wrong_length_are_refused() {
        let key = test_keys::shared(512).public();
        for (got, count) in [(0, 1), (127, 1), (129, 1), (128, 2), (128, 0), (128, usize::MAX)] {
            let error = Ciphertexts::receive(key, &vec![1; got], count).unwrap_err();
            assert_eq!(error, CiphertextError::Length { count, got });
        }
    }
}
