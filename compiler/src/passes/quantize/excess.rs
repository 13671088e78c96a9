//! How large channels may become on images that are unlike the calibration images.
//!
//! A channel whose ReLU or clip is hardly ever active on calibration images may be active on others. Its root mean
//! square is then assumed to be an eighth of what its input reaches within eight standard deviations, or that on
//! brighter images and on images with more contrast, whichever is more, but at most the average of the channels beside
//! it. The excess of its square over the measured mean square passes through the layers after it as independent
//! variance.

use super::layer::Layer;
use super::value::spread;
use crate::calibration::{Channel, Statistics};
use crate::graph::{Graph, NodeId, Op, Real};

/// Values are not taken to go further from their mean than so many standard deviations.
const FARTHEST: f64 = 8.0;
/// Where an activation is active at this share of positions, the measured statistics are enough.
const RARE: f64 = 1.0 / 16.0;

/// By node, by channel: by how much the mean square of a channel may exceed that on the calibration images.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Excess(Vec<Vec<f64>>);

impl Excess {
    /// The excess of every value of `graph`, which has the statistics `seen` on calibration images and `unusual` on
    /// images that are brighter or richer in contrast.
    pub(super) fn new(graph: &Graph<Real>, seen: &Statistics, unusual: &Statistics) -> Self {
        let mut excess = Self(vec![Vec::new(); graph.id_bound()]);
        for id in graph.ids_in_order() {
            excess.0[id.index()] = excess.node(graph, seen, unusual, id);
        }
        excess
    }

    /// The excess of the channels of `id`.
    pub(super) fn of_node(&self, id: NodeId) -> &[f64] {
        &self.0[id.index()]
    }

    fn node(&self, graph: &Graph<Real>, seen: &Statistics, unusual: &Statistics, id: NodeId) -> Vec<f64> {
        let inputs = graph.inputs(id);
        let shape = graph.shape(id);
        let none = vec![0.0; shape.channels];
        let Some(&input) = inputs.first() else { return none };
        match graph.op(id) {
            Op::Conv(_) | Op::Dense(_) => {
                Layer::from_node(graph, id).map_or(none, |layer| self.of_rows(&layer, input))
            }
            Op::Relu => self.of_activation([seen, unusual], id, input, |_| f64::INFINITY),
            Op::Clip(clip) => {
                self.of_activation([seen, unusual], id, input, |channel| clip.high[channel].into())
            }
            Op::Add(add) => inputs.iter().zip(&add.multipliers).fold(none, |sum, (&input, &by)| {
                sum.iter().zip(self.of_node(input)).map(|(sum, x)| sum + f64::from(by).powi(2) * x).collect()
            }),
            Op::Mul => self.of_product(seen, [input, inputs[1]]),
            Op::Concat => inputs.iter().flat_map(|&input| self.of_node(input)).copied().collect(),
            Op::Flatten => spread(self.of_node(input).to_vec(), graph.shape(input).plane()),
            Op::Gather(gather) => {
                let sources = gather.sources(graph.shape(input));
                sources.iter().map(|of| of.mean(|channel| self.of_node(input)[channel])).collect()
            }
            Op::AveragePool(_) | Op::MaxPool(_) | Op::Rescale(_) => self.of_node(input).to_vec(),
            Op::Affine(affine) => {
                let scales = affine.scale.iter().map(|&by| f64::from(by).powi(2));
                self.of_node(input).iter().zip(scales).map(|(x, by)| x * by).collect()
            }
            Op::Input | Op::Sign | Op::Activation(_) => none,
        }
    }

    /// What one factor exceeds, times the mean square of the other.
    fn of_product(&self, seen: &Statistics, factors: [NodeId; 2]) -> Vec<f64> {
        let [x, y] = factors.map(|factor| self.of_node(factor).iter().zip(seen.channels(factor)));
        x.zip(y).map(|((x, of_x), (y, of_y))| x * of_y.rms().powi(2) + y * of_x.rms().powi(2)).collect()
    }

    fn of_rows(&self, layer: &Layer, input: NodeId) -> Vec<f64> {
        let excess = self.of_node(input);
        let of_row = |row: usize| {
            let columns = layer.channels(row).zip(layer.row(row));
            columns.map(|(channel, &weight)| excess[channel] * f64::from(weight).powi(2)).sum()
        };
        (0..layer.outputs()).map(of_row).collect()
    }

    fn of_activation(
        &self,
        [seen, unusual]: [&Statistics; 2],
        id: NodeId,
        input: NodeId,
        high: impl Fn(usize) -> f64,
    ) -> Vec<f64> {
        let (read, given, woken) = (seen.channels(input), seen.channels(id), unusual.channels(id));
        let usual = given.iter().map(|channel| channel.variance).sum::<f64>() / given.len() as f64;
        let of_channel = |(channel, excess): (usize, &f64)| {
            let (Channel { mean, variance, .. }, given) = (read[channel], given[channel]);
            if given.passing >= RARE {
                return 0.0;
            }
            let reach = mean + FARTHEST * (variance + excess).sqrt();
            let size = (reach.clamp(0.0, high(channel)) / FARTHEST).max(woken[channel].rms());
            (size.powi(2).min(usual) - given.rms().powi(2)).max(0.0)
        };
        self.of_node(input).iter().enumerate().map(of_channel).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibration::Batch;
    use crate::graph::{Conv, RealFact, Shape, Window};

    /// The first of four channels is active, the second hardly ever, the third never, the fourth on brighter images
    /// only; a layer after them adds them up.
    #[test]
    fn what_is_not_quite_dead_counts() {
        let shape = Shape::new(4, 1, 2);
        let mut graph = Graph::new("image", RealFact { shape });
        let relu = graph.append("relu", Op::Relu, &[graph.input()]).unwrap();
        let conv = Conv {
            window: Window::dense([1, 1]),
            groups: 1,
            weights: vec![1.0, 2.0, 3.0, 0.0],
            bias: vec![0.0],
        };
        let sum = graph.append("sum", Op::Conv(conv), &[relu]).unwrap();
        let images = Batch::new(shape, vec![3.0, -1.0, -1.0, -3.0, -1000.0, -1000.1, -10.0, -10.0]);
        let brighter = Batch::new(shape, vec![3.0, -1.0, -1.0, -3.0, -1000.0, -1000.1, -10.0, 16.0]);
        let [seen, unusual] = [&images, &brighter].map(|images| Statistics::measure(&graph, images));
        let excess = Excess::new(&graph, &seen, &unusual);
        let [alive, asleep, dead, woken] = excess.of_node(relu) else { panic!("four channels") };
        assert_eq!((*alive, *dead), (0.0, 0.0));
        assert!((woken - 2.25 / 4.0).abs() < 1e-9, "the variance of the first, divided by four channels");
        assert!((asleep - (6.0f64 / 8.0).powi(2)).abs() < 1e-9, "mean -2, deviation 1");
        assert!((excess.of_node(sum)[0] - 4.0 * asleep).abs() < 1e-9);
    }
}
