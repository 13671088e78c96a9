//! The position of the largest of n shared numbers, the first one's of several, as shares.
//!
//! Notation: x_0 … x_(n−1) in a ring of m bits; the position in one of j bits, n ≤ 2^j.
//!
//! ```text
//! client (shares)                                    server (shares)
//! 1  multiplies its shares by 2^j                     likewise, and adds n − 1 − i to that of x_i
//! 2  maximum z of these in the ring of m + j bits (max_pool.rs)                      ◀─▶
//! 3  minus its share of z, modulo 2^j                 likewise, plus n − 1
//! ```
//!
//! The low j bits of z are n − 1 − i for the position i of the maximum, and the low bits of shares are shares of the low
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
use crate::plan::Ring;

/// The arg-max of numbers of a ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArgMax {
    count: usize,
    /// The number j of bits of a position.
    place_bits: u32,
    /// The ring of m + j bits.
    tagged: Ring,
    tournament: MaxPool,
}

impl ArgMax {
    /// Of `count` numbers of `ring`, the position in the ring `to`; `None` unless there is one, all positions are
    /// elements of `to`, and m + j is at most 64.
    pub fn new(ring: Ring, count: usize, to: Ring) -> Option<Self> {
        let place_bits = to.bits();
        let last = count.checked_sub(1)? as u64;
        if to.reduce(last) != last {
            return None;
        }
        let tagged = Ring::new(ring.bits() + place_bits)?;
        let tournament = MaxPool::new(tagged, tagged, vec![(0..count).collect()])?;
        Some(Self { count, place_bits, tagged, tournament })
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
        let tag = |(place, share): (usize, &u64)| {
            self.tagged.reduce((share << self.place_bits).wrapping_add(constant(self.count - 1 - place)))
        };
        shares[..self.count].iter().enumerate().map(tag).collect()
    }

    /// This party's share of the position from its shares of the numbers.
    ///
    /// # Errors
    /// The peer sends something else or hung up, or the supply has something else next.
    ///
    /// # Panics
    /// If there are fewer numbers.
    pub fn run(&self, party: &mut Party<'_>, shares: &[u64]) -> Result<u64> {
        let constant = |number: usize| if party.adds_constants() { number as u64 } else { 0 };
        let tagged = self.tagged(shares, constant);
        let last = constant(self.count - 1);
        let largest: u64 = self.tournament.run(party, &tagged)?.into_iter().sum();
        Ok(last.wrapping_sub(largest) & ((1 << self.place_bits) - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{both, cost, shares_of, sums};
    use super::*;
    use proptest::prelude::*;

    fn run(ring: Ring, numbers: &[i64], seed: u64) -> usize {
        let to = Ring::new(numbers.len().next_power_of_two().ilog2().max(1) + (seed % 2) as u32).unwrap();
        let arg_max = ArgMax::new(ring, numbers.len(), to).unwrap();
        let cost = cost(|messages| arg_max.schedule(messages));
        let share = |(i, &number): (u64, &i64)| {
            let theirs = ring.reduce(seed.wrapping_mul(2 * i + 1));
            [ring.reduce(ring.embed(number).wrapping_sub(theirs)), theirs]
        };
        let pairs: Vec<[u64; 2]> = (0..).zip(numbers).map(share).collect();
        let run = |party: &mut Party<'_>, shares: &[u64]| Ok(vec![arg_max.run(party, shares)?]);
        sums(to, both(&cost, seed, shares_of(&pairs), run))[0] as usize
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

    #[test]
    fn one_number_is_the_largest_and_none_is_not() {
        assert_eq!(run(Ring::new(9).unwrap(), &[-5], 3), 0);
        let ring = |bits| Ring::new(bits).unwrap();
        assert_eq!(ArgMax::new(ring(9), 0, ring(4)), None);
        assert_eq!(ArgMax::new(ring(9), 17, ring(4)), None);
        assert_eq!(ArgMax::new(ring(61), 9, ring(4)), None);
    }
}
