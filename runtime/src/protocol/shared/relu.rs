//! ReLU and exact truncation: ⌊max(u, 0) / 2^t⌋ of shared numbers u, as shares in another ring.
//!
//! Notation: u = a + b mod 2^m with −2^(m−1) ≤ u < 2^(m−1); n = m − 1; ⌊a / 2^t⌋ is that of a as a signed number; results are
//! modulo 2^k. A bit c = c′ ⊕ c″ is shared in F₂, c′ at the client and c″ at the server; s′ and s″ are the top bits of a and b.
//!
//! ```text
//! client (a)                                         server (b)
//! 1  c1 and c0, the carries out of the n and the t low bits of a + b (compare.rs);    ◀─▶
//!    with them shares S of s′·s″ modulo 2^(k−1−n+t) and Z of c0′·c0″ modulo 2^(k−1) (ot/bit_product.rs)
//! 2  d′ = s′ ⊕ c1′                                    d″ = 1 ⊕ s″ ⊕ c1″
//! 3  A = ⌊a / 2^t⌋ + c0′ − 2·Z′ + 2^(n−t+1)·S′         B = ⌊b / 2^t⌋ + c0″ − 2·Z″ + 2^(n−t+1)·S″
//! 4  products of a bit and a number of the other's, modulo 2^k, both at once (COT):   ◀─▶
//!       d″ · (1 − 2d′)·A  and  d′ · (1 − 2d″)·B
//! 5  y = d′·A + d″·B + both products
//! ```
//!
//! d = 1 if u ≥ 0, else 0, and y = d·(A + B) with
//!
//! ```text
//! A + B = ⌊(a mod 2^n) / 2^t⌋ + ⌊(b mod 2^n) / 2^t⌋ + c0 − (s′ ⊕ s″)·2^(n−t)     for c = c′ + c″ − 2·c′·c″
//!       = ⌊u / 2^t⌋ where u ≥ 0, the top bit s′ ⊕ s″ ⊕ c1 of u being 0, so that c1 = s′ ⊕ s″
//! d·x   = d′·x + d″·(1 − 2d′)·x = d″·x + d′·(1 − 2d″)·x                         for every x
//! ```
//!
//! Where t = 0, c0 is 0, and where a modulus would be 1 or less, a multiple of 2^k is added: nothing to multiply.
//!
//! Where signs are those of the low l bits (`by_low_bits`), t = 0 and k = m: c1 is the carry out of l − 1 bits, s′ and s″ are the
//! bits above these, and A + B = u mod 2^m as it is.
//!
//! (Truncation of shared numbers by two carries: CrypTFlow2, CCS 2020, section 4. The multiplexer from COTs in both
//! directions: SiRnn, eprint 2021/459. Top bits in place of c1, whose product needs no flight: our own.)
//!
//! # Who learns what
//!
//! Nothing, as the parts argue. A party's share of y is a sum with a share of a COT in it, uniform to the other one.

use super::carry_trees::CarryTrees;
use super::compare::{Along, Carries};
use super::message_schedule::MessageSchedule;
use super::party::Party;
use crate::error::Result;
use crate::ot::{Bits, CHUNK, Inputs, Width};
use crate::plan::Ring;
use rayon::prelude::*;

/// ReLU and truncation from one ring to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relu {
    from: Ring,
    /// The ring whose numbers' signs are those of all: `from`, or a smaller one.
    compared: Ring,
    to: Ring,
    /// The number t of low bits that are dropped.
    dropped: u32,
    trees: CarryTrees,
    /// Width of the elements of `to`.
    width: Width,
    /// The products of step 1: S of the known top bits, and Z.
    along: Along,
}

impl Relu {
    /// From shares in `from` to shares in `to`, without the `dropped` lowest bits; `None` unless `from` has more
    /// bits than these, and two at least.
    pub fn new(from: Ring, dropped: u32, to: Ring) -> Option<Self> {
        let low = from.bits().checked_sub(1).filter(|&low| low >= 1 && dropped <= low)?;
        let product = |shift: u32| Width::new(to.bits().checked_sub(shift)?);
        Some(Self {
            from,
            compared: from,
            to,
            dropped,
            trees: CarryTrees::new(low, dropped),
            width: Width::new(to.bits())?,
            along: Along {
                known: product(1 + low - dropped),
                low: if dropped > 0 { product(1) } else { None },
            },
        })
    }

    /// Of numbers of `ring`, to the same: u where u modulo `compared` is not negative, else 0, so that nothing is to be said of
    /// further bits; `None` unless `compared` has two bits at least and no more than `ring`.
    pub(super) fn by_low_bits(ring: Ring, compared: Ring) -> Option<Self> {
        let low = compared.bits().checked_sub(1).filter(|&low| low >= 1 && compared <= ring)?;
        let (trees, width) = (CarryTrees::new(low, 0), Width::new(ring.bits())?);
        Some(Self { from: ring, compared, to: ring, dropped: 0, trees, width, along: Along::NONE })
    }

    /// This party's shares of ⌊max(u, 0) / 2^t⌋ from its shares of u.
    ///
    /// # Errors
    /// The peer sends something else or hung up, or the supply has something else next.
    pub fn run(&self, party: &mut Party<'_>, shares: &[u64]) -> Result<Vec<u64>> {
        let tops = self.tops(shares);
        let carries = self.trees.of(shares.len()).carries(party, shares, self.along, &tops)?; // Step 1.
        let adds_one = party.adds_constants();
        let positive = Bits::from_fn(shares.len(), |i| tops.get(i) ^ carries.all.get(i) ^ adds_one); // Step 2.
        let values = numbers(shares.len(), |index| self.value(shares[index], &carries, index)); // Step 3.
        let signed = numbers(shares.len(), |index| {
            let mask = u64::from(positive.get(index)).wrapping_neg();
            (values[index] ^ mask).wrapping_sub(mask)
        });
        let [of_bits, of_numbers] = party.correlate(self.width, &positive, &signed)?; // Step 4.
        Ok(numbers(shares.len(), |index| {
            let own = u64::from(positive.get(index)).wrapping_neg() & values[index];
            self.to.reduce(own.wrapping_add(of_bits[index]).wrapping_add(of_numbers[index]))
        }))
    }

    /// What [`run`](Self::run) opens first.
    pub(super) fn first_inputs(&self, shares: &[u64]) -> Inputs {
        self.trees.of(shares.len()).first_inputs(shares, self.along, &self.tops(shares))
    }

    fn tops(&self, shares: &[u64]) -> Bits {
        let sign = self.compared.bits() - 1;
        Bits::from_fn(shares.len(), |index| shares[index] >> sign & 1 == 1)
    }

    /// What [`run`](Self::run) says and uses for `count` numbers.
    pub fn schedule(&self, messages: &mut MessageSchedule, count: usize) {
        self.trees.of(count).schedule(messages, count, self.along);
        messages.correlate(count, self.width);
    }

    /// A at the client, B at the server.
    fn value(&self, share: u64, carries: &Carries, index: usize) -> u64 {
        let kept = (self.from.signed(share) >> self.dropped) as u64;
        let product = |products: &[u64]| products.get(index).copied().unwrap_or_default();
        let low = u64::from(carries.low.get(index)).wrapping_sub(product(&carries.low_products) << 1);
        let tops = match self.along.known {
            Some(_) => product(&carries.known_products) << (self.from.bits() - self.dropped),
            None => 0,
        };
        kept.wrapping_add(low).wrapping_add(tops)
    }
}

fn numbers(count: usize, number: impl Fn(usize) -> u64 + Send + Sync) -> Vec<u64> {
    (0..count).into_par_iter().with_min_len(CHUNK).map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::super::message_schedule::Communication;
    use super::super::testing::{both, cost, shares_of, sums};
    use super::*;
    use crate::ot::{Batch, CorrelationKind, Role};
    use proptest::prelude::*;

    fn ring(bits: u32) -> Ring {
        Ring::new(bits).unwrap()
    }

    /// Runs the protocol on all pairs of shares and compares with the plain formula.
    fn check(from: Ring, dropped: u32, to: Ring, pairs: &[[u64; 2]], seed: u64) {
        let relu = Relu::new(from, dropped, to).unwrap();
        let run = |party: &mut Party<'_>, shares: &[u64]| relu.run(party, shares);
        let results = sums(
            to,
            both(&cost(|messages| relu.schedule(messages, pairs.len())), seed, shares_of(pairs), run),
        );
        for (&[a, b], result) in pairs.iter().zip(results) {
            let u = from.signed(from.reduce(a.wrapping_add(b)));
            assert_eq!(
                result,
                to.embed(u.max(0) >> dropped),
                "{a} + {b} = {u}, {from:?} >> {dropped} in {to:?}"
            );
        }
    }

    #[test]
    fn all_shares_of_a_small_ring() {
        const BITS: u32 = 6;
        let pairs: Vec<[u64; 2]> = (0..1 << (2 * BITS)).map(|pair| [pair & 63, pair >> BITS]).collect();
        for dropped in 0..BITS {
            for to in [1, BITS - dropped, 9] {
                check(ring(BITS), dropped, ring(to), &pairs, to.into());
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(30))]
        #[test]
        fn shares_add_up_to_the_plain_formula(
            from in prop_oneof![2u32..=40, 60u32..=64],
            dropped: u32,
            to in 1u32..=64,
            shares in prop::collection::vec(any::<u64>(), 1..8),
            seed: u64,
        ) {
            let (from, dropped) = (ring(from), dropped % from);
            let half = 1u64 << (from.bits() - 1);
            let unit = 1u64 << dropped;
            let edges = [0, 1, half - 1, half, half.wrapping_neg(), u64::MAX, unit - 1, unit, half - unit];
            let pair = |a: u64, u: u64| [from.reduce(a), from.reduce(u.wrapping_sub(a))];
            let pairs = shares.iter().flat_map(|&a| edges.map(|u| pair(a, u)).into_iter().chain([pair(!a, a << 7)]));
            check(from, dropped, ring(to), &pairs.collect::<Vec<_>>(), seed);
        }
    }

    /// Each party's results are spread alike for every u, however it is shared.
    #[test]
    fn shares_of_results_are_fresh() {
        const COUNT: usize = 8000;
        let relu = Relu::new(ring(6), 1, ring(3)).unwrap();
        let run = |party: &mut Party<'_>, shares: &[u64]| relu.run(party, shares);
        for (seed, pair) in [[0, 0], [9, 0], [0, 9], [40, 0], [60, 13]].into_iter().enumerate() {
            let results = both(
                &cost(|messages| relu.schedule(messages, COUNT)),
                seed as u64,
                shares_of(&[pair; COUNT]),
                run,
            );
            for share in 0..8 {
                let counts = results.each_ref().map(|shares| shares.iter().filter(|&&s| s == share).count());
                // ± 6.5 standard deviations of 29.6.
                assert!(counts.iter().all(|count| count.abs_diff(COUNT / 8) < 193), "{pair:?}: {counts:?}");
            }
        }
    }

    #[test]
    fn a_ring_of_33_bits() {
        let relu = Relu::new(ring(33), 12, ring(20)).unwrap();
        let [few, many] = [256, 3200].map(|count| cost(|messages| relu.schedule(messages, count)));
        assert_eq!([few.flights(), many.flights()], [5, 6]);
        let ots = |cost: &Communication| {
            let chosen_by = |role| cost.batches.iter().map(|batch| batch.ots(role)).sum::<usize>();
            [Role::Client, Role::Server].map(chosen_by)
        };
        assert_eq!(ots(&few), [46 * 256, 13 * 256]);
        assert_eq!(ots(&many), [49 * 3200, 16 * 3200]);
        let last = Batch { kind: CorrelationKind::Cot(Role::Server, Width::new(20).unwrap()), count: 3200 };
        assert_eq!(many.batches.last(), Some(&last));
        // Bits of one number that each party receives.
        let received = |cost: &Communication| [Role::Server, Role::Client].map(|role| cost.received_by(role));
        assert_eq!([received(&few), received(&many)], [[81 * 32; 2], [93 * 400; 2]]);
    }

    #[test]
    fn bits_that_are_not_there_are_not_dropped() {
        for (from, dropped) in [(1, 0), (2, 2), (8, 8), (8, u32::MAX)] {
            assert_eq!(Relu::new(ring(from), dropped, ring(8)), None);
        }
    }
}
