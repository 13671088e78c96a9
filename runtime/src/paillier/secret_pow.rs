//! Exponentiation by a secret: the only way for a private key into an exponent.

use rug::Integer;

/// `base`^`exponent` mod `modulus`, in time that does not depend on the exponent's bits.
///
/// This is GMP's `mpz_powm_sec`: a fixed window, tables read in full, no branch on the exponent.
/// The *sizes* of all three operands still show. It costs about 1.4 times a plain power.
///
/// # Panics
/// If `exponent` is not positive or `modulus` is even: both come from a validated key.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub(crate) fn secret_pow(base: &Integer, exponent: &Integer, modulus: &Integer) -> Integer {
    Integer::from(base.secure_pow_mod_ref(exponent, modulus))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paillier::randomness::TestRng;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the plain power is the oracle")]
    fn powers_agree_with_plain_exponentiation() {
        let mut rng = TestRng::new(19);
        for bits in [1, 64, 65, 700] {
            let modulus = rng.integer_of_bits(bits) | 1u32;
            let modulus = modulus + 2u32;
            let base = rng.integer_below(&modulus);
            let exponent = rng.integer_of_bits(bits) + 1u32;
            let expected = base.clone().pow_mod(&exponent, &modulus).unwrap();
            assert_eq!(secret_pow(&base, &exponent, &modulus), expected);
        }
    }
}
