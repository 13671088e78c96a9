//! What the times of correlated trees tell of the path to the leaf that the climber lacks.

use super::circular_hash::CircularHash;
use super::tree::climb;
use crate::ot::block::Block;
use crate::paillier::randomness::TestRng;
use crate::testing::taint;
use crate::testing::timing::{Experiment, unset_and_random};

/// Levels of a tree.
const DEPTH: usize = 9;

/// The path shows in addresses, not in how many instructions there are.
#[test]
#[ignore = "a measurement of times"]
fn trees_are_climbed_in_a_time_that_tells_nothing_of_the_path() {
    let hash = CircularHash::new(1);
    let mut leaves = vec![[0; 16]; 1 << DEPTH];
    let mut secrets = |rng: &mut TestRng| unset_and_random(rng, DEPTH);
    let experiment = Experiment { name: "path in a correlated tree", samples: 10_000, secrets: &mut secrets };
    experiment.takes_constant_time(
        |_| (),
        |path: &Vec<bool>, ()| climb(&hash, path.iter().map(|&right| (right, [3; 16])), &mut leaves),
    );
}

/// All but the path: nothing is chosen by blocks.
#[test]
#[ignore = "runs under valgrind"]
fn trees_choose_nothing_by_blocks() {
    taint::watched("ot::silent::secrecy::trees_choose_nothing_by_blocks", || {
        let known: Vec<Block> = (0..DEPTH as u8).map(|level| [level; 16]).collect();
        taint::hide(&known);
        let mut leaves = vec![[0; 16]; 1 << DEPTH];
        let levels = known.iter().enumerate().map(|(level, known)| (level % 2 == 0, *known));
        climb(&CircularHash::new(1), levels, &mut leaves);
    });
}
