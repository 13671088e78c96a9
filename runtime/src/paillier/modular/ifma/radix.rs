//! Between integers, in limbs of 64 bits, and digits, in lanes of 52 bits.

use rug::{Integer, integer::Order};
use zeroize::Zeroizing;

use super::super::super::limbs::{LIMB_BITS, Limb, bits_at};
use super::digit::LANE_BITS;

/// Spreads an integer over the lanes.
///
/// # Panics
/// If it is negative or has more bits than the lanes.
pub(super) fn write_lanes(lanes: &mut [Limb], value: &Integer) {
    let fits = value.significant_bits() as usize <= lanes.len() * LANE_BITS as usize;
    assert!(fits && !value.is_negative(), "the number does not fit into the lanes");
    for (lane, start) in lanes.iter_mut().zip((0..).step_by(LANE_BITS as usize)) {
        *lane = bits_at(value.as_limbs(), start, LANE_BITS);
    }
}

/// The integer whose lanes these are, each below 2^52.
pub(super) fn read_lanes(lanes: &[Limb]) -> Integer {
    let bits = lanes.len() * LANE_BITS as usize;
    let mut limbs = Zeroizing::new(vec![0; bits.div_ceil(LIMB_BITS as usize) + 1]);
    for (lane, start) in lanes.iter().zip((0..).step_by(LANE_BITS as usize)) {
        let (index, offset) = (start / LIMB_BITS as usize, start as u32 % LIMB_BITS);
        let shifted = u128::from(*lane) << offset;
        limbs[index] |= shifted as Limb;
        limbs[index + 1] |= (shifted >> LIMB_BITS) as Limb;
    }
    Integer::from_digits(&limbs, Order::Lsf)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn integers_survive_lanes(
            digits in prop::collection::vec(prop_oneof![Just(0), Just(u64::MAX), any::<u64>()], 0..64),
        ) {
            let value = Integer::from_digits(&digits, Order::Lsf);
            let exact = value.significant_bits().div_ceil(LANE_BITS) as usize;
            for count in [exact, exact.next_multiple_of(8)] {
                let mut lanes = vec![Limb::MAX; count];
                write_lanes(&mut lanes, &value);
                prop_assert!(lanes.iter().all(|lane| lane >> LANE_BITS == 0));
                prop_assert_eq!(&read_lanes(&lanes), &value);
            }
        }
    }
}
