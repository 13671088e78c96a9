//! The class with the largest of n shared scores at each of some positions, the first one of several, as shares.
//!
//! Notation, at one position: x_0 … x_(n−1) in a ring of m bits; the class in one of j bits, n ≤ 2^j.
//!
//! ```text
//! client (shares)                                    server (shares)
//! 1  multiplies its shares by 2^j                     likewise, and adds n − 1 − i to that of x_i
//! 2  maximum z of these in the ring of m + j bits (max_pool.rs)                      ◀─▶
//! 3  minus its share of z, modulo 2^j                 likewise, plus n − 1
//! ```
//!
//! The low j bits of z are n − 1 − i for the class i of the maximum, and the low bits of shares are shares of the low
//! bits. The result is [`Ring::arg_max`]: where a difference x_a − x_b wraps around, the one of the first after it
//! does.
//!
//! (Tagging numbers with their places: our own, in place of a multiplexer for places beside that for numbers.)
//!
//! # Who learns what
//!
//! Nothing, as in [`super::max_pool`]: the rest is done by each party alone.

use super::max_pool::MaxPool;
use super::message_schedule::MessageSchedule;
use super::party::Party;
use crate::error::Result;
use crate::ot::Inputs;
use crate::plan::{Ring, Scores};

/// The arg-max of scores in a ring, position by position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArgMax {
    scores: Scores,
    positions: usize,
    /// The number j of bits of a class.
    class_bits: u32,
    /// The ring of m + j bits.
    tagged: Ring,
    tournament: MaxPool,
}

impl ArgMax {
    /// Of `scores` in `ring` at so many positions, the classes in the ring `to`; `None` unless there is a class, all
    /// classes are elements of `to`, and m + j is at most 64.
    pub fn new(ring: Ring, scores: Scores, positions: usize, to: Ring) -> Option<Self> {
        let class_bits = to.bits();
        let last = scores.classes.checked_sub(1)? as u64;
        if to.reduce(last) != last {
            return None;
        }
        let tagged = Ring::new(ring.bits() + class_bits)?;
        let windows = (0..positions).map(|position| scores.of(position)).collect();
        let tournament = MaxPool::new(tagged, tagged, windows)?;
        Some(Self { scores, positions, class_bits, tagged, tournament })
    }

    /// What [`run`](Self::run) says and uses.
    pub fn schedule(&self, messages: &mut MessageSchedule) {
        self.tournament.schedule(messages);
    }

    /// What [`run`](Self::run) opens first at the client, which adds no constants.
    pub(super) fn first_inputs(&self, shares: &[u64]) -> Inputs {
        self.tournament.first_inputs(&self.tagged(shares, |_| 0))
    }

    fn tagged(&self, shares: &[u64], constant: impl Fn(usize) -> u64) -> Vec<u64> {
        let Scores { classes, inner } = self.scores;
        let tag = |(index, share): (usize, &u64)| {
            let class = index / inner % classes;
            self.tagged.reduce((share << self.class_bits).wrapping_add(constant(classes - 1 - class)))
        };
        shares[..self.positions * classes].iter().enumerate().map(tag).collect()
    }

    /// This party's shares of the classes from its shares of the scores.
    ///
    /// # Errors
    /// The peer sends something else or hung up, or the supply has something else next.
    ///
    /// # Panics
    /// If there are fewer numbers.
    pub fn run(&self, party: &mut Party<'_>, shares: &[u64]) -> Result<Vec<u64>> {
        let constant = |number: usize| if party.adds_constants() { number as u64 } else { 0 };
        let tagged = self.tagged(shares, constant);
        let last = constant(self.scores.classes - 1);
        let class = |largest: u64| last.wrapping_sub(largest) & ((1 << self.class_bits) - 1);
        Ok(self.tournament.run(party, &tagged)?.into_iter().map(class).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{both, cost, shares_of, sums};
    use super::*;
    use proptest::prelude::*;

    fn run(ring: Ring, numbers: &[i64], seed: u64) -> usize {
        run_scores(ring, Scores::whole(numbers.len()), numbers, seed)[0] as usize
    }

    fn run_scores(ring: Ring, scores: Scores, numbers: &[i64], seed: u64) -> Vec<u64> {
        let to = Ring::new(scores.classes.next_power_of_two().ilog2().max(1) + (seed % 2) as u32).unwrap();
        let arg_max = ArgMax::new(ring, scores, scores.positions(numbers.len()), to).unwrap();
        let cost = cost(|messages| arg_max.schedule(messages));
        let share = |(i, &number): (u64, &i64)| {
            let theirs = ring.reduce(seed.wrapping_mul(2 * i + 1));
            [ring.reduce(ring.embed(number).wrapping_sub(theirs)), theirs]
        };
        let pairs: Vec<[u64; 2]> = (0..).zip(numbers).map(share).collect();
        let run = |party: &mut Party<'_>, shares: &[u64]| arg_max.run(party, shares);
        sums(to, both(&cost, seed, shares_of(&pairs), run))
    }

    /// All triples of numbers of three bits, differences that wrap around included.
    #[test]
    fn all_triples_of_a_small_ring() {
        let ring = Ring::new(2).unwrap();
        for case in 0..64 {
            let numbers = [0, 2, 4].map(|place| ring.signed(case >> place & 3));
            assert_eq!(run(ring, &numbers, case), ring.arg_max(&numbers), "{numbers:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(25))]
        #[test]
        fn positions_are_those_of_plain_numbers(
            ring in (2u32..=59).prop_map(|bits| Ring::new(bits).unwrap()),
            numbers in prop::collection::vec(any::<i64>(), 1..12),
            short: bool,
            wraps: bool,
            seed: u64,
        ) {
            let spread = if short { 3 } else { i64::MAX };
            let number = |number: &i64| ring.wrap(number % spread) >> u32::from(!wraps);
            let numbers: Vec<i64> = numbers.iter().map(number).collect();
            let place = run(ring, &numbers, seed);
            prop_assert_eq!(place, ring.arg_max(&numbers));
            if !wraps {
                let most = numbers.iter().max().unwrap();
                prop_assert_eq!(Some(place), numbers.iter().position(|number| number == most));
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(25))]
        #[test]
        fn every_position_has_its_class(
            (outer, classes, inner) in (1usize..4, 1usize..6, 1usize..4),
            numbers in prop::collection::vec(-400i64..400, 60),
            seed: u64,
        ) {
            let (ring, scores) = (Ring::new(11).unwrap(), Scores { classes, inner });
            let numbers = &numbers[..outer * classes * inner];
            let found = run_scores(ring, scores, numbers, seed);
            prop_assert_eq!(found.len(), outer * inner);
            for (index, class) in found.into_iter().enumerate() {
                let (outer, inner_index) = (index / inner, index % inner);
                let score = |class: usize| numbers[(outer * classes + class) * inner + inner_index];
                let most = (0..classes).map(score).max();
                prop_assert_eq!(Some(class as usize), (0..classes).position(|class| Some(score(class)) == most));
            }
        }
    }

    #[test]
    fn one_number_is_the_largest_and_none_is_not() {
        assert_eq!(run(Ring::new(9).unwrap(), &[-5], 3), 0);
        let of = |bits, classes| {
            let ring = |bits| Ring::new(bits).unwrap();
            ArgMax::new(ring(bits), Scores::whole(classes), 1, ring(4))
        };
        assert_eq!([of(9, 0), of(9, 17), of(61, 9)], [None, None, None]);
    }
}
