//! What the times of oblivious transfers tell of choices and numbers, and which branches and addresses they choose.

use std::hint::black_box;

use super::bits::Bits;
use super::block::{BLOCK_BITS, Block};
use super::chunk::{ReceivedChunk, SentChunk};
use super::correlated::{CotReceiver, CotSender};
use super::numbers::Width;
use super::tree::climb;
use super::wide::add_product;
use crate::paillier::randomness::TestRng;
use crate::testing::taint;
use crate::testing::timing::{Experiment, on_one_thread, unset_and_random, zeros_and_random};

/// Transfers at once.
const COUNT: usize = 2048;

/// Calls.
const SAMPLES: usize = 30_000;

/// Calls where addresses are chosen by the secret; of a few times as many |t| would exceed its limit.
const FEWER: usize = 10_000;

fn width() -> Width {
    Width::new(20).unwrap()
}

/// Two random blocks for each transfer.
fn pairs(rng: &mut TestRng) -> Vec<[Block; 2]> {
    let mut pairs = vec![[[0; 16]; 2]; COUNT];
    rng.fill(pairs.as_flattened_mut().as_flattened_mut());
    pairs
}

/// The receiver's half with these random choices.
fn receiver(pairs: &[[Block; 2]], random: &[Block]) -> CotReceiver {
    let blocks: Vec<Block> = pairs.iter().map(|pair| pair[0]).collect();
    CotReceiver::from_chunk(width(), &ReceivedChunk { choices: random, blocks: &blocks })
}

#[test]
#[ignore = "a measurement of times"]
fn bits_of_numbers_are_taken_in_a_time_that_tells_nothing_of_them() {
    on_one_thread(|| {
        let mut secrets = |rng: &mut TestRng| zeros_and_random(rng, 512);
        let experiment = Experiment { name: "bits of shares", samples: SAMPLES, secrets: &mut secrets };
        experiment
            .takes_constant_time(|_| (), |words, ()| Bits::from_fn(512, |index| words[index] >> 19 & 1 == 1));
    });
}

#[test]
#[ignore = "a measurement of times"]
fn correlated_transfers_take_a_time_that_tells_nothing_of_choices_and_numbers() {
    on_one_thread(|| {
        let mut rng = TestRng::new(60);
        let pairs = pairs(&mut rng);
        let random = vec![[0x5a; 16]; COUNT / BLOCK_BITS];
        let message = vec![0xa5; width().bytes(COUNT) as usize];
        let mut choices = |rng: &mut TestRng| zeros_and_random(rng, COUNT / 64);
        let experiment = Experiment { name: "choices of COTs", samples: SAMPLES, secrets: &mut choices };
        experiment.takes_constant_time(
            |words| (receiver(&pairs, &random), Bits::from_words(words.clone(), COUNT)),
            |_, (receiver, choices)| receiver.choose(&choices).0.receive(&message),
        );
        let mut numbers = |rng: &mut TestRng| zeros_and_random(rng, COUNT);
        let experiment = Experiment { name: "numbers of COTs", samples: SAMPLES, secrets: &mut numbers };
        experiment.takes_constant_time(
            |_| CotSender::from_chunk(width(), &SentChunk { pairs: &pairs }),
            |numbers, sender| sender.mask(numbers),
        );
    });
}

/// The path to the leaf that is missing shows in addresses, not in how many instructions there are.
#[test]
#[ignore = "a measurement of times"]
fn trees_are_climbed_in_a_time_that_tells_nothing_of_the_path() {
    let known = [[7; 16]; 8];
    let mut secrets = |rng: &mut TestRng| unset_and_random(rng, 8);
    let experiment = Experiment { name: "path in a tree", samples: FEWER, secrets: &mut secrets };
    experiment.takes_constant_time(|_| (), |path, ()| climb(path, &known));
}

#[test]
#[ignore = "a measurement of times"]
fn corrections_are_added_in_a_time_that_tells_nothing_of_delta() {
    let correction = vec![[9; 16]; 128];
    let mut secrets = |rng: &mut TestRng| unset_and_random(rng, 32);
    let experiment = Experiment { name: "bits of Δ", samples: SAMPLES, secrets: &mut secrets };
    experiment.takes_constant_time(
        |_| vec![[0; 16]; 128],
        |bits, mut row| {
            bits.iter().for_each(|&bit| add_product(&mut row, bit, black_box(&correction)));
            row
        },
    );
}

#[test]
#[ignore = "runs under valgrind"]
fn correlated_transfers_choose_nothing_by_choices_and_numbers() {
    taint::watched("ot::secrecy::correlated_transfers_choose_nothing_by_choices_and_numbers", || {
        let mut rng = TestRng::new(61);
        let [_, numbers] = zeros_and_random(&mut rng, COUNT);
        let [_, choices] = zeros_and_random(&mut rng, COUNT / 64);
        let (pairs, random) = (pairs(&mut rng), vec![[0x5a; 16]; COUNT / BLOCK_BITS]);
        taint::hide(&numbers);
        taint::hide(&choices);
        taint::hide(&pairs);
        taint::hide(&random);
        let choices = Bits::from_words(choices, COUNT);
        let (chosen, departures) = receiver(&pairs, &random).choose(&choices);
        let (masked, message) = CotSender::from_chunk(width(), &SentChunk { pairs: &pairs }).mask(&numbers);
        masked.receive(&departures).unwrap();
        chosen.receive(&message).unwrap();
    });
}

#[test]
#[ignore = "runs under valgrind"]
fn corrections_choose_nothing_by_delta() {
    taint::watched("ot::secrecy::corrections_choose_nothing_by_delta", || {
        let [_, bits] = unset_and_random(&mut TestRng::new(62), 32);
        let correction = vec![[9; 16]; 128];
        let mut row = vec![[0; 16]; 128];
        taint::hide(&bits);
        black_box(&bits).iter().for_each(|&bit| add_product(&mut row, bit, black_box(&correction)));
        black_box(row);
    });
}
