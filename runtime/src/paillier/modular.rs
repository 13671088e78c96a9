//! Arithmetic modulo M² in the M-adic Montgomery form: the product under everything else.
//!
//! An element x of Z/M² is held as two digits to the base M, x = x0 + x1·M with x0, x1 < M, each of
//! k limbs, and multiplied by R = 2^(64k). For u = x0·y0, Montgomery's reduction modulo M gives r
//! and its quotient digits q with u + q·M = r·R, hence
//!
//! ```text
//! x·y/R ≡ r + M·[(x0·y1 + x1·y0 − q)/R mod M]   (mod M²):
//! ```
//!
//! three products and two reductions of half the size. A square needs two products.
//!
//! M is N for ciphertexts and p or q on the key holder's side. Everything here runs in variable
//! time; exponentiation by a secret goes through [`secret_pow`](super::secret_pow).

use rug::{Integer, integer::Order};
use zeroize::Zeroize;

use super::limbs::{self, LIMB_BITS, Limb};
use super::wipe::wipe_integer;

/// The ring Z/M² for an odd M > 1, with the constants of its Montgomery form.
///
/// An element is a slice of [`element_limbs`](Self::element_limbs) limbs: the low digit, then the
/// high digit. Each digit must be below M: the methods keep it so and do not check it.
///
/// Overwritten on drop, as is [`Scratch`], because M may be a secret prime.
pub struct SquareModulus {
    base: Integer,
    base_limbs: Box<[Limb]>,
    /// −1/M modulo 2^64.
    negative_inverse: Limb,
    /// The number 1, in Montgomery form.
    one: Box<[Limb]>,
    /// R² as plain digits: a product with it brings plain digits into Montgomery form.
    r_squared: Box<[Limb]>,
}

/// Working memory of one thread for the products of one [`SquareModulus`].
pub struct Scratch {
    /// u, then what is left of it; 2k limbs.
    low: Box<[Limb]>,
    /// x0·y1 + x1·y0 − q and its reduction; 2k limbs.
    high: Box<[Limb]>,
    /// One product of digits; 2k limbs.
    cross: Box<[Limb]>,
    /// Quotient digits q of the low reduction; k limbs.
    quotient: Box<[Limb]>,
}

impl SquareModulus {
    /// The ring modulo `base`².
    ///
    /// # Panics
    /// If `base` is even or below 3: callers validate keys first.
    pub fn new(base: &Integer) -> Self {
        assert!(base.is_odd() && *base >= 3, "the base of a modulus is odd and above 1");
        let length = base.significant_digits::<Limb>();
        let mut base_limbs = vec![0; length].into_boxed_slice();
        base.write_digits(&mut base_limbs, Order::Lsf);
        let negative_inverse = limbs::inverse_mod_limb(base_limbs[0]).wrapping_neg();
        let mut modulus = Self {
            base: base.clone(),
            base_limbs,
            negative_inverse,
            one: Box::default(),
            r_squared: Box::default(),
        };
        let square = Integer::from(base * base);
        let r = Integer::from(Integer::u_pow_u(2, LIMB_BITS * length as u32)) % &square;
        modulus.one = modulus.digits(&r);
        modulus.r_squared = modulus.digits(&(Integer::from(&r * &r) % &square));
        modulus
    }

    /// M.
    pub fn base(&self) -> &Integer {
        &self.base
    }

    /// Limbs of one element: twice those of M.
    pub fn element_limbs(&self) -> usize {
        2 * self.base_limbs.len()
    }

    /// The number 1.
    pub fn one(&self) -> &[Limb] {
        &self.one
    }

    /// Fresh working memory for this ring.
    pub fn scratch(&self) -> Scratch {
        let length = self.base_limbs.len();
        let limbs = |count| vec![0; count].into_boxed_slice();
        Scratch {
            low: limbs(2 * length),
            high: limbs(2 * length),
            cross: limbs(2 * length),
            quotient: limbs(length),
        }
    }

    /// `out = x · y`.
    pub fn mul(&self, out: &mut [Limb], x: &[Limb], y: &[Limb], scratch: &mut Scratch) {
        let carry = self.products(x, y, scratch);
        self.finish(out, carry, scratch);
    }

    /// `x = x · y`.
    pub fn mul_assign(&self, x: &mut [Limb], y: &[Limb], scratch: &mut Scratch) {
        let carry = self.products(x, y, scratch);
        self.finish(x, carry, scratch);
    }

    /// `x = x²`.
    pub fn square_assign(&self, x: &mut [Limb], scratch: &mut Scratch) {
        let (x0, x1) = x.split_at(self.base_limbs.len());
        limbs::square(&mut scratch.low, x0);
        limbs::multiply(&mut scratch.high, x0, x1);
        let carry = limbs::double(&mut scratch.high);
        #[cfg(test)]
        super::count::instrument::record(|count| count.squarings += 1);
        self.finish(x, carry, scratch);
    }

    /// Writes `value` mod M², for any integer, into `out`.
    pub fn encode(&self, out: &mut [Limb], value: &Integer, scratch: &mut Scratch) {
        let plain = self.digits(value);
        self.mul(out, &plain, &self.r_squared, scratch);
    }

    /// Writes 1 + `multiple`·M, for any integer `multiple`, into `out`: one product.
    pub fn encode_one_plus_multiple(&self, out: &mut [Limb], multiple: &Integer, scratch: &mut Scratch) {
        let mut plain = vec![0; self.element_limbs()].into_boxed_slice();
        let (low, high) = plain.split_at_mut(self.base_limbs.len());
        low[0] = 1;
        Integer::from(multiple.modulo_ref(&self.base)).write_digits(high, Order::Lsf);
        self.mul(out, &plain, &self.r_squared, scratch);
    }

    /// The number in [0, M²) that the element stands for.
    pub fn decode(&self, x: &[Limb], scratch: &mut Scratch) -> Integer {
        let mut plain = vec![0; 2 * self.element_limbs()].into_boxed_slice();
        let (out, one) = plain.split_at_mut(self.element_limbs());
        one[0] = 1;
        self.mul(out, x, one, scratch);
        let (low, high) = out.split_at(self.base_limbs.len());
        let high = Integer::from_digits(high, Order::Lsf);
        high * &self.base + Integer::from_digits(low, Order::Lsf)
    }

    /// The three products of digits: x0·y0 in `low`, x0·y1 + x1·y0 in `high`, its carry returned.
    fn products(&self, x: &[Limb], y: &[Limb], scratch: &mut Scratch) -> Limb {
        let (x0, x1) = x.split_at(self.base_limbs.len());
        let (y0, y1) = y.split_at(self.base_limbs.len());
        limbs::multiply(&mut scratch.low, x0, y0);
        limbs::multiply(&mut scratch.high, x0, y1);
        limbs::multiply(&mut scratch.cross, x1, y0);
        #[cfg(test)]
        super::count::instrument::record(|count| count.products += 1);
        limbs::add_assign(&mut scratch.high, &scratch.cross)
    }

    /// An integer in [0, M) that has a factor in common with M exactly if the element has one.
    pub fn common_factor_witness(&self, x: &[Limb]) -> Integer {
        Integer::from_digits(&x[..self.base_limbs.len()], Order::Lsf)
    }

    /// The plain digits of `value` mod M².
    fn digits(&self, value: &Integer) -> Box<[Limb]> {
        let (high, low) = value.clone().div_rem_floor(self.base.clone());
        let mut digits = vec![0; self.element_limbs()].into_boxed_slice();
        let (low_out, high_out) = digits.split_at_mut(self.base_limbs.len());
        low.write_digits(low_out, Order::Lsf);
        high.modulo(&self.base).write_digits(high_out, Order::Lsf);
        digits
    }

    /// `out = low + M·high` after both reductions; `carry` is the bit above `scratch.high`.
    fn finish(&self, out: &mut [Limb], carry: Limb, scratch: &mut Scratch) {
        let length = self.base_limbs.len();
        let (low_out, high_out) = out.split_at_mut(length);
        let low_carry = self.reduce(&mut scratch.low, &mut scratch.quotient);
        low_out.copy_from_slice(&scratch.low[length..]);
        let mut excess = 0;
        if low_carry == 1 || limbs::at_least(low_out, &self.base_limbs) {
            limbs::sub_assign(low_out, &self.base_limbs);
            excess = 1;
        }

        let (first, second) = scratch.high.split_at_mut(length);
        let borrow = limbs::sub_assign(first, &scratch.quotient);
        let borrow = limbs::sub_digit(second, borrow);
        let mut carry = carry;
        if borrow > carry {
            // The bracket is negative but above −R: adding M·R makes it positive.
            limbs::add_assign(second, &self.base_limbs);
        } else {
            carry -= borrow;
        }
        carry += self.reduce(&mut scratch.high, &mut scratch.quotient);
        high_out.copy_from_slice(&scratch.high[length..]);
        carry += limbs::add_digit(high_out, excess);
        while carry > 0 || limbs::at_least(high_out, &self.base_limbs) {
            carry -= limbs::sub_assign(high_out, &self.base_limbs);
        }
    }

    /// Montgomery's reduction: replaces the upper half of `value` by the lower k limbs of
    /// (value + quotient·M)/R, returns the bit above them, and leaves the quotient digits.
    fn reduce(&self, value: &mut [Limb], quotient: &mut [Limb]) -> Limb {
        let length = self.base_limbs.len();
        for (index, digit) in quotient.iter_mut().enumerate() {
            *digit = value[index].wrapping_mul(self.negative_inverse);
            let window = &mut value[index..index + length];
            // The limb that has become zero keeps the carry, which belongs `length` limbs higher.
            value[index] = limbs::add_multiple(window, &self.base_limbs, *digit);
        }
        let (carries, upper) = value.split_at_mut(length);
        limbs::add_assign(upper, carries)
    }
}

impl Drop for SquareModulus {
    fn drop(&mut self) {
        wipe_integer(&mut self.base);
        self.negative_inverse.zeroize();
        for limbs in [&mut self.base_limbs, &mut self.one, &mut self.r_squared] {
            limbs.zeroize();
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        for limbs in [&mut self.low, &mut self.high, &mut self.cross, &mut self.quotient] {
            limbs.zeroize();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// An odd modulus base of exactly `bits` bits made of the digits given.
    fn base(bits: u32, digits: &[u64]) -> Integer {
        let mut base = Integer::from_digits(digits, Order::Lsf).keep_bits(bits);
        base.set_bit(0, true);
        base.set_bit(bits - 1, true);
        base
    }

    /// Numbers where carries, negative brackets and final subtractions happen.
    fn edges(base: &Integer) -> Vec<Integer> {
        let square = Integer::from(base * base);
        let r = Integer::from(1) << (64 * base.significant_digits::<u64>() as u32);
        let mut edges = vec![Integer::new(), Integer::from(1), r.clone(), Integer::from(&r - 1)];
        for near in [base, &square, &Integer::from(base << 1), &Integer::from(&r * base)] {
            edges.extend([-1, 0, 1].map(|offset| Integer::from(near + offset)));
        }
        edges.into_iter().map(|edge| edge.modulo(&square)).collect()
    }

    fn check(modulus: &SquareModulus, x: &Integer, y: &Integer) {
        let square = Integer::from(modulus.base() * modulus.base());
        let mut scratch = modulus.scratch();
        let mut encoded = [x, y].map(|value| {
            let mut limbs = vec![0; modulus.element_limbs()];
            modulus.encode(&mut limbs, value, &mut scratch);
            assert_eq!(modulus.decode(&limbs, &mut scratch), *value);
            limbs
        });
        let mut product = vec![0; modulus.element_limbs()];
        modulus.mul(&mut product, &encoded[0], &encoded[1], &mut scratch);
        let expected = Integer::from(x * y) % &square;
        assert_eq!(modulus.decode(&product, &mut scratch), expected, "{x} times {y}");
        modulus.square_assign(&mut encoded[0], &mut scratch);
        let expected = Integer::from(x * x) % &square;
        assert_eq!(modulus.decode(&encoded[0], &mut scratch), expected, "the square of {x}");
    }

    /// Raw elements, as if already in Montgomery form, with digits at the edges.
    fn check_raw(modulus: &SquareModulus) {
        let base = modulus.base();
        let square = Integer::from(base * base);
        let r = Integer::from(1) << (64 * base.significant_digits::<u64>() as u32);
        let inverse = r.invert(&square).unwrap();
        let digits = [Integer::new(), Integer::from(1), Integer::from(base - 1)];
        let values: Vec<Integer> = digits
            .iter()
            .flat_map(|low| digits.iter().map(move |high| Integer::from(high * base) + low))
            .collect();
        let mut scratch = modulus.scratch();
        let mut out = vec![0; modulus.element_limbs()];
        for x in &values {
            for y in &values {
                modulus.mul(&mut out, &modulus.digits(x), &modulus.digits(y), &mut scratch);
                let expected = Integer::from(x * y) * &inverse % &square;
                assert_eq!(out[..], modulus.digits(&expected)[..]);
            }
            let mut power = modulus.digits(x);
            modulus.square_assign(&mut power, &mut scratch);
            let expected = Integer::from(x * x) * &inverse % &square;
            assert_eq!(power, modulus.digits(&expected));
        }
    }

    #[test]
    fn edge_operands_agree_with_plain_arithmetic() {
        let all_ones = Integer::from(Integer::u_pow_u(2, 256)) - 1u32;
        let barely_full = Integer::from(Integer::u_pow_u(2, 255)) + 1u32;
        let one_bit_over = Integer::from(Integer::u_pow_u(2, 256)) + 1u32;
        let small = [3u32, 5, 0xffff_fffb].map(Integer::from);
        for base in small.iter().chain([&all_ones, &barely_full, &one_bit_over]) {
            let modulus = SquareModulus::new(base);
            for x in edges(base) {
                for y in edges(base) {
                    check(&modulus, &x, &y);
                }
            }
            check_raw(&modulus);
        }
    }

    #[test]
    fn encoding_takes_any_integer() {
        let modulus = SquareModulus::new(&Integer::from(1001));
        let mut scratch = modulus.scratch();
        let mut limbs = vec![0; modulus.element_limbs()];
        for value in [-1i64, -1_002_002, 1_002_001, 5_000_000_000] {
            modulus.encode(&mut limbs, &Integer::from(value), &mut scratch);
            assert_eq!(modulus.decode(&limbs, &mut scratch), value.rem_euclid(1_002_001));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn random_operands_agree_with_plain_arithmetic(
            bits in prop::sample::select(vec![60u32, 256, 257, 512, 768, 1000, 1024, 1536, 2048, 3072, 4096]),
            base_digits in prop::collection::vec(any::<u64>(), 64),
            x in prop::collection::vec(any::<u64>(), 128),
            y in prop::collection::vec(any::<u64>(), 128),
        ) {
            let base = base(bits, &base_digits);
            let square = Integer::from(&base * &base);
            let modulus = SquareModulus::new(&base);
            let [x, y] = [x, y].map(|digits| Integer::from_digits(&digits, Order::Lsf) % &square);
            check(&modulus, &x, &y);
            check_raw(&modulus);
            for edge in edges(&base) {
                check(&modulus, &x, &edge);
            }
        }
    }
}
