//! Images for want of better ones: enough to see how large a network's numbers get.

use runtime::plan::InputSpec;
use std::f64::consts::TAU;

/// Waves across the image, per picture.
const WAVES: [f64; 2] = [1.5, 4.0];
/// Share of noise.
const NOISE: f64 = 0.3;

/// Raw pixels of a few images within the range of `input`: waves with noise, the same at every call.
pub(super) fn images(input: &InputSpec) -> Vec<Vec<f32>> {
    WAVES.iter().map(|&waves| image(input, waves)).collect()
}

fn image(input: &InputSpec, waves: f64) -> Vec<f32> {
    let (low, high) = input.preprocessing.raw_range;
    let (shape, mut state) = (input.shape, waves.to_bits());
    let pixel = |index: usize| {
        let (channel, position) = (index / shape.plane(), index % shape.plane());
        let along = (position / shape.width) as f64 / shape.height as f64;
        let across = (position % shape.width) as f64 / shape.width as f64;
        let wave = (TAU * waves * (along + 0.7 * across) + channel as f64).sin();
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let noise = 2.0 * ((state >> 40) as f64 / (1u64 << 24) as f64) - 1.0;
        let bright = 0.5 + 0.5 * ((1.0 - NOISE) * wave + NOISE * noise);
        (low + (high - low) * bright).round().clamp(low, high) as f32
    };
    (0..shape.elements()).map(pixel).collect()
}
