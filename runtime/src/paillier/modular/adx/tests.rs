//! The routines in assembly against plain arithmetic.

use proptest::prelude::*;
use rug::{Integer, integer::Order};

use super::super::super::limbs::{LIMB_BITS, inverse_mod_limb};
use super::*;

fn limbs(count: usize) -> impl Strategy<Value = Vec<Limb>> {
    prop::collection::vec(prop_oneof![1 => Just(0), 3 => Just(Limb::MAX), 1 => any::<Limb>()], count)
}

fn number(limbs: &[Limb]) -> Integer {
    Integer::from_digits(limbs, Order::Lsf)
}

/// A carry from above so many limbs.
fn carried(carry: Limb, limbs: usize) -> Integer {
    Integer::from(carry) << (LIMB_BITS * limbs as u32)
}

/// A sum of `blocks` + 1 blocks, a block, `blocks` blocks, and a carry.
fn operands() -> impl Strategy<Value = (Vec<Limb>, Vec<Limb>, Vec<Limb>, Limb)> {
    (1usize..5)
        .prop_flat_map(|blocks| (limbs(BLOCK * (blocks + 1)), limbs(BLOCK), limbs(BLOCK * blocks), 0..=1u64))
}

proptest! {
    #[test]
    fn rows_agree_with_plain_arithmetic((mut sum, x, mut y, carry) in operands()) {
        let Some(adx) = Adx::detect() else {
            println!("no ADX here: its routines are not tested");
            return Ok(());
        };
        let before = sum.clone();
        let block: &[Limb; BLOCK] = x.as_slice().try_into().unwrap();
        let above = adx.add_row(&mut sum, block, &y, carry);
        let expected = number(&before) + number(&x) * number(&y) + carried(carry, y.len());
        prop_assert_eq!(number(&sum) + carried(above, sum.len()), expected);

        y[0] |= 1;
        let negative_inverse = inverse_mod_limb(y[0]).wrapping_neg();
        let modulus = Modulus { limbs: y.into(), negative_inverse };
        let before = sum.clone();
        let above = adx.clear_block(&mut sum, &modulus, carry);
        let (factor, rest) = sum.split_at(BLOCK);
        let expected = number(&before) + number(factor) * number(&modulus.limbs)
            + carried(carry, modulus.limbs.len());
        prop_assert_eq!((number(rest) << (LIMB_BITS * BLOCK as u32)) + carried(above, sum.len()), expected);

        let mut doubled = before.clone();
        adx.double_and_add(&mut doubled, &sum);
        let expected = number(&before) * 2u32 + number(&sum);
        prop_assert_eq!(number(&doubled), expected.keep_bits(LIMB_BITS * sum.len() as u32));
    }
}
