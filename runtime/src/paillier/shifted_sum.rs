//! Blinding and packing in one go: Enc(Σ multiplier·2^shift·x + constant), re-randomised.
//!
//! All terms share one chain of squarings, about one per bit of the highest shift (Straus). Each
//! term has a small table of powers and one product per window of its multiplier.
//!
//! Multipliers are secret. The sequence of squarings and products depends only on the shifts and
//! the declared widths, not on the multipliers: a digit 0 costs a product with 1 like any other, and
//! a negative multiplier swaps the ciphertext for its inverse beforehand. The memory addresses read
//! and the final subtractions inside a product do depend on them; the peer sees neither.

use std::cmp::Reverse;

use rug::Integer;

use super::ciphertext::{Ciphertext, CiphertextRef};
use super::count::Count;
use super::ops::add_plain_assign;
use super::public_key::PublicKey;
use super::randomiser::Randomiser;
use super::window::{WindowTable, table_products, window_for};

/// One term multiplier·2^shift·x.
#[derive(Clone, Copy)]
pub struct ShiftedTerm<'a> {
    /// Enc(x).
    pub ciphertext: CiphertextRef<'a>,
    /// Enc(−x) for multipliers that may be negative: from
    /// [`invert_all`](super::ops::invert_all), or any other encryption of −x.
    pub inverse: Option<CiphertextRef<'a>>,
    /// The secret factor.
    pub multiplier: i64,
    /// Bits that the magnitude of a multiplier in this place can have: public, at least 1.
    pub multiplier_bits: u32,
    /// Bit offset of the term: public.
    pub shift: u32,
}

/// Where a window of a multiplier enters the chain of squarings.
struct Step {
    position: u32,
    term: usize,
    /// Bits of the multiplier below this window.
    offset: u32,
    window: u32,
}

/// Enc(Σ multiplier·2^shift·x + constant), re-randomised. Callers run many of these in parallel.
///
/// # Panics
/// If a multiplier is wider than declared, or negative without an inverse.
pub fn shifted_sum(
    key: &PublicKey,
    terms: &[ShiftedTerm<'_>],
    constant: &Integer,
    randomiser: Randomiser,
) -> Ciphertext {
    let (ring, mut scratch) = (key.ring(), key.scratch());
    let tables: Vec<_> = terms
        .iter()
        .map(|term| {
            let window = window_for(term.multiplier_bits);
            WindowTable::new(ring, term.base().limbs(), window, &mut scratch)
        })
        .collect();
    let mut sum = ring.one().to_vec().into_boxed_slice();
    let mut position = None;
    for step in schedule(terms.iter().map(|term| (term.multiplier_bits, term.shift))) {
        let magnitude = terms[step.term].multiplier.unsigned_abs();
        let digit = (magnitude >> step.offset) as usize & ((1 << step.window) - 1);
        let power = tables[step.term].power(digit);
        match position {
            None => sum.copy_from_slice(power),
            Some(from) => {
                (step.position..from).for_each(|_| ring.square_assign(&mut sum, &mut scratch));
                ring.mul_assign(&mut sum, power, &mut scratch);
            }
        }
        position = Some(step.position);
    }
    (0..position.unwrap_or(0)).for_each(|_| ring.square_assign(&mut sum, &mut scratch));
    add_plain_assign(key, &mut sum, constant, &mut scratch);
    ring.mul_assign(&mut sum, randomiser.limbs(), &mut scratch);
    Ciphertext::from_limbs(sum)
}

/// The exact cost of [`shifted_sum`] for terms of these (multiplier bits, shift), without drawing
/// the randomiser.
pub fn shifted_sum_count(terms: impl Iterator<Item = (u32, u32)> + Clone) -> Count {
    let tables: u64 = terms.clone().map(|(bits, _)| table_products(window_for(bits))).sum();
    let steps = schedule(terms);
    Count {
        // The first step is a copy; the constant takes two products, the randomiser one.
        products: tables + steps.len().saturating_sub(1) as u64 + 3,
        squarings: steps.first().map_or(0, |step| u64::from(step.position)),
        inversions: 0,
    }
}

/// All windows of all terms given as (multiplier bits, shift), highest position first.
fn schedule(terms: impl Iterator<Item = (u32, u32)>) -> Vec<Step> {
    let mut steps: Vec<_> = terms
        .enumerate()
        .flat_map(|(term, (bits, shift))| {
            let window = window_for(bits);
            let offsets = (0..bits).step_by(window as usize);
            offsets.map(move |offset| Step { position: shift + offset, term, offset, window })
        })
        .collect();
    steps.sort_by_key(|step| Reverse(step.position));
    steps
}

impl<'a> ShiftedTerm<'a> {
    /// The ciphertext to which the magnitude of the multiplier applies.
    fn base(&self) -> CiphertextRef<'a> {
        let bits = u64::BITS - self.multiplier.unsigned_abs().leading_zeros();
        assert!(bits <= self.multiplier_bits, "a multiplier is wider than declared");
        match self.inverse {
            Some(inverse) if self.multiplier < 0 => inverse,
            _ => {
                assert!(self.multiplier >= 0, "a negative multiplier needs the inverse");
                self.ciphertext
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paillier::ciphertext::Ciphertexts;
    use crate::paillier::count::instrument::measure;
    use crate::paillier::encrypt::encrypt;
    use crate::paillier::ops::invert_all;
    use crate::paillier::randomiser::{PublicRandomisers, Randomisers};
    use crate::paillier::randomness::TestRng;
    use crate::paillier::test_keys;
    use proptest::prelude::*;

    /// Terms as (plaintext, multiplier, multiplier bits, shift).
    fn check(specs: &[(i64, i64, u32, u32)], constant: &Integer) {
        let mut rng = TestRng::new(18);
        let key = test_keys::shared(512);
        let public = key.public();
        let source = PublicRandomisers::for_uses(public, 10, &mut rng);
        let values: Vec<_> = specs.iter().map(|spec| Integer::from(spec.0)).collect();
        let ciphertexts = encrypt(&source, &values, &mut rng).unwrap();
        let mut inverses = ciphertexts.clone();
        invert_all(public, &mut inverses);
        let terms: Vec<_> = specs
            .iter()
            .enumerate()
            .map(|(index, &(_, multiplier, multiplier_bits, shift))| ShiftedTerm {
                ciphertext: ciphertexts.get(index),
                inverse: (multiplier < 0).then(|| inverses.get(index)),
                multiplier,
                multiplier_bits,
                shift,
            })
            .collect();
        let randomiser = source.draw(&mut rng);
        let (sum, counted) = measure(|| shifted_sum(public, &terms, constant, randomiser));
        let mut batch = Ciphertexts::new(public);
        batch.push(sum.as_ref());
        let expected: Integer = specs
            .iter()
            .map(|&(value, multiplier, _, shift)| (Integer::from(value) * multiplier) << shift)
            .sum();
        assert_eq!(key.decrypt_signed(&batch), [expected + constant]);
        assert_eq!(counted, shifted_sum_count(specs.iter().map(|spec| (spec.2, spec.3))));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn sums_agree_with_plain_arithmetic(
            specs in prop::collection::vec(
                (-(1i64 << 24)..1 << 24, -(1i64 << 41)..1 << 41, 0u32..400),
                0..6,
            ),
            constant: i64,
        ) {
            let specs: Vec<_> = specs.into_iter().map(|(x, m, shift)| (x, m, 42, shift)).collect();
            check(&specs, &Integer::from(constant));
        }
    }

    #[test]
    fn pairs_of_blinded_values_are_packed() {
        let tau = (1i64 << 40) - 1;
        let specs = [(-100, tau, 41, 0), (-100, 1, 1, 60), (77, -tau, 41, 120), (77, 1, 1, 180)];
        check(&specs, &(Integer::from(1) << 300u32));
    }

    #[test]
    fn sums_at_the_edges() {
        check(&[], &Integer::from(-3));
        check(&[(5, 0, 1, 0)], &Integer::new());
        check(&[(5, 0, 41, 100), (-6, 1, 1, 500)], &Integer::new());
    }

    #[test]
    #[should_panic(expected = "wider than declared")]
    fn multipliers_are_no_wider_than_declared() {
        check(&[(1, 4, 2, 0)], &Integer::new());
    }

    #[test]
    fn the_cost_does_not_depend_on_the_multipliers() {
        // Checked for every set of multipliers above: the count takes only widths and shifts.
        let count = shifted_sum_count([(41, 0), (1, 60)].into_iter());
        assert_eq!((count.products, count.squarings), (6 + 15 - 1 + 3, 60));
    }
}
