//! Max-pooling: the maximum of each window of shared numbers, in the same ring.
//!
//! ```text
//! client (shares)                                    server (shares)
//! candidates of each window: its numbers
//! while a window has two candidates or more:
//! 1  pair neighbours (a, b) of every window; an odd one waits
//! 2  d = a − b for all pairs of all windows, share by share
//!    d where d modulo 2^l is not negative, else 0: ReLU (relu.rs) without truncation, on all d at once     ◀─▶
//! 3  the winner, which is b more, replaces the pair
//! ```
//!
//! Numbers are of a ring of m bits, l ≤ m: what is known to be small needs no comparison of all its bits. The result is
//! [`Ring::maximum`] with differences of l bits: the maximum where −2^(l−1) ≤ a − b < 2^(l−1). Numbers with f fraction
//! bits ([`Fraction`](crate::plan::Fraction)) give it too, but where a difference without these bits is exactly −2^(l−1−f), half
//! of what is compared: there either may win, which tells whoever learns the result of such an overflow a carry between slots.
//! The compiler leaves a bit more than calibration images need for differences.
//!
//! ⌈log2 s⌉ levels for windows of s numbers; a level's first flight carries the last messages of the one before where the client has these.
//!
//! # Who learns what
//!
//! Nothing: the pairs depend on the windows alone, and ReLU tells nothing.

use super::message_schedule::MessageSchedule;
use super::party::Party;
use super::relu::Relu;
use crate::error::Result;
use crate::ot::Inputs;
use crate::plan::{Ring, Windows, in_windows};

/// Max-pooling of numbers of a ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaxPool {
    ring: Ring,
    relu: Relu,
    /// Per result, which numbers it is the maximum of.
    windows: Windows,
}

impl MaxPool {
    /// Of each of `windows`, which name numbers of `ring` by their positions, by differences in `compared`; `None` unless
    /// that has two bits at least and no more than `ring`, and every window a number.
    pub fn new(ring: Ring, compared: Ring, windows: Windows) -> Option<Self> {
        let relu = Relu::by_low_bits(ring, compared)?;
        (!windows.sizes().contains(&0)).then_some(Self { ring, relu, windows })
    }

    /// What [`run`](Self::run) says and uses.
    pub fn schedule(&self, messages: &mut MessageSchedule) {
        let mut sizes = self.windows.sizes().to_vec();
        loop {
            let pairs = sizes.iter().map(|size| size / 2).sum();
            if pairs == 0 {
                break;
            }
            self.relu.schedule(messages, pairs);
            sizes.iter_mut().for_each(|size| *size = size.div_ceil(2));
        }
    }

    /// What [`run`](Self::run) opens first.
    pub(super) fn first_inputs(&self, shares: &[u64]) -> Inputs {
        let differences = self.differences(&self.candidates(shares), self.windows.sizes());
        if differences.is_empty() { Inputs::default() } else { self.relu.first_inputs(&differences) }
    }

    /// This party's shares of the numbers under each window.
    fn candidates(&self, shares: &[u64]) -> Vec<u64> {
        self.windows.places().iter().map(|&place| shares[place]).collect()
    }

    /// Of the candidates in pairs, window by window.
    fn differences(&self, candidates: &[u64], sizes: &[usize]) -> Vec<u64> {
        let pairs = in_windows(candidates, sizes).flat_map(|window| window.as_chunks::<2>().0);
        pairs.map(|[a, b]| self.ring.reduce(a.wrapping_sub(*b))).collect()
    }

    /// This party's shares of the maxima from its shares of the numbers.
    ///
    /// # Errors
    /// The peer sends something else or hung up, or the supply has something else next.
    ///
    /// # Panics
    /// If a window names a number that is not there.
    pub fn run(&self, party: &mut Party<'_>, shares: &[u64]) -> Result<Vec<u64>> {
        let mut candidates = self.candidates(shares);
        let mut sizes = self.windows.sizes().to_vec();
        loop {
            let differences = self.differences(&candidates, &sizes);
            if differences.is_empty() {
                return Ok(candidates);
            }
            let mut relus = self.relu.run(party, &differences)?.into_iter();
            let mut winners = Vec::with_capacity(candidates.len() - differences.len());
            for window in in_windows(&candidates, &sizes) {
                let (pairs, odd) = window.as_chunks::<2>();
                let winner = |([_, b], relu): (&[u64; 2], u64)| self.ring.reduce(b.wrapping_add(relu));
                winners.extend(pairs.iter().zip(&mut relus).map(winner).chain(odd.iter().copied()));
            }
            candidates = winners;
            sizes.iter_mut().for_each(|size| *size = size.div_ceil(2));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{both, cost, shares_of, sums};
    use super::*;
    use proptest::prelude::*;

    /// The maxima of the windows over what pairs of shares stand for.
    fn run(ring: Ring, compared: Ring, pairs: &[[u64; 2]], windows: &[Vec<usize>], seed: u64) -> Vec<u64> {
        let pool = MaxPool::new(ring, compared, windows.iter().cloned().collect()).unwrap();
        let run = |party: &mut Party<'_>, shares: &[u64]| pool.run(party, shares);
        sums(ring, both(&cost(|messages| pool.schedule(messages)), seed, shares_of(pairs), run))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20))]
        #[test]
        fn maxima_of_windows(
            [compared, ring] in [2u32..=64, 2u32..=64].prop_map(|mut bits| {
                bits.sort_unstable();
                bits.map(|bits| Ring::new(bits).unwrap())
            }),
            numbers in prop::collection::vec(any::<[u64; 2]>(), 1..30),
            mut windows in prop::collection::vec(prop::collection::vec(any::<usize>(), 1..10), 0..6),
            wraps: bool,
            seed: u64,
        ) {
            windows.iter_mut().flatten().for_each(|place| *place %= numbers.len());
            // Differences of numbers that are one bit shorter fit.
            let bits = if wraps { ring } else { compared };
            let number = |[number, _]: [u64; 2]| bits.signed(bits.reduce(number)) >> u32::from(!wraps);
            let share = |pair: [u64; 2]| {
                [ring.reduce(pair[1]), ring.reduce(ring.embed(number(pair)).wrapping_sub(pair[1]))]
            };
            let shares: Vec<[u64; 2]> = numbers.iter().copied().map(share).collect();
            let of_window = |window: &Vec<usize>| window.iter().map(|&place| number(numbers[place])).collect();
            let windowed: Vec<Vec<i64>> = windows.iter().map(of_window).collect();
            let results = run(ring, compared, &shares, &windows, seed);
            for (window, result) in windowed.into_iter().zip(results) {
                prop_assert!(wraps || window.iter().max() == Some(&compared.maximum(&mut window.clone())));
                prop_assert_eq!(ring.signed(result), compared.maximum(&mut window.clone()));
            }
        }
    }

    #[test]
    fn levels_share_flights() {
        let ring = Ring::new(20).unwrap();
        let relu = Relu::new(ring, 0, ring).unwrap();
        let pool = MaxPool::new(ring, ring, (0..100).map(|_| 0..4).collect()).unwrap();
        let (relu, pool) = (cost(|t| relu.schedule(t, 200)), cost(|t| pool.schedule(t)));
        assert_eq!((relu.flights(), pool.flights()), (5, 9));
    }

    #[test]
    fn empty_windows_have_no_maximum() {
        let ring = Ring::new(8).unwrap();
        assert_eq!(MaxPool::new(ring, ring, [0..1, 0..0].into_iter().collect()), None);
        assert_eq!(MaxPool::new(ring, Ring::new(9).unwrap(), std::iter::once(0..1).collect()), None);
    }
}
