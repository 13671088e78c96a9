//! No bytes of a peer make a step panic, and only those of the right length are taken. How fast random OTs are.

use super::bits::Bits;
use super::cost::OtMessages;
use super::formula::Formula;
use super::numbers::Width;
use super::random;
use super::testing::{Memory, bit_products, chunks, cots, extensions, masked, together};
use super::{bit_product, correlated, masked as evaluation};
use crate::message::Role;
use crate::plan::{Extension, FieldBits, Transfers, TreeDepth};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn steps_take_messages_of_the_right_length_alone(
        bytes in prop::collection::vec(any::<u8>(), 0..20),
        width in (1u32..=8).prop_map(|bits| Width::new(bits).unwrap()),
        count in 0usize..5,
        seed: u64,
    ) {
        let fits = |length: u64| bytes.len() as u64 == length;
        let ones = Bits::from_fn(count, |_| true);

        let (sender, receiver) = cots(width, count, seed);
        prop_assert_eq!(sender.mask(&vec![3; count]).0.receive(&bytes).is_ok(), fits(correlated::departure_bytes(count)));
        let shares = receiver.choose(&ones).0.receive(&bytes);
        prop_assert_eq!(shares.is_ok(), fits(correlated::difference_bytes(count, width)));

        let [products, _] = bit_products(width, count, seed);
        let closed = products.open(&ones).0.close(Role::Client, &bytes);
        prop_assert_eq!(closed.is_ok(), fits(bit_product::opening_bytes(count)));

        for formula in Formula::all() {
            let inputs: Vec<Bits> = (0..formula.inputs()).map(|_| Bits::zeros(count)).collect();
            let [masked, _] = masked(formula, count, seed);
            let closed = masked.open(&inputs).0.close(&bytes);
            prop_assert_eq!(closed.is_ok(), fits(evaluation::opening_bytes(formula, count)));
        }
    }
}

/// What this thread has taken of a processor, on Linux: neither waiting nor other programs count.
fn processor_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}

/// How fast: `cargo test --release -p runtime --lib -- --ignored --nocapture random_ots_per_second`.
#[test]
#[ignore = "a measurement"]
fn random_ots_per_second() {
    const COUNT: usize = 1 << 22;
    let fields = [1, 2, 4, 8].map(|k| Extension::SoftSpoken(FieldBits::new(k).unwrap()));
    let silent = TreeDepth::all().map(Extension::Silent);
    for extension in fields.into_iter().chain(silent) {
        let [client, server] = extensions(Transfers::both(extension), 99);
        let (mut sender, mut receiver) = (client.sender, server.receiver);
        let timed = |connection: &mut Memory, extend: &mut (dyn FnMut(&mut Memory) + Send)| {
            let thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
            thread.install(|| {
                let start = processor_seconds();
                extend(connection);
                processor_seconds() - start
            })
        };
        let (sent, received) = together(
            |c| timed(c, &mut |c| drop(sender.extend(c, &chunks(COUNT), |_, _| ()).unwrap())),
            |c| timed(c, &mut |c| drop(receiver.extend(c, &chunks(COUNT), |_, _| ()).unwrap())),
        );
        let [sender, receiver] = [sent, received].map(|seconds| COUNT as f64 / seconds / 1e6);
        let OtMessages { by_sender, by_receiver } = random::cost(extension, &chunks(COUNT), 1);
        let bits = (by_sender.bytes + by_receiver.bytes) as f64 * 8.0 / COUNT as f64;
        println!(
            "{extension}: {receiver:.1} million/s at the receiver, {sender:.1} at the sender, {bits:.2} bits each"
        );
    }
}
