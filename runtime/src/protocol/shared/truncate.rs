//! Exact truncation: ⌊u / 2^t⌋ of shared signed numbers u, as shares in another ring.
//!
//! Notation: u = a + b mod 2^m with −2^(m−1) ≤ u < 2^(m−1); 0 ≤ t < m; results are modulo 2^k. A bit c = c′ ⊕ c″ is
//! shared in F₂, c′ at the client and c″ at the server.
//!
//! ```text
//! client (a)                                         server (b)
//! 1                                                  b ← b + 2^(m−1) mod 2^m
//! 2  c1 and c0, the carries out of the m and the t low bits of a + b (compare.rs)    ◀─▶
//! 3  products c0′·c0″ modulo 2^(k−1), c1′·c1″ modulo 2^(k−1−m+t) (ot/bit_product.rs)     ◀─▶
//! 4  y = ⌊a / 2^t⌋ + c0′ − c1′·2^(m−t) − 2·(share of the first) + 2^(m−t+1)·(share of the second)
//!                                                    likewise, and less 2^(m−1−t)
//! ```
//!
//! For w = u + 2^(m−1), which is not negative, ⌊w / 2^t⌋ = ⌊a / 2^t⌋ + ⌊b / 2^t⌋ + c0 − c1·2^(m−t), and
//! ⌊u / 2^t⌋ is 2^(m−1−t) less. Where k ≤ m − t, c1's summand is 0 modulo 2^k and c1 is not computed; where t = 0, c0
//! is 0; where neither is left, nothing is sent.
//!
//! (CrypTFlow2, CCS 2020, section 4; bits to numbers by one OT: SiRnn, eprint 2021/459.)
//!
//! # Who learns what
//!
//! Nothing, as the parts argue: a party's share of y follows from what it has seen.

use super::carry_trees::CarryTrees;
use super::compare::Along;
use super::message_schedule::MessageSchedule;
use super::party::Party;
use crate::error::Result;
use crate::ot::{Bits, CHUNK, Inputs, Width};
use crate::plan::Ring;
use rayon::prelude::*;

/// Truncation from one ring to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Truncate {
    from: Ring,
    to: Ring,
    /// The number t of low bits that are dropped.
    dropped: u32,
    /// None where no carry counts.
    trees: Option<CarryTrees>,
    /// c0 and c1, those that count.
    carries: Vec<Carry>,
}

/// A carry that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Carry {
    /// Out of the low bits of the tree, not out of all.
    low: bool,
    /// What it stands for in step 4, modulo 2^64.
    weight: u64,
    /// Of step 3's product, unless its double is 0.
    product: Option<Width>,
}

impl Truncate {
    /// From shares in `from` to shares in `to`, without the `dropped` lowest bits; `None` unless `from` has more bits
    /// than these.
    pub fn new(from: Ring, dropped: u32, to: Ring) -> Option<Self> {
        let kept = from.bits().checked_sub(dropped).filter(|&kept| kept > 0)?;
        let high = to.bits() > kept;
        let trees = match (dropped, high) {
            (0, false) => None,
            (_, false) => Some(CarryTrees::new(dropped, 0)),
            (_, true) => Some(CarryTrees::new(from.bits(), dropped)),
        };
        let product = |shift| Width::new(to.bits().checked_sub(shift)?);
        let low = (dropped > 0).then(|| Carry { low: high, weight: 1, product: product(1) });
        let high = high.then(|| {
            let weight = (1u64 << kept).wrapping_neg();
            Carry { low: false, weight, product: product(1 + kept) }
        });
        Some(Self { from, to, dropped, trees, carries: low.into_iter().chain(high).collect() })
    }

    /// What [`run`](Self::run) opens first at the client.
    pub(super) fn first_inputs(&self, shares: &[u64]) -> Inputs {
        let first =
            |trees: &CarryTrees| trees.of(shares.len()).first_inputs(shares, Along::NONE, &Bits::default());
        self.trees.as_ref().map(first).unwrap_or_default()
    }

    /// What [`run`](Self::run) says and uses for `count` numbers.
    pub fn schedule(&self, messages: &mut MessageSchedule, count: usize) {
        self.trees.iter().for_each(|trees| trees.of(count).schedule(messages, count, Along::NONE));
        let widths: Vec<Width> = self.carries.iter().filter_map(|carry| carry.product).collect();
        messages.multiply_bits(count, &widths);
    }

    /// This party's shares of ⌊u / 2^t⌋ from its shares of u.
    ///
    /// # Errors
    /// The peer sends something else or hung up, or the supply has something else next.
    pub fn run(&self, party: &mut Party<'_>, shares: &[u64]) -> Result<Vec<u64>> {
        let [offset, result] = if party.adds_constants() {
            [0, self.dropped].map(|t| 1 << (self.from.bits() - 1 - t))
        } else {
            [0; 2]
        };
        let add = |share: &u64| self.from.reduce(share.wrapping_add(offset));
        let shares: Vec<u64> = shares.par_iter().with_min_len(CHUNK).map(add).collect(); // Step 1.
        let compare = |trees: &CarryTrees| {
            trees.of(shares.len()).carries(party, &shares, Along::NONE, &Bits::default())
        };
        let carries = self.trees.as_ref().map(compare).transpose()?;
        let bits = carries.iter().flat_map(|carries| {
            self.carries.iter().map(|carry| if carry.low { &carries.low } else { &carries.all })
        });
        let carries: Vec<(&Carry, &Bits)> = self.carries.iter().zip(bits).collect();
        let products = self.products(party, &carries)?;
        let carried = |index: usize| {
            let terms = carries.iter().zip(&products).map(|((carry, bits), products)| {
                let product = products.as_ref().map_or(0, |products| products[index]);
                carry.weight.wrapping_mul(u64::from(bits.get(index)).wrapping_sub(product << 1))
            });
            terms.fold(0, u64::wrapping_add)
        };
        let result = |(index, share): (usize, u64)| {
            let kept = (share >> self.dropped).wrapping_sub(result);
            self.to.reduce(kept.wrapping_add(carried(index)))
        };
        Ok(shares.into_par_iter().enumerate().with_min_len(CHUNK).map(result).collect())
    }

    /// Step 3: this party's shares of the products, carry by carry.
    fn products(&self, party: &mut Party<'_>, carries: &[(&Carry, &Bits)]) -> Result<Vec<Option<Vec<u64>>>> {
        let factors =
            carries.iter().filter_map(|(carry, bits)| Some((carry.product?, bits.slice(0, bits.len()))));
        let mut products = party.multiply_bits(factors.collect())?.into_iter();
        Ok(carries.iter().map(|(carry, _)| carry.product.and_then(|_| products.next())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{both, cost, shares_of, sums};
    use super::*;
    use proptest::prelude::*;

    fn ring(bits: u32) -> Ring {
        Ring::new(bits).unwrap()
    }

    fn check(from: Ring, dropped: u32, to: Ring, pairs: &[[u64; 2]], seed: u64) {
        let truncate = Truncate::new(from, dropped, to).unwrap();
        let run = |party: &mut Party<'_>, shares: &[u64]| truncate.run(party, shares);
        let cost = cost(|messages| truncate.schedule(messages, pairs.len()));
        let results = sums(to, both(&cost, seed, shares_of(pairs), run));
        for (&[a, b], result) in pairs.iter().zip(results) {
            let u = from.signed(from.reduce(a.wrapping_add(b)));
            assert_eq!(result, to.embed(u >> dropped), "{a} + {b} = {u}, {from:?} >> {dropped} in {to:?}");
        }
    }

    #[test]
    fn all_shares_of_a_small_ring() {
        const BITS: u32 = 6;
        let pairs: Vec<[u64; 2]> = (0..1 << (2 * BITS)).map(|pair| [pair & 63, pair >> BITS]).collect();
        for dropped in 0..BITS {
            for to in [1, 2, BITS - dropped, BITS - dropped + 1, BITS, 9] {
                check(ring(BITS), dropped, ring(to), &pairs, to.into());
            }
        }
        check(ring(1), 0, ring(7), &[[0, 0], [0, 1], [1, 0], [1, 1]], 1);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(30))]
        #[test]
        fn shares_add_up_to_the_quotient(
            from in prop_oneof![1u32..=40, 60u32..=64],
            dropped: u32,
            to in 1u32..=64,
            shares in prop::collection::vec(any::<u64>(), 1..8),
            seed: u64,
        ) {
            let (from, dropped) = (ring(from), dropped % from);
            let (half, unit) = (1u64 << (from.bits() - 1), 1u64 << dropped);
            let edges = [0, 1, half - 1, half, half.wrapping_neg(), u64::MAX, unit - 1, unit, unit.wrapping_neg()];
            let pair = |a: u64, u: u64| [from.reduce(a), from.reduce(u.wrapping_sub(a))];
            let pairs = shares.iter().flat_map(|&a| edges.map(|u| pair(a, u)).into_iter().chain([pair(!a, a << 7)]));
            check(from, dropped, ring(to), &pairs.collect::<Vec<_>>(), seed);
        }
    }

    #[test]
    fn what_counts_for_nothing_is_not_said() {
        let flights = |from, dropped, to| {
            let truncate = Truncate::new(ring(from), dropped, ring(to)).unwrap();
            cost(|messages| truncate.schedule(messages, 100)).flights()
        };
        assert_eq!(
            [flights(20, 0, 20), flights(20, 0, 3), flights(20, 4, 16), flights(20, 4, 17)],
            [0, 0, 4, 5]
        );
        for (from, dropped) in [(1, 1), (8, 8), (8, u32::MAX)] {
            assert_eq!(Truncate::new(ring(from), dropped, ring(8)), None);
        }
    }
}
