//! Layers that only scale and shift each channel: their weights become small integers without any error.
//!
//! A row with a single weight w over inputs of scale s is exact with the integer ±m and the scale |w|·s ÷ m. Every bit
//! of m makes all later values a bit wider, so m is 1 unless the bias needs finer steps or another channel has much
//! larger integers. A layer whose weights are all equal (a shift) gets the same m for all channels: it then costs
//! nothing in suite `shared`, and its result can be added to its input.

use super::layer::Layer;
use super::scales::IMBALANCE;
use crate::graph::Scale;
use crate::numeric::median;

/// Half a step of the output, by which a bias may be off, is at most the typical input divided by this:
/// 2^-8 of a linear segment an eighth as wide.
const BIAS_PRECISION: f64 = 2048.0;

/// Scales, one per output channel, at which all weights are integers of at most `largest`; `None` where a
/// row has several weights, or the channels differ too much in size.
///
/// `input` and `typical` are the scales and the typical integers of the input's channels.
pub(super) fn scales(layer: &Layer, input: &Scale, typical: &[f64], largest: f64) -> Option<Vec<f64>> {
    let rows: Vec<SingleWeightRow> = (0..layer.outputs())
        .map(|row| SingleWeightRow::from_layer(layer, row, input, typical, largest))
        .collect::<Option<_>>()?;
    if layer.weights().iter().filter(|&&weight| weight != 0.0).all(|weight| *weight == layer.weights()[0]) {
        let least = median(rows.iter().map(|row| row.least)).unwrap_or(1.0);
        return Some(rows.iter().map(|row| row.unit / least).collect());
    }
    let top = rows.iter().map(|row| row.size * row.least).fold(0.0, f64::max);
    rows.iter().map(|row| row.scale(top, largest)).collect()
}

/// One row, its weight being ±1.
struct SingleWeightRow {
    /// Real size of one integer of the output.
    unit: f64,
    /// Typical integers of the output.
    size: f64,
    /// Smallest integer for the weight that leaves the bias its precision.
    least: f64,
}

impl SingleWeightRow {
    fn from_layer(layer: &Layer, row: usize, input: &Scale, typical: &[f64], largest: f64) -> Option<Self> {
        let mut weights = layer.scaled_row(row, input).filter(|&(_, weight)| weight != 0.0);
        let (channel, weight) = weights.next()?;
        if weights.next().is_some() {
            return None;
        }
        let (unit, typical) = (weight.abs(), typical[channel]);
        let shift = layer.bias(row) / unit;
        let least = if shift == shift.round() { 1.0 } else { (BIAS_PRECISION / 2.0 / typical).ceil() };
        let least = least.clamp(1.0, largest);
        Some(Self { unit, size: typical.hypot(shift), least })
    }

    /// Its scale in a layer whose largest integers are typically `top`.
    fn scale(&self, top: f64, largest: f64) -> Option<f64> {
        let integer = (top / (IMBALANCE * self.size)).ceil().max(self.least);
        (integer <= largest).then(|| self.unit / integer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Conv, Real, Shape, Window};

    fn exact_scales(weights: &[f32], bias: &[f32], typical: f64) -> Option<Vec<f64>> {
        let channels = bias.len();
        let (window, groups) = (Window::dense([1, 1]), channels);
        let conv: Conv<Real> = Conv { window, groups, weights: weights.to_vec(), bias: bias.to_vec() };
        let layer = Layer::conv(&conv, Shape::new(channels, 3, 3));
        scales(&layer, &Scale::PerTensor(0.5), &vec![typical; channels], 127.0)
    }

    #[test]
    fn a_shift_costs_no_bits() {
        assert_eq!(exact_scales(&[1.0, -1.0], &[0.3, 70.0], 1e4), Some(vec![0.5, 0.5]));
        assert_eq!(exact_scales(&[3.0, -0.25], &[0.0, 0.0], 10.0), Some(vec![1.5, 0.125]));
    }

    #[test]
    fn small_inputs_get_finer_steps_for_the_bias() {
        assert_eq!(exact_scales(&[1.0], &[0.3], 128.0), Some(vec![0.5 / 8.0]));
        assert_eq!(exact_scales(&[1.0], &[2.5], 128.0), Some(vec![0.5]), "a whole number of steps");
        assert_eq!(exact_scales(&[1.0], &[0.3], 0.0), Some(vec![0.5 / 127.0]));
    }

    #[test]
    fn channels_keep_about_one_size() {
        let scales = exact_scales(&[1.0, 2.0], &[0.0, 16e4], 1e4).unwrap();
        assert_eq!(scales, [0.5 / 5.0, 1.0]);
        assert_eq!(exact_scales(&[1.0, 2.0], &[0.0, 16e6], 1e4), None);
    }

    #[test]
    fn a_shift_stays_a_shift() {
        assert_eq!(exact_scales(&[1.0, 1.0, 1.0], &[0.3, 8e4, 0.2], 128.0), Some(vec![0.5 / 8.0; 3]));
    }

    #[test]
    fn other_layers_are_left_alone() {
        assert_eq!(exact_scales(&[0.0, 1.0], &[1.0, 1.0], 100.0), None);
        let conv: Conv<Real> =
            Conv { window: Window::dense([1, 1]), groups: 1, weights: vec![1.0, 1.0], bias: vec![0.0] };
        let layer = Layer::conv(&conv, Shape::new(2, 3, 3));
        assert_eq!(scales(&layer, &Scale::PerTensor(0.5), &[100.0; 2], 127.0), None);
    }
}
