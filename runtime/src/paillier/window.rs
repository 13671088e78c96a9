//! Fixed windows: powers by a sequence of products that does not depend on the exponent.
//!
//! Which powers [`power`] reads does; for the exponents that must not show even there, see
//! [`secret_pow`](super::secret_pow).

use rug::Integer;
use zeroize::Zeroize;

use super::limbs::{Limb, bits_at};
use super::modular::{Scratch, SquareModulus};

/// The powers 1, x, x², …, x^(2^window − 1) of one element. Overwritten on drop, because x may be secret.
pub(crate) struct WindowTable {
    powers: Vec<Limb>,
    length: usize,
}

impl WindowTable {
    /// Costs 2^`window` − 2 products.
    pub(crate) fn new(ring: &SquareModulus, x: &[Limb], window: u32, scratch: &mut Scratch) -> Self {
        let length = ring.element_limbs();
        let mut powers = vec![0; length << window];
        powers[..length].copy_from_slice(ring.one());
        powers[length..2 * length].copy_from_slice(x);
        for digit in 2..1 << window {
            let (done, rest) = powers.split_at_mut(digit * length);
            ring.mul(&mut rest[..length], &done[(digit - 1) * length..], x, scratch);
        }
        Self { powers, length }
    }

    /// x^`digit`.
    pub(crate) fn power(&self, digit: usize) -> &[Limb] {
        &self.powers[digit * self.length..][..self.length]
    }

    /// Writes x^`digit` into `out`, in time that does not depend on the digit.
    pub(crate) fn select(&self, ring: &SquareModulus, out: &mut [Limb], digit: usize) {
        ring.select(out, &self.powers, digit);
    }
}

impl Drop for WindowTable {
    fn drop(&mut self) {
        self.powers.as_mut_slice().zeroize();
    }
}

/// x^`exponent` for a nonnegative exponent of at most `width` bits, by a sequence of products that
/// depends on `width` only.
pub(crate) fn power(
    ring: &SquareModulus,
    x: &[Limb],
    exponent: &Integer,
    width: u32,
    scratch: &mut Scratch,
) -> Box<[Limb]> {
    let window = window_for(width);
    let table = WindowTable::new(ring, x, window, scratch);
    let mut digits = (0..width.div_ceil(window)).rev().map(|index| digit(exponent, index * window, window));
    let mut power: Box<[Limb]> = table.power(digits.next().unwrap_or(0)).into();
    for digit in digits {
        (0..window).for_each(|_| ring.square_assign(&mut power, scratch));
        ring.mul_assign(&mut power, table.power(digit), scratch);
    }
    power
}

/// The `window` bits of a nonnegative exponent from bit `offset` on, in time that depends on the limbs of the
/// exponent, not on its bits.
pub(crate) fn digit(exponent: &Integer, offset: u32, window: u32) -> usize {
    bits_at(exponent.as_limbs(), offset, window) as usize
}

/// The window that minimises the products for an exponent of `width` bits: those of the table and
/// one per window. At least 1.
pub(crate) fn window_for(width: u32) -> u32 {
    (1..=6).min_by_key(|&window| table_products(window) + u64::from(width.div_ceil(window))).unwrap_or(1)
}

/// Products that a table costs.
pub(crate) fn table_products(window: u32) -> u64 {
    (1 << window) - 2
}
