//! How large the coefficients are with which a client's ciphertexts enter one that comes back: what decides how long the
//! exponent of its randomiser must be. From public numbers, because the sum of the weights' magnitudes is a secret.

use super::Packed;
use crate::paillier::ExponentBits;
use crate::plan::KeyBits;

/// Bits of a weight's magnitude at most.
const WEIGHT_BITS: u32 = i32::BITS - 1;

impl Packed {
    /// How long the exponents of this layer's randomisers are at least.
    pub fn exponent_bits(&self, key: KeyBits) -> ExponentBits {
        ExponentBits::tested(key, self.coefficient_bits())
    }

    /// Magnitudes of coefficients add up to 2^this at most: weights of all terms of a row, brought into the middle
    /// ([`Stack`](super::Stack)) and to the row's place. The powers of two of all rows' places are less than twice that of
    /// the last.
    fn coefficient_bits(&self) -> u32 {
        let taps = self.linear.window.map_or(1, |window| window.kernel.into_iter().product());
        let terms = self.channels() * taps;
        let place = self.places(0).map(|place| place.shift).max().unwrap_or(0);
        WEIGHT_BITS + terms.next_power_of_two().ilog2() + self.stack().middle() + place + 1
    }
}
