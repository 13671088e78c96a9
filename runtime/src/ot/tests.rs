//! No bytes of a peer make a step panic, and only those of the right length are taken.

use super::bits::Width;
use super::testing::dealt;
use super::triples::{self, Triples};
use super::wire::Turn;
use super::{choose, chosen, correlated, sixteen};
use proptest::prelude::*;

proptest! {
    #[test]
    fn steps_take_messages_of_the_right_length_alone(
        bytes in prop::collection::vec(any::<u8>(), 0..80),
        width in (1u32..=8).prop_map(|bits| Width::new(bits).unwrap()),
        count in (0usize..5).prop_map(|choices| 4 * choices),
        seed: u64,
    ) {
        let fits = |length: u64| bytes.len() as u64 == length;
        let received = || dealt(count, seed).1.choose(&vec![true; count]).0;
        let offered = dealt(count, seed).0.offer(&bytes);
        prop_assert_eq!(offered.is_ok(), fits(choose::departure_bytes(count)));
        prop_assert_eq!(received().unmask(width, &bytes).is_ok(), fits(chosen::masked_bytes(count, width)));
        let shares = received().correlate(width, &bytes);
        prop_assert_eq!(shares.is_ok(), fits(correlated::difference_bytes(count, width)));
        let messages = received().unmask_sixteen(width, &bytes);
        prop_assert_eq!(messages.is_ok(), fits(sixteen::masked_bytes(count / 4, width)));
        let triples = Triples::new(width, dealt(count, seed).0, dealt(count, seed).1).unwrap();
        let products = triples.open(&vec![true; count], &vec![1; count]).0.close(Turn::First, &bytes);
        prop_assert_eq!(products.is_ok(), fits(triples::opening_bytes(count, width)));
    }
}
