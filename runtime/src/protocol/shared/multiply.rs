//! Products of shared numbers, modulo a power of two, in one flight each way: [`crate::ot::number_product`].
//!
//! ```text
//! client (shares of x, y)                            server (shares of x, y)
//! 1  both of its shares, masked                ◀─▶   likewise
//! 2  its share of x·y                                likewise
//! ```
//!
//! Rings of x and y may be larger than that of x·y, never smaller: then low bits of shares are shares of low bits.
//!
//! # Who learns what
//!
//! Nothing: both see masked numbers.

use super::message_schedule::MessageSchedule;
use super::party::Party;
use crate::error::Result;
use crate::ot::{Products, Width};
use crate::plan::{Ring, Shape};

/// Products of two values, element by element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Multiply {
    products: Products,
    count: usize,
}

impl Multiply {
    /// In `ring`, of a value of shape `first` with one of the same shape, or of one element for each channel.
    pub fn new(ring: Ring, first: Shape, second: Shape) -> Option<Self> {
        let count = first.elements();
        let shared = count.checked_div(second.elements()).filter(|&shared| shared > 0)?;
        Some(Self { products: Products { width: Width::new(ring.bits())?, shared }, count })
    }

    /// What [`run`](Self::run) says and uses.
    pub fn schedule(&self, messages: &mut MessageSchedule) {
        messages.multiply(self.products, self.count);
    }

    /// This party's shares of the products from its shares of both factors.
    ///
    /// # Errors
    /// The peer sends something else or hung up, or the supply has something else next.
    ///
    /// # Panics
    /// If there are more or fewer numbers.
    pub fn run(&self, party: &mut Party<'_>, x: &[u64], y: &[u64]) -> Result<Vec<u64>> {
        party.multiply(self.products, x, y)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{both, cost, shares_of, sums};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20))]
        #[test]
        fn shares_add_up_to_products(
            (to, from) in (1u32..=40).prop_flat_map(|to| (Just(to), to..=64)),
            (channels, plane) in (1usize..5, 1usize..7),
            numbers in prop::collection::vec(any::<[u64; 2]>(), 60),
            each: bool,
            seed: u64,
        ) {
            let [to, from] = [to, from].map(|bits| Ring::new(bits).unwrap());
            let first = Shape::new(channels, 1, plane);
            let second = if each { first } else { Shape::vector(channels) };
            let multiply = Multiply::new(to, first, second).unwrap();
            let pairs = numbers[..first.elements() + second.elements()].to_vec();
            let pairs: Vec<[u64; 2]> = pairs.into_iter().map(|pair| pair.map(|share| from.reduce(share))).collect();
            let run = |party: &mut Party<'_>, shares: &[u64]| {
                let (x, y) = shares.split_at(first.elements());
                multiply.run(party, x, y)
            };
            let results = sums(to, both(&cost(|messages| multiply.schedule(messages)), seed, shares_of(&pairs), run));
            let number = |pair: [u64; 2]| pair[0].wrapping_add(pair[1]);
            let (x, y) = pairs.split_at(first.elements());
            for (index, result) in results.into_iter().enumerate() {
                let product = number(x[index]).wrapping_mul(number(y[index * y.len() / x.len()]));
                prop_assert_eq!(result, to.reduce(product));
            }
        }
    }

    #[test]
    fn a_gate_is_told_once_for_its_channel() {
        let ring = Ring::new(20).unwrap();
        let (first, gate) = (Shape::new(3, 8, 8), Shape::vector(3));
        let bytes = |second| {
            let multiply = Multiply::new(ring, first, second).unwrap();
            let cost = cost(|messages| multiply.schedule(messages));
            assert_eq!(cost.flights(), 2);
            cost.received_by(crate::ot::Role::Client)
        };
        assert_eq!([bytes(first), bytes(gate)], [2 * 192 * 20 / 8, 192 * 20 / 8 + 8]);
    }
}
