//! Arithmetic modulo M: an element of the ring modulo M² reduced modulo M is its low digit, in Montgomery form as before,
//! and the low digits of a product take two fifths of its work.

use rug::Integer;
use zeroize::Zeroizing;

use super::super::limbs::Limb;
use super::super::wipe::SecretInteger;
use super::{Scratch, SquareModulus};

impl SquareModulus {
    /// Limbs of a number modulo M.
    pub(in super::super) fn residue_limbs(&self) -> usize {
        self.kernel.digit_limbs()
    }

    /// An element modulo M.
    pub(in super::super) fn residue<'x>(&self, x: &'x [Limb]) -> &'x [Limb] {
        &x[..self.residue_limbs()]
    }

    /// `x = x · y` modulo M.
    pub(in super::super) fn mul_residue_assign(&self, x: &mut [Limb], y: &[Limb], scratch: &mut Scratch) {
        #[cfg(test)]
        super::super::count::instrument::record_residue();
        self.kernel.mul_low_assign(x, y, &mut scratch.0);
    }

    /// The number in [0, M) that a residue stands for.
    pub(in super::super) fn decode_residue(&self, x: &[Limb], scratch: &mut Scratch) -> SecretInteger {
        let mut plain = Zeroizing::new(x.to_vec());
        self.kernel.mul_low_assign(&mut plain, self.residue(&self.plain_one), &mut scratch.0);
        let digit = SecretInteger::new(self.kernel.read_digit(&plain));
        SecretInteger::new(Integer::from(&*digit % &self.base))
    }
}
