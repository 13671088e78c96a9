//! No bytes of a peer make a step panic, and only those of the right length are taken.

use super::bits::Bits;
use super::numbers::Width;
use super::role::Role;
use super::testing::{cots, sixteens, triples};
use super::{correlated, sixteen, triples as products};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn steps_take_messages_of_the_right_length_alone(
        bytes in prop::collection::vec(any::<u8>(), 0..20),
        width in (1u32..=8).prop_map(|bits| Width::new(bits).unwrap()),
        wide: bool,
        count in 0usize..5,
        seed: u64,
    ) {
        let fits = |length: u64| bytes.len() as u64 == length;
        let short = if wide { Width::PAIR } else { Width::BIT };
        let ones = Bits::from_fn(count, |_| true);

        let (sender, receiver) = sixteens(short, count, seed);
        let masked = sender.mask(&bytes, vec![7; count]);
        prop_assert_eq!(masked.is_ok(), fits(sixteen::departure_bytes(count)));
        let messages = receiver.choose(&vec![9; count]).0.receive(&bytes);
        prop_assert_eq!(messages.is_ok(), fits(sixteen::masked_bytes(count, short)));

        let (sender, receiver) = cots(width, count, seed);
        prop_assert_eq!(sender.answer(&bytes, &vec![3; count]).is_ok(), fits(correlated::departure_bytes(count)));
        let shares = receiver.choose(&ones).0.receive(&bytes);
        prop_assert_eq!(shares.is_ok(), fits(correlated::difference_bytes(count, width)));

        let [triples, _] = triples(width, count, seed);
        let planes: Vec<Bits> = (0..width.bits()).map(|_| Bits::zeros(count)).collect();
        let closed = triples.open(&ones, &planes).0.close(Role::Client, &bytes);
        prop_assert_eq!(closed.is_ok(), fits(products::opening_bytes(count, width)));
    }
}
