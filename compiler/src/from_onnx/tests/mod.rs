//! The import against tract, on crafted and on real models; files that are no models.

mod activations;
mod exporters;
mod external;
mod files;
mod functions;
mod gathers;
mod layouts;
mod moves;
mod operators;
mod opsets;
mod outputs;
#[path = "../../../tests/it/outside/mod.rs"]
mod outside;
mod products;
mod quantized;
mod refusals;
mod resized;
mod rows;
mod sequences;

use super::*;
use crate::from_onnx::FloatReference;
use crate::reference::real;

/// A deterministic image with values between `low` and `high`.
fn image(len: usize, low: f32, high: f32) -> Vec<f32> {
    let mut state = 0x9e37_79b9_u32;
    (0..len)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            low + (high - low) * (state >> 8) as f32 / (1 << 24) as f32
        })
        .collect()
}

/// The graph gives what tract gives.
fn assert_agrees(imported: &Model, low: f32, high: f32) {
    assert_within(imported, low, high, 1e-4);
}

/// The same, within a share of the largest output.
fn assert_within(imported: &Model, low: f32, high: f32, tolerance: f64) {
    let image = image(imported.input.elements(), low, high);
    let expected = FloatReference::new(imported).unwrap().run(&image).unwrap();
    let image: Vec<f64> = image.into_iter().map(f64::from).collect();
    let got = imported.finished(&real::evaluate(&imported.graph, &image));
    assert_eq!(got.len(), expected.len(), "{}", imported.graph);
    let largest = expected.iter().fold(1.0_f64, |largest, &x| largest.max(f64::from(x).abs()));
    for (got, expected) in got.iter().zip(&expected) {
        assert!(
            (got - f64::from(*expected)).abs() <= tolerance * largest,
            "{got} is not {expected}\n{}",
            imported.graph
        );
    }
}
