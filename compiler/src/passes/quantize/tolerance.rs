//! How much rounding noise each value tolerates, channel by channel, judged by what reads it.
//!
//! A linear layer's row r turns independent noise of variance ν_c in its input channels into noise of variance
//! Σ_c ‖w_rc‖²·ν_c. Rows matter by their effect on *their* readers, so with W_r the weight of noise in row r and σ_r² the
//! row's variance in the float network on calibration images, the relative noise of the layer is
//!
//! ```text
//! Σ_r W_r·Σ_c ‖w_rc‖²·ν_c ÷ Σ_r W_r·σ_r²  =  Σ_c V_c·ν_c          V_c = Σ_r W_r·‖w_rc‖² ÷ Σ_r W_r·σ_r²
//! ```
//!
//! V_c is the weight of noise in input channel c. Weights are computed backwards from the logits. Operations without
//! parameters pass them on, a ReLU or a clip times the share of values that it lets through. A channel that is dead
//! after training, or that its readers ignore, has next to no weight and so does not affect the choice of scales.

use super::layer::Layer;
use crate::calibration::{Channel, Statistics};
use crate::graph::{Graph, NodeId, Op, PoolDivisor, Real};

/// Share of values that an activation is taken to pass on, at least: on other images it may pass more on than it has.
const PASSING: f64 = 1.0 / 16.0;
/// The same where only synthetic images have been seen.
const PASSING_SYNTHETIC: f64 = 0.5;

/// Noise weights of the channels of every value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tolerance {
    /// By node, by channel: V.
    by_node: Vec<Vec<f64>>,
}

impl Tolerance {
    /// The weights for `graph`, which has these `statistics` on calibration images or, unless `is_calibrated`, on
    /// synthetic ones.
    pub(super) fn new(graph: &Graph<Real>, statistics: &Statistics, is_calibrated: bool) -> Self {
        let passing = if is_calibrated { PASSING } else { PASSING_SYNTHETIC };
        let mut tolerance = Self { by_node: vec![Vec::new(); graph.id_bound()] };
        for id in graph.ids_in_order().into_iter().rev() {
            let own = 1.0 / variance(statistics, id);
            let mut next = vec![if id == graph.output() { own } else { 0.0 }; graph.shape(id).channels];
            for (consumer, position) in graph.consumers(id) {
                let reader = Reader { graph, statistics, passing, id: consumer, position };
                let passed = reader.passed(&tolerance.by_node[consumer.index()]);
                next.iter_mut().zip(passed).for_each(|(weight, passed)| *weight = weight.max(passed));
            }
            tolerance.by_node[id.index()] = next;
        }
        tolerance
    }

    /// The weights of the channels of `id`: relative squared error of its readers per unit of noise variance.
    pub(super) fn weights(&self, id: NodeId) -> &[f64] {
        &self.by_node[id.index()]
    }

    /// The largest power of two, as its exponent, by which integers of these `scales` may be divided so that the noise
    /// of rounding them stays below `share` of the standard deviation of what readers give; `None` where noise has no
    /// effect on them.
    pub(super) fn spare_bits(&self, id: NodeId, scales: &[f64], share: f64) -> Option<u32> {
        let noise: f64 =
            self.weights(id).iter().zip(scales).map(|(weight, scale)| weight * scale * scale).sum();
        // A step of 2^t has the variance 4^t ÷ 12.
        let bits = (12.0 * share * share / noise).log2() / 2.0;
        (noise > 0.0).then_some(bits.max(0.0) as u32)
    }
}

/// What reads a value.
struct Reader<'a> {
    graph: &'a Graph<Real>,
    statistics: &'a Statistics,
    /// Share of values that an activation passes on, at least.
    passing: f64,
    id: NodeId,
    /// Position of the value among its inputs.
    position: usize,
}

impl Reader<'_> {
    /// The weights of noise in the value, from the weights `own` of the reader's channels.
    fn passed(&self, own: &[f64]) -> Vec<f64> {
        let Self { graph, statistics, passing, id, position } = *self;
        let input = graph.inputs(id)[position];
        let shape = graph.shape(input);
        match graph.op(id) {
            Op::Conv(_) | Op::Dense(_) => self.through_layer(own),
            Op::AveragePool(pool) => {
                let window = pool.window.kernel[0] * pool.window.kernel[1];
                let pixels = match pool.divisor {
                    PoolDivisor::Kernel => window,
                    PoolDivisor::Inside => window.min(shape.plane()),
                };
                own.iter().map(|weight| weight / pixels as f64).collect()
            }
            Op::Add(add) => {
                // The sum tolerates so much noise from all branches together.
                let others = (add.multipliers.len() - 1).max(1) as f64;
                let square = f64::from(add.multipliers[position]).powi(2);
                own.iter().map(|weight| weight * square * others).collect()
            }
            // Noise of a factor that many elements share is not worse than as much noise of each.
            Op::Mul => {
                let other = statistics.channels(graph.inputs(id)[1 - position]);
                own.iter().zip(other).map(|(weight, other)| weight * other.rms().powi(2)).collect()
            }
            Op::Concat => {
                let inputs = graph.inputs(id);
                let first: usize =
                    inputs[..position].iter().map(|&before| graph.shape(before).channels).sum();
                own[first..first + shape.channels].to_vec()
            }
            Op::Flatten => own.chunks(shape.plane()).map(|plane| plane.iter().sum()).collect(),
            Op::Gather(gather) => {
                let mut passed = vec![0.0; shape.channels];
                for (of, weight) in gather.sources(shape).iter().zip(own) {
                    of.channels.iter().for_each(|&(channel, share)| passed[channel] += share * weight);
                }
                passed
            }
            Op::Sign => vec![1.0 / variance(statistics, input); shape.channels],
            Op::Relu | Op::Clip(_) => {
                let seen = statistics.channels(id).iter().map(|seen| seen.passing.max(passing));
                own.iter().zip(seen).map(|(weight, passing)| weight * passing).collect()
            }
            Op::Input | Op::Affine(_) | Op::Activation(_) | Op::MaxPool(_) | Op::Rescale(_) => own.to_vec(),
        }
    }

    fn through_layer(&self, own: &[f64]) -> Vec<f64> {
        let mut passed = vec![0.0; self.graph.input_shapes(self.id)[0].channels];
        let Some(layer) = Layer::from_node(self.graph, self.id) else { return passed };
        let seen = self.statistics.channels(self.id);
        let weighed = |size: fn(&Channel) -> f64| -> f64 {
            own.iter().zip(seen).map(|(weight, channel)| weight * size(channel)).sum()
        };
        // Where no row varies, its mean square takes the place of its variance.
        let sums = [weighed(|channel| channel.variance), weighed(|channel| channel.rms().powi(2))];
        let total = sums.into_iter().find(|&sum| sum > 0.0).unwrap_or(1.0);
        for (row, weight) in own.iter().enumerate() {
            let share = weight / total;
            for (channel, &entry) in layer.channels(row).zip(layer.row(row)) {
                passed[channel] += share * f64::from(entry).powi(2);
            }
        }
        passed
    }
}

/// Variance of all channels together, above 0: where nothing varies, the mean square.
fn variance(statistics: &Statistics, id: NodeId) -> f64 {
    let channels = statistics.channels(id);
    let variance = channels.iter().map(|channel| channel.variance).sum();
    let size = channels.iter().map(|channel| channel.rms().powi(2)).sum();
    [variance, size].into_iter().find(|&sum| sum > 0.0).unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibration::Batch;
    use crate::graph::testing::pattern;
    use crate::graph::{Conv, RealFact, Shape, Window};

    /// Three channels, of which the reader ignores the second and all but ignores the third.
    fn graph() -> Graph<Real> {
        let shape = Shape::new(3, 4, 4);
        let mut graph = Graph::new("image", RealFact { shape });
        let conv = Conv {
            window: Window::dense([1, 1]),
            groups: 1,
            weights: vec![1.0, 0.0, 1e-6, -2.0, 0.0, 1e-6],
            bias: vec![0.0, 5.0],
        };
        graph.append("logits", Op::Conv(conv), &[graph.input()]).unwrap();
        graph
    }

    #[test]
    fn channels_that_readers_ignore_set_no_scale() {
        let graph = graph();
        let images = Batch::new(graph.shape(graph.input()), pattern(5 * 48));
        let statistics = Statistics::measure(&graph, &images);
        let tolerance = Tolerance::new(&graph, &statistics, true);
        let input = graph.input();
        let spare = |scales: [f64; 3]| tolerance.spare_bits(input, &scales, 1.0 / 128.0);
        let even = spare([1e-4; 3]);
        assert_eq!(even, spare([1e-4, 1e3, 1e-4]), "nobody reads the second channel");
        assert_eq!(even, spare([1e-4, 1e-4, 1.0]), "next to nobody reads the third");
        assert_eq!(even, spare([2e-4; 3]).map(|bits| bits + 1));
        assert_eq!(spare([f64::INFINITY, 1.0, 1.0]), Some(0));
        assert_eq!(spare([0.0, 1.0, 0.0]), None);
    }

    /// The noise of rounding is what the weights say.
    #[test]
    fn predicted_noise_is_the_noise_of_rounding() {
        let graph = graph();
        let noise = (0..64 * 48).map(|i| ((f64::from(i) * 0.618_033_988_75).fract() * 2.0 - 1.0) as f32);
        let images = Batch::new(graph.shape(graph.input()), noise.collect());
        let statistics = Statistics::measure(&graph, &images);
        let tolerance = Tolerance::new(&graph, &statistics, true);
        let step = 0.1;
        let rounded: Vec<f32> = images.values().iter().map(|x| (x / step).round() * step).collect();
        let difference = images.values().iter().zip(&rounded).map(|(x, y)| y - x).collect();
        let noise = Batch::new(images.shape(), difference);
        let op = graph.op(graph.output());
        let shape = graph.shape(graph.output());
        let mut linear = op.clone();
        if let Op::Conv(conv) = &mut linear {
            conv.bias.fill(0.0);
        }
        let passed = crate::calibration::apply(&linear, &[&noise], shape);
        let mut seen = Statistics::empty(&graph);
        seen.record(graph.output(), op, &passed);
        let share = variance(&seen, graph.output()) / variance(&statistics, graph.output());
        let predicted: f64 = tolerance
            .weights(graph.input())
            .iter()
            .map(|weight| weight * f64::from(step).powi(2) / 12.0)
            .sum();
        assert!((share / predicted - 1.0).abs() < 0.3, "{share} {predicted}");
    }
}
