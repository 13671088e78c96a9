//! No bytes of a peer make a step panic, and only those of the right length are taken. How fast random OTs are.

use super::bits::Bits;
use super::extension::{ExtensionReceiver, ExtensionSender};
use super::field::{BASE_OTS, FieldBits};
use super::numbers::Width;
use super::testing::{Memory, chunks, cots, dealt, sixteens, triples};
use super::{correlated, sixteen, triples as products};
use crate::message::Role;
use proptest::prelude::*;
use std::time::{Duration, Instant};

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

/// How fast: `cargo test --release -p runtime --lib -- --ignored --nocapture random_ots_per_second`.
#[test]
#[ignore = "a measurement"]
fn random_ots_per_second() {
    const COUNT: usize = 1 << 22;
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    for k in [1, 2, 4, 8] {
        let field = FieldBits::new(k).unwrap();
        let (base_sent, base_received) = dealt(BASE_OTS, 99);
        // One after the other, so that each has the core for itself: the corrections wait in memory.
        let (ours, theirs) = crate::channel::memory::pair();
        let [mut ours, mut theirs] = [ours, theirs].map(|end| Memory::new(end, None).unwrap());
        let [received, sent] = one_thread.install(|| {
            let mut receiver = ExtensionReceiver::begin(&mut ours, base_sent, field).unwrap();
            let mut sender = ExtensionSender::begin(&mut theirs, Role::Server, base_received, field).unwrap();
            let start = Instant::now();
            drop(receiver.extend(&mut ours, &chunks(COUNT), |_, _| ()).unwrap());
            let received = start.elapsed();
            let start = Instant::now();
            drop(sender.extend(&mut theirs, &chunks(COUNT), |_, _| ()).unwrap());
            [received, start.elapsed()]
        });
        let rate = |time: Duration| COUNT as f64 / time.as_secs_f64() / 1e6;
        let bytes = field.cost(&chunks(COUNT)).bytes as f64 / COUNT as f64;
        let [receiver, sender] = [received, sent].map(rate);
        println!(
            "k = {k}: {receiver:.1} million/s at the receiver, {sender:.1} at the sender, {bytes:.2} bytes each"
        );
    }
}
