//! Blinding and packing in one go: Enc(Σ multiplier·2^shift·x + constant), re-randomised.
//!
//! All terms share one chain of squarings, about one per bit of the highest shift (Straus). Each
//! term has a small table of powers and one product per window of its multiplier.
//!
//! Multipliers are secret. The sequence of squarings and products depends only on the shifts and
//! the declared widths, not on the multipliers: a digit 0 costs a product with 1 like any other. The
//! memory addresses read do depend on them; the peer does not see these.

use std::cmp::Reverse;

use rug::Integer;

use super::ciphertext::{Ciphertext, CiphertextRef};
use super::count::Count;
use super::limbs::Limb;
use super::ops::add_plain_assign;
use super::public_key::PublicKey;
use super::randomiser::Randomiser;
use super::window::{WindowTable, digit, table_products, window_for};

/// One term multiplier·2^shift·x.
#[derive(Clone, Copy)]
pub struct ShiftedTerm<'a> {
    /// Enc(x).
    pub ciphertext: CiphertextRef<'a>,
    /// The secret factor, nonnegative; for a negative one give Enc(−x), from
    /// [`invert_all`](super::ops::invert_all).
    pub multiplier: &'a Integer,
    /// Its shift, and how wide its multiplier may be.
    pub place: TermPlace,
}

/// Where a term enters the sum: all that its cost depends on. Public.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TermPlace {
    /// Bits that a multiplier in this place can have, at least 1.
    pub multiplier_bits: u32,
    /// Bits by which the term is shifted to the left.
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
/// If a multiplier is negative or wider than declared.
pub fn shifted_sum(
    key: &PublicKey,
    terms: &[ShiftedTerm<'_>],
    constant: &Integer,
    randomiser: Randomiser,
) -> Ciphertext {
    let (ring, mut scratch) = (key.ring(), key.scratch());
    let tables: Vec<_> = terms
        .iter()
        .map(|term| WindowTable::new(ring, term.base(), window_for(term.place.multiplier_bits), &mut scratch))
        .collect();
    let mut sum = ring.one().to_vec().into_boxed_slice();
    let mut position = None;
    for step in schedule(terms.iter().map(|term| term.place)) {
        let power = tables[step.term].power(digit(terms[step.term].multiplier, step.offset, step.window));
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

/// The exact cost of [`shifted_sum`] for terms in these places, without drawing the randomiser.
pub fn shifted_sum_count(places: impl Iterator<Item = TermPlace> + Clone) -> Count {
    let tables: u64 = places.clone().map(|place| table_products(window_for(place.multiplier_bits))).sum();
    let steps = schedule(places);
    Count {
        // The first step is a copy; the constant takes two products, the randomiser one.
        products: tables + steps.len().saturating_sub(1) as u64 + 3,
        squarings: steps.first().map_or(0, |step| u64::from(step.position)),
        inversions: 0,
    }
}

/// All windows of all terms, highest position first.
fn schedule(places: impl Iterator<Item = TermPlace>) -> Vec<Step> {
    let mut steps: Vec<_> = places
        .enumerate()
        .flat_map(|(term, TermPlace { multiplier_bits, shift })| {
            let window = window_for(multiplier_bits);
            let offsets = (0..multiplier_bits).step_by(window as usize);
            offsets.map(move |offset| Step { position: shift + offset, term, offset, window })
        })
        .collect();
    steps.sort_by_key(|step| Reverse(step.position));
    steps
}

impl<'a> ShiftedTerm<'a> {
    /// The element whose powers the multiplier selects.
    fn base(&self) -> &'a [Limb] {
        let fits = self.multiplier.significant_bits() <= self.place.multiplier_bits;
        assert!(fits && !self.multiplier.is_negative(), "a multiplier is wider than declared, or negative");
        self.ciphertext.limbs()
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
        let source = PublicRandomisers::for_uses(public, 10);
        let values: Vec<_> = specs.iter().map(|spec| Integer::from(spec.0)).collect();
        let ciphertexts = encrypt(&source, &values, &mut rng).unwrap();
        let mut inverses = ciphertexts.clone();
        invert_all(public, &mut inverses);
        let magnitudes: Vec<_> = specs.iter().map(|spec| Integer::from(spec.1).abs()).collect();
        let place = |spec: &(i64, i64, u32, u32)| TermPlace { multiplier_bits: spec.2, shift: spec.3 };
        let terms: Vec<_> = specs
            .iter()
            .enumerate()
            .map(|(index, spec)| ShiftedTerm {
                ciphertext: if spec.1 < 0 { inverses.get(index) } else { ciphertexts.get(index) },
                multiplier: &magnitudes[index],
                place: place(spec),
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
        assert_eq!(counted, shifted_sum_count(specs.iter().map(place)));
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
        let place = |multiplier_bits, shift| TermPlace { multiplier_bits, shift };
        let count = shifted_sum_count([place(41, 0), place(1, 60)].into_iter());
        assert_eq!((count.products, count.squarings), (6 + 15 - 1 + 3, 60));
    }
}
