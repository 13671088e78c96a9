//! How large one integer of a linear layer's output is.

use super::layer::Layer;
use crate::graph::Scale;

/// A channel's integers may typically be this many times larger than those of the middle channel.
pub(super) const IMBALANCE: f64 = 4.0;
/// Where a layer has no weights at all, its biases become integers of about this size.
const CONSTANT: f64 = (1 << 20) as f64;

/// A row says nothing of how large integers usually are where what is added to its weighted sum is this
/// many times larger.
const OUTWEIGHED: f64 = 16.0;

/// Values are not multiplied by more than this.
const MAX_BALANCE: f64 = (1 << 30) as f64;

/// What a linear layer's output channel looks like before it has a scale.
#[derive(Clone, Copy, Debug)]
struct Row {
    /// The scale that suits its weights best; 0 for no weights.
    fine: f64,
    /// Real size of its typical weighted sum: root mean square, inputs taken as independent.
    weighted: f64,
    /// Real size of what is added to that.
    added: f64,
}

impl Row {
    /// Real size of a typical output.
    fn typical(&self) -> f64 {
        self.weighted.hypot(self.added)
    }

    /// The finest scale at which the row's integers are not much larger than usual.
    fn limited(&self, usual: Option<f64>) -> f64 {
        self.fine.max(self.typical() / usual.map_or(CONSTANT, |usual| IMBALANCE * usual))
    }
}

/// Integers of the middle row, of those that are not mostly what is added to them, where there are any.
fn usual(rows: &[Row]) -> Option<f64> {
    let alive = rows.iter().filter(|row| row.fine > 0.0 && row.typical() > 0.0);
    let size = |row: &Row| row.typical() / row.fine;
    let weighted = alive.clone().filter(|row| row.added <= OUTWEIGHED * row.weighted);
    middle(weighted.map(size)).or_else(|| middle(alive.map(size)))
}

/// Scales for the outputs of `layer`, one per channel, from those that suit its weights best (0 for no
/// weights).
///
/// `input` and `typical` are the scales and the typical integers of the input's channels. A row whose
/// bias outweighs its weights (a dead channel, say) gets a coarser scale, so that its integers are not
/// much larger than its neighbours': the next layer sees all of them through weights of few bits.
pub(super) fn per_channel(layer: &Layer, input: &Scale, typical: &[f64], fine: &[f64]) -> Vec<f64> {
    let row = |(output, &fine)| {
        let weighted = weighted_size(layer, output, input, typical);
        Row { fine, weighted, added: layer.bias(output).abs() }
    };
    let rows: Vec<Row> = fine.iter().enumerate().map(row).collect();
    let usual = usual(&rows);
    let scales: Vec<f64> = rows.iter().map(|row| row.limited(usual)).collect();
    // A channel that is always zero takes any scale.
    let some = scales.iter().copied().filter(|&scale| scale > 0.0).fold(f64::INFINITY, f64::min);
    let some = if some.is_finite() { some } else { 1.0 };
    scales.into_iter().map(|scale| if scale > 0.0 { scale } else { some }).collect()
}

/// `fine`, scales of a layer's outputs of these `sizes`, coarser where values of sizes `beside`, which are
/// added to them, would have integers much larger than usual.
pub(super) fn limited(fine: Vec<f64>, sizes: &[f64], beside: &[f64]) -> Vec<f64> {
    let of = |((&fine, &weighted), &added)| Row { fine, weighted, added };
    let rows: Vec<Row> = fine.iter().zip(sizes).zip(beside).map(of).collect();
    let usual = usual(&rows);
    if usual.is_none() || rows.len() < fine.len() {
        return fine;
    }
    rows.iter().map(|row| row.limited(usual)).collect()
}

/// The least scale that no channel finds too fine, for all of them.
pub(super) fn one(per_channel: &[f64]) -> Vec<f64> {
    vec![per_channel.iter().copied().fold(0.0, f64::max); per_channel.len()]
}

/// For each of several values with these typical integers, by channel, what to multiply it by so that none
/// is much smaller than the largest.
pub(super) fn balance<'a>(values: impl Iterator<Item = &'a [f64]>) -> Vec<i64> {
    let usual: Vec<f64> = values.map(|channels| middle(channels.iter().copied()).unwrap_or(0.0)).collect();
    let largest = usual.iter().copied().fold(0.0, f64::max);
    let factor = |usual: f64| {
        let ratio = largest / usual;
        if ratio > IMBALANCE && ratio <= MAX_BALANCE { ratio.round() as i64 } else { 1 }
    };
    usual.into_iter().map(factor).collect()
}

/// Typical integers of the layer's outputs.
pub(super) fn typical(layer: &Layer, input: &Scale, typical: &[f64], output: &[f64]) -> Vec<f64> {
    sizes(layer, input, typical).iter().zip(output).map(|(size, scale)| size / scale).collect()
}

/// Real sizes of the layer's typical outputs.
pub(super) fn sizes(layer: &Layer, input: &Scale, typical: &[f64]) -> Vec<f64> {
    let size = |row| weighted_size(layer, row, input, typical).hypot(layer.bias(row));
    (0..layer.outputs()).map(size).collect()
}

/// Real size of a row's typical weighted sum.
fn weighted_size(layer: &Layer, output: usize, input: &Scale, typical: &[f64]) -> f64 {
    let terms = layer.scaled_row(output, input);
    terms.map(|(channel, weight)| (weight * typical[channel]).powi(2)).sum::<f64>().sqrt()
}

fn middle(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Dense, Shape};
    use crate::passes::quantize::LayerChoice;
    use crate::passes::quantize::curvature::Curvature;
    use crate::passes::quantize::fit::Fit;

    fn scales(weights: Vec<f32>, bias: Vec<f32>) -> Vec<f64> {
        let dense = Dense { weights, bias };
        let input = Shape::vector(dense.weights.len() / dense.bias.len());
        let typical = vec![100.0; input.channels];
        fitted(&Layer::dense(&dense, input), &Scale::PerTensor(0.5), &typical)
    }

    /// Without calibration data, 8 bits.
    fn fitted(layer: &Layer, input: &Scale, typical: &[f64]) -> Vec<f64> {
        let curvature = Curvature::guessed(layer, input);
        let choice = LayerChoice { bits: 8, sparsity: 0.0 };
        let rows = Fit::new(layer, input, &curvature, choice, None).rows();
        per_channel(layer, input, typical, &rows.iter().map(|row| row.scale).collect::<Vec<_>>())
    }

    #[test]
    fn the_largest_weight_becomes_the_largest_integer() {
        let expected = [f64::from(2.54f32) * 0.5 / 127.0, 0.25 / 127.0];
        for (scale, expected) in scales(vec![1.0, -2.54, 0.0, 0.5], vec![0.0; 2]).iter().zip(expected) {
            assert!((scale / expected - 1.0).abs() < 1e-12, "{scale} is not {expected}");
        }
    }

    #[test]
    fn a_channel_that_is_all_bias_gets_integers_like_its_neighbours() {
        let scales = scales(vec![1.0, 1.0, 1.0, 1e-9, 0.0], vec![0.0, 0.0, 0.0, 5.0, 5.0]);
        let usual = 100.0 * 127.0;
        assert!((5.0 / scales[3] / usual - 4.0).abs() < 0.1, "{scales:?}");
        assert_eq!(scales[3], scales[4]);
    }

    #[test]
    fn small_integers_grow_to_the_size_of_large_ones() {
        let values: [&[f64]; 3] = [&[100.0, 3.0, 90.0], &[9000.0, 9100.0], &[5000.0]];
        assert_eq!(balance(values.into_iter()), [101, 1, 1]);
        assert_eq!(balance([[0.0], [1.0]].iter().map(|value| &value[..])), [1, 1]);
    }

    #[test]
    fn constant_layers_have_scales() {
        assert_eq!(scales(vec![0.0, 0.0], vec![0.0, 0.0]), [1.0, 1.0]);
        let dead_input = Dense { weights: vec![1.27, 0.0], bias: vec![0.0, 2.0] };
        let layer = Layer::dense(&dead_input, Shape::vector(1));
        let scales_of_dead = fitted(&layer, &Scale::PerTensor(1.0), &[0.0]);
        assert!(scales_of_dead.iter().all(|scale| scale.is_finite() && *scale > 0.0), "{scales_of_dead:?}");
        assert!(scales(vec![0.0, 0.0], vec![0.0, 3.0]).iter().all(|&scale| scale == 3.0 / CONSTANT));
    }
}
