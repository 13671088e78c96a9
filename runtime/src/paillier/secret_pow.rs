//! Exponentiation by a secret: the only way for a private key into an exponent.

use rug::Integer;
use zeroize::Zeroizing;

use super::limbs::Limb;
use super::modular::{Scratch, SquareModulus};
use super::window::{WindowTable, digit, window_for};

/// x^`exponent` for a nonnegative exponent of at most `width` bits, in time that does not depend on
/// the exponent's bits: a fixed window, tables read in full, products in constant time. `width`
/// and the exponent's number of limbs still show.
///
/// # Panics
/// If the exponent is negative or longer than `width` bits.
pub(crate) fn secret_pow(
    ring: &SquareModulus,
    x: &[Limb],
    exponent: &Integer,
    width: u32,
    scratch: &mut Scratch,
) -> Zeroizing<Vec<Limb>> {
    let fits = !exponent.is_negative() && exponent.significant_bits() <= width;
    assert!(fits, "the exponent does not have {width} bits");
    let window = window_for(width);
    let table = WindowTable::new(ring, x, window, scratch);
    let mut power = Zeroizing::new(ring.one().to_vec());
    let mut factor = Zeroizing::new(vec![0; x.len()]);
    for index in (0..width.div_ceil(window)).rev() {
        (0..window).for_each(|_| ring.square_assign(&mut power, scratch));
        table.select(ring, &mut factor, digit(exponent, index * window, window));
        ring.mul_assign(&mut power, &factor, scratch);
    }
    power
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paillier::randomness::TestRng;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the plain power is the oracle")]
    fn powers_agree_with_plain_exponentiation() {
        let mut rng = TestRng::new(19);
        for bits in [2, 64, 65, 700] {
            let base = (rng.integer_of_bits(bits) | 1u32) + 2u32;
            let square = Integer::from(base.square_ref());
            let x = rng.integer_below(&square);
            let all_ones = Integer::from(Integer::u_pow_u(2, bits)) - 1u32;
            for ring in SquareModulus::secret_on_all_kernels(&base) {
                let mut scratch = ring.scratch();
                let mut limbs = vec![0; ring.element_limbs()];
                ring.encode(&mut limbs, &x, &mut scratch);
                let exponents =
                    [Integer::new(), Integer::from(1), rng.integer_of_bits(bits), all_ones.clone()];
                for exponent in exponents {
                    for width in [bits, bits + 70] {
                        let power = secret_pow(&ring, &limbs, &exponent, width, &mut scratch);
                        let expected = x.clone().pow_mod(&exponent, &square).unwrap();
                        assert_eq!(ring.decode(&power, &mut scratch), expected);
                    }
                }
            }
        }
    }
}
