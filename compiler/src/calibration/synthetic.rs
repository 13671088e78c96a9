//! Synthetic images, for want of calibration images: enough to see how large a network's values become.

use crate::numeric::scatter;
use runtime::plan::InputSpec;
use std::f64::consts::TAU;

/// Waves across the image, share of the range that they span, and share of it below them, per picture.
const PICTURES: [[f64; 3]; 8] = [
    [1.5, 1.0, 0.0],
    [4.0, 1.0, 0.0],
    [0.7, 0.6, 0.4],
    [2.5, 0.5, 0.1],
    [6.0, 0.8, 0.2],
    [1.0, 0.3, 0.0],
    [3.0, 0.4, 0.6],
    [9.0, 0.6, 0.2],
];
/// Share of noise.
const NOISE: f64 = 0.3;

/// Raw pixels of a few images within the range of `input`: waves with noise, the same at every call.
pub(crate) fn images(input: &InputSpec) -> Vec<Vec<f32>> {
    PICTURES.iter().map(|&picture| image(input, picture)).collect()
}

fn image(input: &InputSpec, [waves, contrast, dark]: [f64; 3]) -> Vec<f32> {
    let (low, high) = input.preprocessing.raw_range;
    let (shape, mut scattered) = (input.shape, scatter(waves.to_bits()));
    let pixel = |index: usize| {
        let (channel, position) = (index / shape.plane(), index % shape.plane());
        let along = (position / shape.width) as f64 / shape.height as f64;
        let across = (position % shape.width) as f64 / shape.width as f64;
        let wave = (TAU * waves * (along + 0.7 * across) + channel as f64).sin();
        let noise = 2.0 * ((scattered() >> 40) as f64 / (1u64 << 24) as f64) - 1.0;
        let bright = 0.5 + 0.5 * ((1.0 - NOISE) * wave + NOISE * noise);
        (low + (high - low) * (dark + contrast * bright)).round().clamp(low, high) as f32
    };
    (0..shape.elements()).map(pixel).collect()
}
