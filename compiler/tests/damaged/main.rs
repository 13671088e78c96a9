//! Damaged models: an error or a sound graph, never a panic, and no more memory than the file warrants.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod heap;
mod mutate;
#[path = "../it/onnx/mod.rs"]
mod onnx;
#[path = "../../src/from_onnx/testing.rs"]
#[allow(dead_code, reason = "the importer's own tests use the rest")]
mod testing;

use compiler::error::Error;
use compiler::from_onnx;
use compiler::graph::verify;
use heap::{Counting, peak_of};
use mutate::{Mutation, damage, mutate, mutations};
use onnx::{Recipe, build, recipes};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use prost::Message;
use std::time::{Duration, Instant};
use tract_onnx::pb::TensorProto;

#[global_allocator]
static HEAP: Counting = Counting;

/// Bytes on the heap that reading a damaged small model may take.
const MEMORY: usize = 256 << 20;
/// Time for it, on a busy machine.
const TIME: Duration = Duration::from_secs(10);

/// Reads a file of these bytes.
fn read(bytes: &[u8]) -> Result<(), TestCaseError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.onnx");
    std::fs::write(&path, bytes).unwrap();
    let begin = Instant::now();
    let (outcome, peak) = peak_of(|| {
        let _ = from_onnx::check(&path, &from_onnx::Reading::default());
        from_onnx::read(&path)
    });
    prop_assert!(peak <= MEMORY, "{peak} bytes were allocated");
    prop_assert!(begin.elapsed() <= TIME, "it took {:?}", begin.elapsed());
    match outcome {
        Ok(imported) => prop_assert_eq!(verify::verify(&imported.graph), []),
        Err(Error::Malformed { .. } | Error::Unsupported(_)) => {}
        Err(error) => return Err(TestCaseError::fail(error.to_string())),
    }
    Ok(())
}

fn run<S: Strategy>(cases: u32, strategy: S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let config = Config { cases, failure_persistence: None, max_shrink_time: 60_000, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    runner.run(&strategy, test).unwrap_or_else(|error| panic!("{error}"));
}

fn mutated(cases: u32) {
    run(cases, (recipes(), mutations()), |(recipe, mutations): (Recipe, Vec<Mutation>)| {
        let mut model = build(&recipe);
        mutations.iter().for_each(|mutation| mutate(&mut model, mutation));
        read(&model.encode_to_vec())
    });
}

fn damaged(cases: u32) {
    let dice = prop::collection::vec(any::<[u16; 4]>(), 1..6);
    run(cases, (recipes(), recipes(), dice), |(recipe, other, dice)| {
        let mut bytes = build(&recipe).encode_to_vec();
        let other = build(&other).encode_to_vec();
        dice.iter().for_each(|dice| damage(&mut bytes, &other, *dice));
        read(&bytes)
    });
}

/// A model with one weight that is no number.
fn broken(cases: u32) {
    run(cases, (recipes(), any::<[u16; 2]>(), any::<bool>()), |(recipe, dice, nan)| {
        let mut model = build(&recipe);
        let graph = model.graph.as_mut().unwrap();
        let mut weights: Vec<&mut TensorProto> =
            graph.initializer.iter_mut().filter(|tensor| tensor.float_data.len() > 1).collect();
        if weights.is_empty() {
            return Ok(());
        }
        let index = usize::from(dice[0]) % weights.len();
        let at = usize::from(dice[1]) % weights[index].float_data.len();
        weights[index].float_data[at] = if nan { f32::NAN } else { f32::INFINITY };
        let name = weights[index].name.clone();
        let readers: Vec<String> = graph
            .node
            .iter()
            .filter(|node| node.input.contains(&name))
            .map(|node| format!("node '{}' ({}): a weight is ", node.output[0], node.op_type))
            .collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("broken.onnx");
        std::fs::write(&path, model.encode_to_vec()).unwrap();
        let error = from_onnx::read(&path).err().map_or_else(String::new, |error| error.to_string());
        prop_assert!(readers.iter().all(|reader| error.contains(reader)), "{error}");
        Ok(())
    });
}

#[test]
fn weights_that_are_no_numbers_are_named() {
    broken(100);
}

fn many() -> u32 {
    std::env::var("POPCORN_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(20_000)
}

#[test]
fn damaged_bytes_do_no_harm() {
    damaged(400);
}

#[test]
fn contradictory_models_do_no_harm() {
    mutated(600);
}

#[test]
#[ignore = "takes minutes"]
fn many_damaged_bytes_do_no_harm() {
    damaged(many());
}

#[test]
#[ignore = "takes minutes"]
fn many_contradictory_models_do_no_harm() {
    mutated(many());
}
