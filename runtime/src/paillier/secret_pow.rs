//! Exponentiation by secrets: the only way for a private key into an exponent.

use rug::Integer;
use zeroize::Zeroizing;

use super::limbs::Limb;
use super::modular::{Scratch, SquareModulusPair};
use super::window::{WindowTable, digit, window_for};

/// Tables are read in full for every digit, so they must stay in the nearest cache, both of them.
const WIDEST_WINDOW: u32 = 5;

/// x^exponent in each ring, for nonnegative exponents of at most `width` bits, in time that does not depend on
/// the exponents' bits: a fixed window, tables read in full, products in constant time. `width`
/// and the exponents' numbers of limbs still show.
///
/// # Panics
/// If an exponent is negative or longer than `width` bits.
pub(crate) fn secret_pow(
    rings: &SquareModulusPair,
    x: [&[Limb]; 2],
    exponents: [&Integer; 2],
    width: u32,
    scratch: &mut [Scratch; 2],
) -> [Zeroizing<Vec<Limb>>; 2] {
    let fits = |exponent: &Integer| !exponent.is_negative() && exponent.significant_bits() <= width;
    assert!(exponents.into_iter().all(fits), "an exponent does not have {width} bits");
    let window = window_for(width).min(WIDEST_WINDOW);
    let [p, q] = rings.rings();
    let [table_p, table_q] = [
        WindowTable::new(p, x[0], window, &mut scratch[0]),
        WindowTable::new(q, x[1], window, &mut scratch[1]),
    ];
    let [mut power_p, mut power_q] = [p, q].map(|ring| Zeroizing::new(ring.one().to_vec()));
    let [mut factor_p, mut factor_q] = x.map(|x| Zeroizing::new(vec![0; x.len()]));
    for index in (0..width.div_ceil(window)).rev() {
        (0..window).for_each(|_| rings.square_assign([&mut power_p, &mut power_q], scratch));
        let [digit_p, digit_q] = exponents.map(|exponent| digit(exponent, index * window, window));
        table_p.select(p, &mut factor_p, digit_p);
        table_q.select(q, &mut factor_q, digit_q);
        rings.mul_assign([&mut power_p, &mut power_q], [&factor_p, &factor_q], scratch);
    }
    [power_p, power_q]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paillier::randomness::TestRng;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the plain power is the oracle")]
    fn powers_agree_with_plain_exponentiation() {
        let mut rng = TestRng::new(19);
        for bits in [2, 64, 65, 256, 700] {
            let bases = [(); 2].map(|()| (rng.integer_of_bits(bits) | 1u32) + 2u32);
            let squares = bases.each_ref().map(|base| Integer::from(base.square_ref()));
            let x = squares.each_ref().map(|square| rng.integer_below(square));
            let all_ones = Integer::from(Integer::u_pow_u(2, bits)) - 1u32;
            for (_, rings) in SquareModulusPair::secret_on_all_kernels(bases.each_ref()) {
                let mut scratch = rings.scratch();
                let limbs = [0, 1].map(|index| {
                    let mut limbs = vec![0; rings.rings()[index].element_limbs()];
                    rings.rings()[index].encode(&mut limbs, &x[index], &mut scratch[index]);
                    limbs
                });
                let exponents =
                    [Integer::new(), Integer::from(1), rng.integer_of_bits(bits), all_ones.clone()];
                for pair in exponents.iter().zip(exponents.iter().rev()) {
                    let pair = [pair.0, pair.1];
                    for width in [bits, bits + 70] {
                        let limbs = [&*limbs[0], &*limbs[1]];
                        let powers = secret_pow(&rings, limbs, pair, width, &mut scratch);
                        for index in [0, 1] {
                            let expected = x[index].clone().pow_mod(pair[index], &squares[index]).unwrap();
                            let power = rings.rings()[index].decode(&powers[index], &mut scratch[index]);
                            assert_eq!(power, expected);
                        }
                    }
                }
            }
        }
    }
}
