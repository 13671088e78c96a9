//! Networks of every family that people train: a plan is right, or the compiler says that it is not, or there is none.
//!
//! The hunt needs nothing but this program:
//! `POPCORN_HUNT=1000 it --ignored --nocapture hunt`, and `POPCORN_FAMILY=resnet` for one family,
//! `POPCORN_SEED=7` for the first seed. A network takes about half a second of a core. A long hunt is best run in batches,
//! each of which ends in a table and fails where a plan is wrong without a word: 22 families times ten seeds are 220
//! networks, so that with `nice -n 19` and one thread
//! `for seed in $(seq 10000 10 10450); do RAYON_NUM_THREADS=1 POPCORN_HUNT=220 POPCORN_SEED=$seed it --ignored --nocapture
//! hunt > $seed.log; done` looks at ten thousand. `POPCORN_FAMILY=resnet POPCORN_SEED=7 POPCORN_DUMP=bad.onnx it
//! --ignored --nocapture one_network` shows one again, and leaves its file and its pictures.

use crate::family::hunt::{hunt, refusals, table};
use crate::family::measure::{Measured, SUITES, check, dump, measure};
use crate::family::{FAMILIES, Family};
use crate::outside::skip;
use rayon::prelude::*;

/// Networks of each family that are looked at without being compiled.
const EACH: usize = 2;

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn seed() -> u64 {
    variable("POPCORN_SEED").map_or(0, |seed| seed.parse().expect("POPCORN_SEED is a whole number"))
}

/// Those that `POPCORN_FAMILY` names, or all.
fn families() -> Vec<Family> {
    match variable("POPCORN_FAMILY") {
        Some(name) => vec![Family::named(&name).unwrap_or_else(|| panic!("no family is called {name}"))],
        None => FAMILIES.to_vec(),
    }
}

/// Fails where a plan is wrong without a word.
fn assert_promise(found: &[Measured]) {
    let broken: Vec<String> = found
        .iter()
        .flat_map(|one| {
            one.outcomes.iter().zip(SUITES).map(move |(outcome, (suite, _))| (one, outcome, suite))
        })
        .filter(|(_, outcome, _)| outcome.is_broken())
        .map(|(one, outcome, suite)| format!("{} {} in {suite}: {outcome:?}", one.family, one.seed))
        .collect();
    assert!(broken.is_empty(), "{} plans are wrong:\n{}", broken.len(), broken.join("\n"));
}

/// The generator's files mean what it takes them to mean, and its pictures get different labels.
#[test]
fn networks_are_what_they_are_said_to_be() {
    let checked =
        |index: usize| (index, check(FAMILIES[index % FAMILIES.len()], (index / FAMILIES.len()) as u64));
    let found: Vec<_> = (0..EACH * FAMILIES.len()).into_par_iter().map(checked).collect();
    let read = found.iter().filter_map(|&(index, result)| Some((index, result?)));
    for (index, (error, _)) in read.clone() {
        let family = FAMILIES[index % FAMILIES.len()].name;
        assert!(error < 1e-3, "{family} {}: tract is off by {error}", index / FAMILIES.len());
    }
    let lively = read.clone().filter(|&(_, (_, labels))| labels > 1).count();
    assert!(lively * 10 >= read.count() * 9, "only {lively} networks give several labels");
}

#[test]
fn plans_of_all_families_are_right_or_refused() {
    assert_promise(&hunt(FAMILIES, FAMILIES.len(), 0));
}

#[test]
#[ignore = "hunt: set POPCORN_HUNT=count"]
fn hunt_for_wrong_plans() {
    let Some(count) = variable("POPCORN_HUNT") else { return skip("set POPCORN_HUNT=count") };
    let start = std::time::Instant::now();
    let found = hunt(&families(), count.parse().expect("POPCORN_HUNT is a whole number"), seed());
    println!("{}\n\n{}\n", table(&found), refusals(&found));
    println!("{} networks in {:.0} s", found.len(), start.elapsed().as_secs_f64());
    assert_promise(&found);
}

#[test]
#[ignore = "one network: set POPCORN_FAMILY, POPCORN_SEED, POPCORN_DUMP=file.onnx"]
fn one_network() {
    for family in families() {
        if let Some(path) = variable("POPCORN_DUMP") {
            dump(&family.network(seed()), path.as_ref());
        }
        println!("{:#?}", measure(family, seed()));
    }
}
