//! What the times of protocols tell of shares, and which branches and addresses they choose.

use super::arg_max::ArgMax;
use super::carry_trees::CarryTrees;
use super::compare::Along;
use super::max_pool::MaxPool;
use super::message_schedule::MessageSchedule;
use super::multiply::Multiply;
use super::party::Party;
use super::relu::Relu;
use super::sign::Sign;
use super::testing::{both, cost, sums};
use super::truncate::Truncate;
use crate::error::Result;
use crate::ot::Bits;
use crate::paillier::randomness::TestRng;
use crate::plan::{Ring, Scores, Shape};
use crate::testing::taint;
use crate::testing::timing::{Experiment, on_one_thread, zeros_and_random};

/// Values of a layer.
const COUNT: usize = 96;

fn ring(bits: u32) -> Ring {
    Ring::new(bits).unwrap()
}

/// Runs a protocol on shares as such, then on the same as secrets: both give the same, and nothing was chosen by secrets. Messages
/// are public once they are sent (`dialogue.rs`), being masked.
fn watch(
    to: Ring,
    schedule: impl Fn(&mut MessageSchedule),
    protocol: impl Fn(&mut Party<'_>, &[u64]) -> Result<Vec<u64>> + Sync,
) {
    let mut rng = TestRng::new(70);
    let shares = [(); 2].map(|()| (0..COUNT).map(|_| ring(20).reduce(rng.u64())).collect::<Vec<u64>>());
    let expected = sums(to, both(&cost(&schedule), 71, shares.clone(), &protocol));
    shares.iter().for_each(|shares| taint::hide(shares));
    let found = both(&cost(&schedule), 71, shares, &protocol);
    found.iter().for_each(|found| taint::show(found));
    assert_eq!(sums(to, found), expected);
}

#[test]
#[ignore = "runs under valgrind"]
fn activations_choose_nothing_by_shares() {
    taint::watched("protocol::shared::secrecy::activations_choose_nothing_by_shares", || {
        let relu = Relu::new(ring(20), 3, ring(18)).unwrap();
        watch(ring(18), |messages| relu.schedule(messages, COUNT), |party, shares| relu.run(party, shares));
        let sign = Sign::new(ring(20), ring(4)).unwrap();
        watch(ring(4), |messages| sign.schedule(messages, COUNT), |party, shares| sign.run(party, shares));
        let truncate = Truncate::new(ring(20), 4, ring(20)).unwrap();
        watch(
            ring(20),
            |messages| truncate.schedule(messages, COUNT),
            |party, shares| truncate.run(party, shares),
        );
    });
}

#[test]
#[ignore = "runs under valgrind"]
fn comparisons_and_products_choose_nothing_by_shares() {
    taint::watched("protocol::shared::secrecy::comparisons_and_products_choose_nothing_by_shares", || {
        let windows = (0..COUNT / 3).map(|i| vec![3 * i, 3 * i + 1, 3 * i + 2]).collect();
        let pool = MaxPool::new(ring(20), ring(20), windows).unwrap();
        watch(ring(20), |messages| pool.schedule(messages), |party, shares| pool.run(party, shares));
        let arg_max = ArgMax::new(ring(20), Scores::whole(COUNT), 1, ring(7)).unwrap();
        watch(ring(7), |messages| arg_max.schedule(messages), |party, shares| arg_max.run(party, shares));
        let half = Shape::new(COUNT / 2, 1, 1);
        let multiply = Multiply::new(ring(20), half, half).unwrap();
        watch(
            ring(20),
            |messages| multiply.schedule(messages),
            |party, shares| {
                let (x, y) = shares.split_at(COUNT / 2);
                multiply.run(party, x, y)
            },
        );
    });
}

/// What a ReLU of suite `shared` opens first: the bits of a party's shares, block by block.
#[test]
#[ignore = "a measurement of times"]
fn shares_become_bits_in_a_time_that_tells_nothing_of_them() {
    on_one_thread(|| {
        let trees = CarryTrees::new(19, 3);
        let mut secrets = |rng: &mut TestRng| {
            zeros_and_random(rng, 1024)
                .map(|words| words.into_iter().map(|word| ring(20).reduce(word)).collect::<Vec<u64>>())
        };
        let experiment =
            Experiment { name: "bits that carries need", samples: 20_000, secrets: &mut secrets };
        experiment.takes_constant_time(
            |_| Bits::zeros(1024),
            |shares, known| trees.of(1024).first_inputs(shares, Along::NONE, &known),
        );
    });
}
