//! Sign activation: 1 where a shared number u is not negative, else 0, as shares in a ring.
//!
//! Notation of [`super::relu`], whose steps 1 and 2 are these; t = 0.
//!
//! ```text
//! client (a)                                         server (b)
//! 1  c1, the carry out of the n low bits of a + b (compare.rs)                       ◀─▶
//! 2  d′ = top bit of a ⊕ c1′                          d″ = 1 ⊕ top bit of b ⊕ c1″
//! 3  the product d′·d″ modulo 2^(k−1) (ot/bit_product.rs)                            ◀─▶
//! 4  y = d′ + d″ − 2·d′·d″
//! ```
//!
//! Who wants 1 for u > 0 subtracts 1 from u before.
//!
//! # Who learns what
//!
//! As in [`super::relu`].

use super::carry_trees::CarryTrees;
use super::compare::Along;
use super::message_schedule::MessageSchedule;
use super::party::Party;
use crate::error::Result;
use crate::ot::{Bits, CHUNK, Inputs, Width};
use crate::plan::Ring;
use rayon::prelude::*;

/// Signs of numbers of one ring in another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sign {
    from: Ring,
    to: Ring,
    trees: CarryTrees,
    /// Of the product of step 3; none where nothing is left of its double.
    product: Option<Width>,
}

impl Sign {
    /// From shares in `from` to shares in `to`; `None` unless `from` has two bits at least.
    pub fn new(from: Ring, to: Ring) -> Option<Self> {
        let low = from.bits().checked_sub(1).filter(|&low| low >= 1)?;
        Some(Self { from, to, trees: CarryTrees::new(low, 0), product: Width::new(to.bits() - 1) })
    }

    /// What [`run`](Self::run) opens first.
    pub(super) fn first_inputs(&self, shares: &[u64]) -> Inputs {
        self.trees.of(shares.len()).first_inputs(shares, Along::NONE, &Bits::default())
    }

    /// What [`run`](Self::run) says and uses for `count` numbers.
    pub fn schedule(&self, messages: &mut MessageSchedule, count: usize) {
        self.trees.of(count).schedule(messages, count, Along::NONE);
        messages.multiply_bits(count, self.product.as_slice());
    }

    /// This party's shares of [u ≥ 0] from its shares of u.
    ///
    /// # Errors
    /// The peer sends something else or hung up, or the supply has something else next.
    pub fn run(&self, party: &mut Party<'_>, shares: &[u64]) -> Result<Vec<u64>> {
        let carries = self.trees.of(shares.len()).carries(party, shares, Along::NONE, &Bits::default())?.all;
        let (adds_one, top) = (party.adds_constants(), self.from.bits() - 1);
        let tops = Bits::from_fn(shares.len(), |index| (shares[index] >> top & 1 == 1) ^ adds_one);
        let bits = tops.xor(&carries);
        let factors = self.product.iter().map(|&width| (width, bits.slice(0, bits.len())));
        let products = party.multiply_bits(factors.collect())?;
        let result = |index| {
            let product = products.first().map_or(0, |products| products[index]);
            self.to.reduce(u64::from(bits.get(index)).wrapping_sub(product << 1))
        };
        Ok((0..shares.len()).into_par_iter().with_min_len(CHUNK).map(result).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{both, cost, shares_of, sums};
    use super::*;
    use proptest::prelude::*;

    fn check(from: Ring, to: Ring, pairs: &[[u64; 2]], seed: u64) {
        let sign = Sign::new(from, to).unwrap();
        let run = |party: &mut Party<'_>, shares: &[u64]| sign.run(party, shares);
        let results = sums(
            to,
            both(&cost(|messages| sign.schedule(messages, pairs.len())), seed, shares_of(pairs), run),
        );
        for (&[a, b], result) in pairs.iter().zip(results) {
            let u = from.signed(from.reduce(a.wrapping_add(b)));
            assert_eq!(result, u64::from(u >= 0), "{a} + {b} = {u}");
        }
    }

    #[test]
    fn all_shares_of_a_small_ring() {
        let from = Ring::new(6).unwrap();
        let pairs: Vec<[u64; 2]> = (0..1 << 12).map(|pair| [pair & 63, pair >> 6]).collect();
        for to in [1, 2, 20, 64] {
            check(from, Ring::new(to).unwrap(), &pairs, to.into());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(15))]
        #[test]
        fn signs_of_wide_rings(from in 2u32..=64, shares in prop::collection::vec(any::<u64>(), 1..10), seed: u64) {
            let from = Ring::new(from).unwrap();
            let edges = [0, 1, u64::MAX, 1 << (from.bits() - 1), (1 << (from.bits() - 1)) - 1];
            let pair = |a: u64, u: u64| [from.reduce(a), from.reduce(u.wrapping_sub(a))];
            let pairs: Vec<_> = shares.iter().flat_map(|&a| edges.map(|u| pair(a, u))).collect();
            check(from, Ring::new(12).unwrap(), &pairs, seed);
        }
    }

    #[test]
    fn one_bit_is_too_short() {
        assert_eq!(Sign::new(Ring::new(1).unwrap(), Ring::new(8).unwrap()), None);
    }
}
