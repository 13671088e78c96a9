//! ReLU and exact truncation: ⌊max(u, 0) / 2^t⌋ of shared numbers u, as shares in another ring.
//!
//! Notation: u = a + b mod 2^m with −2^(m−1) ≤ u < 2^(m−1); n = m − 1; results are modulo 2^k. A bit c = c′ ⊕ c″ is
//! shared in F₂, c′ at the client and c″ at the server.
//!
//! ```text
//! client (a)                                         server (b)
//! 1  c1 and c0, the carries out of the n and the t low bits of a + b (compare.rs)    ◀─▶
//! 2  d′ = top bit of a ⊕ c1′                          d″ = 1 ⊕ top bit of b ⊕ c1″
//! 3  A = ⌊(a mod 2^n) / 2^t⌋ + c0′ − c1′·2^(n−t)       B = ⌊(b mod 2^n) / 2^t⌋ + c0″ − c1″·2^(n−t)
//! 4  products of a bit and a number of the other's, all at once (COT):               ◀─▶
//!       d″ · (1 − 2d′)·A                              modulo 2^k
//!       d′ · (1 − 2d″)·B                              modulo 2^k
//!       c0′ · d″·c0″  and  c0′·d′ · (1 − 2d″)·c0″       modulo 2^(k−1)
//!       c1′ · d″·c1″  and  c1′·d′ · (1 − 2d″)·c1″       modulo 2^(k−1−n+t)
//! 5  y = d′·A + d″·B + the first two − 2·(the next two) + 2^(n−t+1)·(the last two)
//! ```
//!
//! d = 1 if u ≥ 0, else 0, and y = d·v for
//!
//! ```text
//! v = ⌊(a mod 2^n) / 2^t⌋ + ⌊(b mod 2^n) / 2^t⌋ + c0 − c1·2^(n−t)        = ⌊u / 2^t⌋ where u ≥ 0
//!   = A + B − 2·c0′·c0″ + 2^(n−t+1)·c1′·c1″                            for c = c′ + c″ − 2·c′·c″
//! d·x = d′·x + d″·(1 − 2d′)·x = d″·x + d′·(1 − 2d″)·x                  for every x
//! ```
//!
//! Where t = 0, c0 is 0, and where a modulus would be 1 or less, a multiple of 2^k is added: nothing to multiply.
//!
//! (Truncation of shared numbers by two carries: CrypTFlow2, CCS 2020, section 4. The multiplexer from COTs in both
//! directions: SiRnn, eprint 2021/459. COTs for d·c0 and d·c1, in place of ANDs and conversions to numbers: our own;
//! they take a flight less, and fewer OTs.)
//!
//! # Who learns what
//!
//! Nothing, as the parts argue. A party's share of y is a sum with a share of a COT in it, uniform to the other one.

use super::carry_tree::CarryTree;
use super::compare::Carries;
use super::message_schedule::MessageSchedule;
use super::party::{Operands, Party};
use crate::error::{Error, Result};
use crate::ot::{Bits, CHUNK, PerParty, Role, Width};
use crate::plan::Ring;
use rayon::prelude::*;

/// ReLU and truncation from one ring to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relu {
    from: Ring,
    to: Ring,
    /// The number t of low bits that are dropped.
    dropped: u32,
    tree: CarryTree,
    /// Width of the elements of `to`.
    width: Width,
    corrections: Vec<Correction>,
}

/// The products of step 4 about one carry.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Correction {
    carry: Carry,
    width: Width,
    /// The power of two in step 5.
    shift: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Carry {
    /// The carry c0, out of the low bits.
    Low,
    /// The carry c1, out of the n bits below the sign.
    All,
}

/// What a party knows before step 4, about all numbers.
struct Halves {
    /// Its shares of d.
    positive: Bits,
    /// A at the client, B at the server.
    values: Vec<u64>,
    carries: Carries,
}

impl Relu {
    /// From shares in `from` to shares in `to`, without the `dropped` lowest bits; `None` unless `from` has more
    /// bits than these, and two at least.
    pub fn new(from: Ring, dropped: u32, to: Ring) -> Option<Self> {
        let low = from.bits().checked_sub(1).filter(|&low| low >= 1 && dropped <= low)?;
        let correction = |(carry, shift)| {
            let width = Width::new(to.bits().checked_sub(shift)?)?;
            Some(Correction { carry, width, shift })
        };
        let carries = [(dropped > 0).then_some((Carry::Low, 1)), Some((Carry::All, 1 + low - dropped))];
        Some(Self {
            from,
            to,
            dropped,
            tree: CarryTree::new(low, dropped),
            width: Width::new(to.bits())?,
            corrections: carries.into_iter().flatten().filter_map(correction).collect(),
        })
    }

    /// This party's shares of ⌊max(u, 0) / 2^t⌋ from its shares of u.
    ///
    /// # Errors
    /// The peer sends something else or hung up, or the supply has something else next.
    pub fn run(&self, party: &mut Party<'_>, shares: &[u64]) -> Result<Vec<u64>> {
        let carries = self.tree.carries(party, shares)?; // Step 1.
        let halves = self.halves(party.adds_constants(), shares, carries);
        let sums = self.products(party, &halves)?;
        let result = |(index, sum): (usize, u64)| {
            self.to.reduce(times(halves.positive.get(index), halves.values[index]).wrapping_add(sum))
        };
        Ok(sums.into_par_iter().enumerate().with_min_len(CHUNK).map(result).collect())
    }

    /// What [`run`](Self::run) says and uses for `count` numbers.
    pub fn schedule(&self, messages: &mut MessageSchedule, count: usize) {
        self.tree.schedule(messages, count);
        let corrections = self.corrections.iter().flat_map(|correction| [correction.width; 2]);
        let client: Vec<Width> = std::iter::once(self.width).chain(corrections).collect();
        messages.correlate(count, PerParty { client: &client, server: &[self.width] });
    }

    /// Steps 2 and 3.
    fn halves(&self, adds_one: bool, shares: &[u64], carries: Carries) -> Halves {
        let low_bits = self.from.bits() - 1;
        let top = Bits::from_fn(shares.len(), |index| (shares[index] >> low_bits & 1 == 1) ^ adds_one);
        let value = |(index, &share): (usize, &u64)| {
            let kept = (share & !(u64::MAX << low_bits)) >> self.dropped;
            let carried = u64::from(carries.all.get(index)) << (low_bits - self.dropped);
            self.to.reduce(kept.wrapping_add(carries.low.get(index).into()).wrapping_sub(carried))
        };
        let values = shares.par_iter().enumerate().with_min_len(CHUNK).map(value).collect();
        Halves { positive: top.xor(&carries.all), values, carries }
    }

    /// Step 4; the sums of this party's shares as step 5 weights them.
    fn products(&self, party: &mut Party<'_>, halves: &Halves) -> Result<Vec<u64>> {
        let positive = &halves.positive;
        let masked = self.corrections.iter().map(|correction| positive.and(halves.carry(correction.carry)));
        let masked: Vec<Bits> = masked.collect();
        let mut bits = vec![Operands { width: self.width, values: positive }];
        let mut numbers = vec![Operands { width: self.width, values: halves.signed(|i| halves.values[i]) }];
        for (&Correction { carry, width, .. }, masked) in self.corrections.iter().zip(&masked) {
            let carry = halves.carry(carry);
            match party.role() {
                Role::Client => bits.extend([carry, masked].map(|values| Operands { width, values })),
                Role::Server => {
                    let masked = halves.numbers(|index| masked.get(index).into());
                    let signed = halves.signed(|index| carry.get(index).into());
                    numbers.extend([masked, signed].map(|values| Operands { width, values }));
                }
            }
        }
        let [of_bits, of_numbers] = party.correlate(halves.values.len(), &bits, &numbers)?;
        let ([by_bit, of_bits @ ..], [by_number, of_numbers @ ..]) = (&*of_bits, &*of_numbers) else {
            return Err(Error::Bug("products of step 4 are missing".into()));
        };
        let corrections = self.corrections.iter().flat_map(|correction| [correction; 2]);
        let corrections: Vec<_> = corrections.zip(of_bits.iter().chain(of_numbers)).collect();
        Ok(halves.numbers(|index| {
            let sum = by_bit[index].wrapping_add(by_number[index]);
            corrections.iter().fold(sum, |sum, (correction, products)| correction.add(sum, products[index]))
        }))
    }
}

impl Correction {
    const fn add(&self, sum: u64, product: u64) -> u64 {
        let weighted = product << self.shift;
        match self.carry {
            Carry::Low => sum.wrapping_sub(weighted),
            Carry::All => sum.wrapping_add(weighted),
        }
    }
}

impl Halves {
    const fn carry(&self, carry: Carry) -> &Bits {
        match carry {
            Carry::Low => &self.carries.low,
            Carry::All => &self.carries.all,
        }
    }

    fn numbers(&self, number: impl Fn(usize) -> u64 + Send + Sync) -> Vec<u64> {
        (0..self.values.len()).into_par_iter().with_min_len(CHUNK).map(number).collect()
    }

    /// (1 − 2d′)·x for numbers x, d′ being this party's share of d.
    fn signed(&self, number: impl Fn(usize) -> u64 + Send + Sync) -> Vec<u64> {
        self.numbers(|index| {
            let mask = u64::from(self.positive.get(index)).wrapping_neg();
            (number(index) ^ mask).wrapping_sub(mask)
        })
    }
}

const fn times(bit: bool, number: u64) -> u64 {
    (bit as u64).wrapping_neg() & number
}

#[cfg(test)]
mod tests {
    use super::super::testing::{both, cost, shares_of, sums};
    use super::*;
    use crate::ot::{Batch, CorrelationKind};
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
        let cost = cost(|messages| relu.schedule(messages, 12_800));
        let ots = |role| cost.batches.iter().map(|batch| batch.ots(role)).sum::<usize>();
        assert_eq!([Role::Client, Role::Server].map(ots), [132 * 12_800, 12_800]);
        let last = Batch { kind: CorrelationKind::Cot(Role::Server, Width::new(20).unwrap()), count: 12_800 };
        assert_eq!(cost.batches.last(), Some(&last));
        assert_eq!(cost.flights(), 5);
        // Bits of one number that each party receives.
        assert_eq!([Role::Server, Role::Client].map(|role| cost.received_by(role)), [82 * 1600, 118 * 1600]);
    }

    #[test]
    fn bits_that_are_not_there_are_not_dropped() {
        for (from, dropped) in [(1, 0), (2, 2), (8, 8), (8, u32::MAX)] {
            assert_eq!(Relu::new(ring(from), dropped, ring(8)), None);
        }
    }
}
