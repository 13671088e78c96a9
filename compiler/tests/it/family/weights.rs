//! Weights such as training leaves them: partly as they were drawn, partly sums of what the layer saw, as
//! gradients are. Were they drawn alone, every layer would make noise grow.

use super::net::{Layer, Net, Value};
use super::tensor::{FITTED, Window};

/// Patches that a row of weights is the sum of.
const PATCHES: usize = 4;

/// Channels are taken to be at least this large a share of the largest.
const SMALLEST: f32 = 1e-4;

/// A channel that a layer reads.
struct Seen {
    mean: f32,
    /// Its deviation where weights undo it, else 1.
    size: f32,
}

impl Net {
    /// The weights of a convolution, row by row.
    pub(crate) fn draw(&mut self, x: Value, layer: Layer) -> Vec<f32> {
        let Layer { outputs, window, groups, .. } = layer;
        let inputs = self.channels(x) / groups;
        let taps = window.kernel.pow(2);
        let columns = inputs * taps;
        let mut weights = self.style.weights.draw(&mut self.dice, outputs, columns);
        let channels = self.seen(x);
        for (output, row) in weights.chunks_mut(columns).enumerate() {
            let first = output / (outputs / groups) * inputs;
            let learned = self.learned(x, window, first, &channels[first..][..inputs]);
            mix(row, &learned, self.style.learned);
            for (kernel, channel) in row.chunks_mut(taps).zip(&channels[first..]) {
                kernel.iter_mut().for_each(|weight| *weight /= channel.size);
            }
        }
        weights
    }

    /// The channels of a value as training takes them.
    fn seen(&self, x: Value) -> Vec<Seen> {
        let statistics = self.tensor(x).statistics();
        let largest =
            statistics.iter().map(|(_, variance)| variance.sqrt()).fold(f32::MIN_POSITIVE, f32::max);
        let size =
            |variance: f32| if self.style.equalizes { variance.sqrt().max(SMALLEST * largest) } else { 1.0 };
        statistics.into_iter().map(|(mean, variance)| Seen { mean, size: size(variance) }).collect()
    }

    /// A weighted sum of patches of the channels from `first` on.
    fn learned(&mut self, x: Value, window: Window, first: usize, channels: &[Seen]) -> Vec<f32> {
        let [_, height, width] = self.tensor(x).dims;
        let places = window.output(height) * window.output(width);
        let taps = window.kernel.pow(2);
        let mut sum = vec![0.0; channels.len() * taps];
        for _ in 0..PATCHES {
            let (by, at) = (self.dice.normal(), self.dice.whole(0, places - 1));
            let index = self.dice.whole(0, FITTED - 1);
            for (input, (kernel, channel)) in sum.chunks_mut(taps).zip(channels).enumerate() {
                for (tap, x) in self.tensor(x).patch(window, first + input, index, at) {
                    kernel[tap] += by * (x - channel.mean) / channel.size;
                }
            }
        }
        sum
    }
}

/// Makes `share` of a row what was learned; a weight of 0 has been pruned and stays so.
fn mix(row: &mut [f32], learned: &[f32], share: f32) {
    let size = |row: &[f32]| row.iter().map(|x| x * x).sum::<f32>().sqrt();
    let by = share * size(row) / size(learned).max(f32::MIN_POSITIVE);
    if size(learned) > 0.0 {
        for (weight, learned) in row.iter_mut().zip(learned).filter(|(weight, _)| **weight != 0.0) {
            *weight = (1.0 - share) * *weight + by * learned;
        }
    }
}
