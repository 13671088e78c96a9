//! Random networks some of whose values lose bits: every stage agrees, and bounds hold.

use crate::random::{input, network, quantized, recipes, within_ranges};
use compiler::graph::{Graph, Integer, Real};
use compiler::lower::lower;
use compiler::options::CompileOptions;
use compiler::passes::{Narrowing, Places};
use compiler::reference::integer;
use proptest::prelude::*;
use runtime::plan::{InputSpec, ValidPlan};
use runtime::roles::plain;

/// The integer graph of `float`, of whose values those lose bits that `picks` say, in turn.
fn rescaled(float: &Graph<Real>, spec: &InputSpec, picks: &[bool]) -> Graph<Integer> {
    let options = CompileOptions::blinded();
    let picked = float.ids_in_order().into_iter().zip(picks.iter().copied().cycle());
    let places = Places::At(picked.filter(|&(_, pick)| pick).map(|(id, _)| id).collect());
    quantized(float, spec, &options, &Narrowing::at(&options, places))
}

proptest! {
    #[test]
    fn the_stages_agree_and_ranges_hold(
        recipe in recipes(true), noise in proptest::collection::vec(any::<u8>(), 150),
        picks in proptest::collection::vec(any::<bool>(), 5),
    ) {
        let (spec, float) = (input(recipe.input), network(&recipe));
        let graph = rescaled(&float, &spec, &picks);
        let raw: Vec<f32> = (0..recipe.input.elements()).map(|i| noise[i % noise.len()].into()).collect();
        let integers = spec.quantize(&raw).unwrap();
        let plan = lower(&graph, "random", &spec, &crate::random::outputs(&graph), &CompileOptions::blinded()).unwrap();
        let plan = ValidPlan::new(runtime::cost::predict(plan)).unwrap();
        prop_assert_eq!(plain::run(&plan, &integers), integer::run(&graph, &integers));
        within_ranges(&graph, &integers)?;
    }
}
