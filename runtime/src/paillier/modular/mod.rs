//! Arithmetic modulo M² in the M-adic Montgomery form: the product under everything else.
//!
//! An element x of Z/M² is held as two digits to the base M, x = x0 + x1·M, multiplied by R, a power of
//! two above M. For u = x0·y0, Montgomery's reduction modulo M gives r and its quotient digits q with
//! u + q·M = r·R, hence
//!
//! ```text
//! x·y/R ≡ r + M·(x0·y1 + x1·y0 − q)/R   (mod M²),
//! ```
//!
//! where the division by R is a second reduction modulo M: three products and two reductions of half the
//! size. A square needs two products. Digits need not be below M, so that an element has several
//! forms; whoever compares elements decodes them.
//!
//! | file | what |
//! |---|---|
//! | `kernel` | what the ring asks of the processor, and the choice among those that can |
//! | `ifma/` | AVX-512 IFMA: lanes of 52 bits |
//! | `adx/` | BMI2 and ADX: 64-bit limbs |
//! | `gmp` | every processor: 64-bit limbs |
//! | `full_limbs` | what the last two share |
//! | `textbook` | the shortest kernel, for tests |
//! | `pair` | products modulo p² and q², together |
//! | `residue` | products modulo M alone |
//! | `measure` | the speed of all, a test to be asked for |
//!
//! Products and squares mod N² per second, as multiples of those by `rug` (`a *= b; a %= n`, `a.square_mut(); a %= n`), on an
//! Intel Xeon (Sapphire Rapids):
//!
//! | \|N\| | `gmp`, public operands | `gmp`, secret operands | `adx` | `ifma` |
//! |---|---|---|---|---|
//! | 2048 | 1.7, 1.9 | 1.5, 1.8 | 2.2, 2.7 | 8.9, 8.9 |
//! | 3072 | 1.6, 1.8 | 1.3, 1.5 | 1.9, 2.3 | 7.5, 8.9 |
//! | 4096 | 1.5, 1.7 | 1.2, 1.4 | 1.7, 2.2 | 7.5, 8.7 |
//!
//! M is N for ciphertexts and p or q on the key holder's side. Products take constant time, except in a
//! [`public`](SquareModulus::public) ring where the processor has neither ADX nor AVX-512 IFMA. The way between integers and
//! elements does not; exponentiation by a secret goes through [`secret_pow`](super::secret_pow).

#[cfg(target_arch = "x86_64")]
mod adx;
#[cfg(test)]
mod bounds;
mod choice;
mod full_limbs;
mod gmp;
#[cfg(target_arch = "x86_64")]
mod ifma;
mod kernel;
#[cfg(test)]
mod measure;
mod pair;
mod residue;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod textbook;

use rug::Integer;
use zeroize::{Zeroize, Zeroizing};

use super::limbs::Limb;
use super::wipe::{SecretInteger, wipe_integer};
pub use choice::{KernelError, KernelKind};
use kernel::{Kernel, Operands};
pub(crate) use pair::SquareModulusPair;

/// The ring Z/M² for an odd M > 1, with the constants of its Montgomery form.
///
/// An element is a slice of [`element_limbs`](Self::element_limbs) limbs: the low digit, then the
/// high digit, as the kernel for this processor wants them. Equal elements may differ in their limbs, and
/// processors do in their form: limbs stay on the machine.
///
/// Overwritten on drop, as is [`Scratch`], because M may be a secret prime.
pub struct SquareModulus {
    base: Integer,
    kernel: Box<dyn Kernel>,
    /// The number 1, in Montgomery form.
    one: Box<[Limb]>,
    /// The plain digits of 1: a product with them leaves Montgomery form.
    plain_one: Box<[Limb]>,
    /// The plain digits of R²: a product with them brings plain digits into Montgomery form.
    r_squared: Box<[Limb]>,
}

/// Working memory of one thread for the products of one [`SquareModulus`].
pub struct Scratch(Zeroizing<Box<[Limb]>>);

impl SquareModulus {
    /// The ring modulo `base`² for a public base and elements that may show: on processors without ADX and AVX-512 IFMA the
    /// time of a product depends, a little, on its factors.
    ///
    /// # Panics
    /// If `base` is even or below 3: callers validate keys first.
    pub fn public(base: &Integer) -> Self {
        Self::with_kernel(base, choice::fastest(base, Operands::Public))
    }

    /// The ring modulo `base`² for a secret base or secret elements: products take constant time on every processor.
    ///
    /// # Panics
    /// As [`public`](Self::public).
    pub fn secret(base: &Integer) -> Self {
        Self::with_kernel(base, choice::fastest(base, Operands::Secret))
    }

    /// The ring for secret operands, once for each kernel that this processor has, with its name.
    #[cfg(test)]
    pub(super) fn secret_on_all_kernels(base: &Integer) -> Vec<(&'static str, Self)> {
        let kernels = tests::kernels(base).into_iter().filter(|kernel| kernel.constant_time);
        kernels.map(|tested| (tested.name, Self::with_kernel(base, tested.kernel))).collect()
    }

    fn with_kernel(base: &Integer, kernel: Box<dyn Kernel>) -> Self {
        assert!(base.is_odd() && *base >= 3, "the base of a modulus is odd and above 1");
        let limbs = || vec![0; 2 * kernel.digit_limbs()].into_boxed_slice();
        let [one, plain_one, r_squared] = [limbs(), limbs(), limbs()];
        let mut ring = Self { base: base.clone(), one, plain_one, r_squared, kernel };
        let square = SecretInteger::new(Integer::from(base.square_ref()));
        let r = Integer::from(1) << ring.kernel.radix_bits();
        let r = SecretInteger::new(r % &*square);
        ring.one = ring.plain(&r);
        ring.plain_one = ring.plain(&Integer::from(1));
        ring.r_squared = ring.plain(&SecretInteger::new(Integer::from(r.square_ref())));
        ring
    }

    /// The base M; elements are numbers modulo M².
    pub fn base(&self) -> &Integer {
        &self.base
    }

    /// Limbs of one element, which are two digits.
    pub fn element_limbs(&self) -> usize {
        2 * self.kernel.digit_limbs()
    }

    /// The element that stands for 1.
    pub fn one(&self) -> &[Limb] {
        &self.one
    }

    /// Fresh working memory for this ring.
    pub fn scratch(&self) -> Scratch {
        Scratch(Zeroizing::new(vec![0; self.kernel.workspace_limbs()].into_boxed_slice()))
    }

    /// `out = x · y`.
    pub fn mul(&self, out: &mut [Limb], x: &[Limb], y: &[Limb], scratch: &mut Scratch) {
        out.copy_from_slice(x);
        self.mul_assign(out, y, scratch);
    }

    /// `x = x · y`.
    pub fn mul_assign(&self, x: &mut [Limb], y: &[Limb], scratch: &mut Scratch) {
        #[cfg(test)]
        super::count::instrument::record(|count| count.products += 1);
        self.kernel.mul_assign(x, y, &mut scratch.0);
    }

    /// `x = x²`.
    pub fn square_assign(&self, x: &mut [Limb], scratch: &mut Scratch) {
        #[cfg(test)]
        super::count::instrument::record(|count| count.squarings += 1);
        self.kernel.square_assign(x, &mut scratch.0);
    }

    /// Copies element `index` of a table of elements, in time that does not depend on which.
    pub(super) fn select(&self, out: &mut [Limb], table: &[Limb], index: usize) {
        self.kernel.select(out, table, index);
    }

    /// Writes `value` mod M², for any integer, into `out`.
    pub fn encode(&self, out: &mut [Limb], value: &Integer, scratch: &mut Scratch) {
        self.write_plain(out, value);
        self.mul_assign(out, &self.r_squared, scratch);
    }

    /// Writes 1 + `multiple`·M, for any integer `multiple`, into `out`: one product.
    pub fn encode_one_plus_multiple(&self, out: &mut [Limb], multiple: &Integer, scratch: &mut Scratch) {
        out.copy_from_slice(&self.plain_one);
        let digit = SecretInteger::new(Integer::from(multiple.modulo_ref(&self.base)));
        self.kernel.write_digit(&mut out[self.kernel.digit_limbs()..], &digit);
        self.mul_assign(out, &self.r_squared, scratch);
    }

    /// The number in [0, M²) that the element stands for.
    pub fn decode(&self, x: &[Limb], scratch: &mut Scratch) -> Integer {
        let [low, high] = self.decode_digits(x, scratch);
        Integer::from(&*high * &self.base) + &*low
    }

    /// The low and the high digit, both in [0, M), of the number that the element stands for.
    pub(super) fn decode_digits(&self, x: &[Limb], scratch: &mut Scratch) -> [SecretInteger; 2] {
        let mut plain = Zeroizing::new(x.to_vec());
        self.mul_assign(&mut plain, &self.plain_one, scratch);
        let (low, high) = plain.split_at(self.kernel.digit_limbs());
        let low = SecretInteger::new(self.kernel.read_digit(low));
        let high = SecretInteger::new(self.kernel.read_digit(high));
        let (carry, low) = self.divide(&low);
        let (_, high) = self.divide(&SecretInteger::new(Integer::from(&*high + &*carry)));
        [low, high]
    }

    /// An integer that has a factor in common with M exactly if the element has one.
    pub fn common_factor_witness(&self, x: &[Limb]) -> Integer {
        self.kernel.read_digit(&x[..self.kernel.digit_limbs()])
    }

    /// The plain digits of `value` mod M².
    fn plain(&self, value: &Integer) -> Box<[Limb]> {
        let mut limbs = vec![0; self.element_limbs()].into_boxed_slice();
        self.write_plain(&mut limbs, value);
        limbs
    }

    fn write_plain(&self, out: &mut [Limb], value: &Integer) {
        let (quotient, low) = self.divide(value);
        let (_, high) = self.divide(&quotient);
        let (low_out, high_out) = out.split_at_mut(self.kernel.digit_limbs());
        self.kernel.write_digit(low_out, &low);
        self.kernel.write_digit(high_out, &high);
    }

    /// The quotient by M, rounded down, and the remainder in [0, M).
    fn divide(&self, value: &Integer) -> (SecretInteger, SecretInteger) {
        let (quotient, remainder) = <(Integer, Integer)>::from(value.div_rem_floor_ref(&self.base));
        (SecretInteger::new(quotient), SecretInteger::new(remainder))
    }
}

impl Drop for SquareModulus {
    fn drop(&mut self) {
        wipe_integer(&mut self.base);
        for limbs in [&mut self.one, &mut self.plain_one, &mut self.r_squared] {
            limbs.zeroize();
        }
    }
}
