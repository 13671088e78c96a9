//! The effect of rounding noise on the logits: their squared error, relative to their variance.
//!
//! Small noise e in a value changes the logits by J·e, with J their Jacobian. For random signs v over the logits |J·e|²
//! is the mean of (g·e)² with g = Jᵀ·v (Hutchinson 1990), so one gradient per image is enough for all values:
//!
//! ```text
//! a value rounded pixel by pixel, with noise of variance ν in a channel    ν·Σ_pixels g²
//! a weight of row r that is off by δ and multiplies x                      δ²·(Σ_pixels g_r·x)²
//! ```
//!
//! The second is the Fisher information of a weight. The sum over pixels is squared as a whole, because a weight has
//! the same error at every pixel: it does not average out.

use super::layer::Layer;
use crate::calibration::{Batch, Channel, Reading, Seen, Statistics, gradients};
use crate::graph::{Graph, NodeId, Real, Scale, multiplications};
use crate::numeric::{View, multiply_add, scatter};
use rayon::prelude::*;
use std::sync::Arc;

/// Multiplications that a look at the network may take, forwards and back; bounds its time.
const WORK: u64 = 24_000_000_000;
/// Images that are looked at whatever it costs.
const LEAST_IMAGES: u64 = 4;
/// Elements of all values of the images that are looked at together; bounds memory.
const ELEMENTS: usize = 1 << 26;

/// The effect of noise in a float network's values and weights on its logits.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sensitivity {
    /// By node, by channel: per unit of variance, for noise that is independent from pixel to pixel.
    values: Vec<Vec<f64>>,
    /// By linear node.
    weights: Vec<OfWeights>,
}

/// The effect of errors in the weights of a linear layer on the logits.
#[derive(Clone, Debug, Default, PartialEq)]
struct OfWeights {
    /// By row: for independent errors of size 1 in all its weights.
    rows: Vec<f64>,
    /// By input channel: the same for the weights of all rows that read it.
    channels: Vec<f64>,
}

impl Sensitivity {
    /// Measures `graph` on some of `images`, on which it has these `statistics`. Where `is_compensated`, biases correct
    /// the mean error that wrong weights cause.
    pub(super) fn measure(
        graph: &Graph<Real>,
        images: &Batch,
        statistics: &Statistics,
        is_compensated: bool,
    ) -> Self {
        let mut values = vec![Vec::new(); graph.id_bound()];
        let mut weights = vec![OfWeights::default(); graph.id_bound()];
        let affordable = (WORK / 3 / multiplications(graph).max(1)).max(LEAST_IMAGES) as usize;
        let elements: usize = graph.ids().map(|id| graph.shape(id).elements()).sum();
        let mut total = 0.0;
        for (part, images) in images.first(affordable).chunks((ELEMENTS / elements).max(1)).enumerate() {
            let seed = |logits: &Batch| {
                total += spread(logits);
                signs(logits, part)
            };
            gradients(graph, Arc::new(images), seed, |id, seen| {
                add(&mut values[id.index()], of_channels(seen.gradient));
                let layer = Layer::from_node(graph, id).zip(Reading::from_op(graph.op(id), graph.shape(id)));
                if let Some((layer, reading)) = layer {
                    let mean = |channel: &Channel| if is_compensated { channel.mean as f32 } else { 0.0 };
                    let means: Vec<f32> =
                        statistics.channels(graph.sole_input(id)).iter().map(mean).collect();
                    let of_images = of_weights(&layer, &reading, &seen, &means);
                    of_images.into_iter().for_each(|more| weights[id.index()].add(more));
                }
            });
        }
        let total = if total > 0.0 { total } else { 1.0 };
        values.iter_mut().flatten().for_each(|x| *x /= total);
        weights.iter_mut().flat_map(|weights| &mut weights.rows).for_each(|x| *x /= total);
        Self { values, weights }
    }

    /// By channel of `id`: the squared error of the logits, relative to their variance, per unit of variance of noise that
    /// is independent from pixel to pixel.
    pub(super) fn of_value(&self, id: NodeId) -> &[f64] {
        &self.values[id.index()]
    }

    /// The squared error of the logits, relative to their variance, where the weights of the linear node `id`, which is
    /// `layer`, are rounded to whole numbers that give integers of scale `output` from those of scale `input`.
    pub(super) fn of_weights(&self, id: NodeId, layer: &Layer, input: &Scale, output: &[f64]) -> f64 {
        let OfWeights { rows, channels } = &self.weights[id.index()];
        let of_row = |row: usize| {
            let all: f64 = layer.channels(row).map(|channel| channels[channel]).sum();
            let of_column = |(channel, &weight): (usize, &f32)| {
                let step = output[row] / input.channel(channel);
                // A weight that is rounded to zero is wrong by no more than itself.
                channels[channel] * (step * step / 12.0).min(f64::from(weight).powi(2))
            };
            let wrong: f64 = layer.channels(row).zip(layer.row(row)).map(of_column).sum();
            if all > 0.0 { rows[row] * wrong / all } else { 0.0 }
        };
        (0..rows.len()).map(of_row).sum()
    }
}

impl OfWeights {
    fn add(&mut self, more: Self) {
        add(&mut self.rows, more.rows);
        add(&mut self.channels, more.channels);
    }
}

/// Σ over images of the squares of the logits, the mean of several taken away.
fn spread(logits: &Batch) -> f64 {
    let of_image =
        |image: usize| -> f64 { centred(logits.image(image)).iter().map(|&x| f64::from(x).powi(2)).sum() };
    (0..logits.len()).map(of_image).sum()
}

fn centred(numbers: &[f32]) -> Vec<f32> {
    let mean = if numbers.len() > 1 { numbers.iter().sum::<f32>() / numbers.len() as f32 } else { 0.0 };
    numbers.iter().map(|x| x - mean).collect()
}

/// Random signs, the same in every run and independent of the logits, their mean taken away.
fn signs(logits: &Batch, part: usize) -> Batch {
    let mut scattered = scatter(part as u64 + 1);
    let mut sign = || if scattered() >> 63 == 0 { 1.0 } else { -1.0 };
    let classes = logits.shape().elements();
    let of_image = |_| centred(&(0..classes).map(|_| sign()).collect::<Vec<f32>>());
    Batch::new(logits.shape(), (0..logits.len()).flat_map(of_image).collect())
}

/// Σ g² over images and pixels, by channel.
fn of_channels(gradient: &Batch) -> Vec<f64> {
    let shape = gradient.shape();
    let of_channel = |channel: usize| -> f64 {
        let planes = (0..gradient.len())
            .map(|image| &gradient.image(image)[channel * shape.plane()..][..shape.plane()]);
        planes.flatten().map(|&g| f64::from(g).powi(2)).sum()
    };
    (0..shape.channels).into_par_iter().map(of_channel).collect()
}

/// Σ over weights of (Σ_pixels g·(x − `mean`))², image by image.
fn of_weights(layer: &Layer, reading: &Reading, seen: &Seen<'_>, mean: &[f32]) -> Vec<OfWeights> {
    let of_image = |image: usize| {
        let mut sum = OfWeights { rows: Vec::new(), channels: vec![0.0; mean.len()] };
        for group in 0..layer.groups() {
            let [rows, columns] = of_group(layer, reading, seen, mean, image, group);
            sum.rows.extend(rows);
            for (column, square) in columns.into_iter().enumerate() {
                sum.channels[layer.channel(group, column)] += square;
            }
        }
        sum
    };
    (0..seen.output.len()).into_par_iter().map(of_image).collect()
}

/// The part of [`of_weights`] for `group` and one image: by row, and by column.
fn of_group(
    layer: &Layer,
    reading: &Reading,
    seen: &Seen<'_>,
    mean: &[f32],
    image: usize,
    group: usize,
) -> [Vec<f64>; 2] {
    let (pixels, columns, outputs) = (reading.rows(), layer.columns(), layer.outputs() / layer.groups());
    let mut x = reading.unfold(seen.inputs[0], image, group).into_owned();
    for (column, x) in x.chunks_exact_mut(pixels).enumerate() {
        let mean = mean[layer.channel(group, column)];
        x.iter_mut().for_each(|x| *x -= mean);
    }
    let gradient = &seen.gradient.image(image)[group * outputs * pixels..][..outputs * pixels];
    if pixels == 1 {
        // One product for every weight: its square is that of its row times that of its column.
        let [g, x] = [gradient, &x].map(|of| of.iter().map(|&x| f64::from(x).powi(2)).collect::<Vec<f64>>());
        let [all_g, all_x] = [&g, &x].map(|squares| squares.iter().sum::<f64>());
        return [g.iter().map(|g| g * all_x).collect(), x.iter().map(|x| x * all_g).collect()];
    }
    let mut products = vec![0f32; outputs * columns];
    let x = View::rows(&x, [columns, pixels]).transposed();
    multiply_add(View::rows(gradient, [outputs, pixels]), x, &mut products, columns);
    let mut sums = [Vec::new(), vec![0.0; columns]];
    for row in products.chunks_exact(columns) {
        let squares = row.iter().map(|&product| f64::from(product).powi(2));
        sums[0].push(squares.clone().sum());
        sums[1].iter_mut().zip(squares).for_each(|(sum, square)| *sum += square);
    }
    sums
}

fn add(sum: &mut Vec<f64>, more: Vec<f64>) {
    sum.resize(more.len(), 0.0);
    sum.iter_mut().zip(more).for_each(|(sum, x)| *sum += x);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibration::logits;
    use crate::graph::testing::{conv, dense, pattern};
    use crate::graph::{Op, Pool, PoolDivisor, RealFact, Shape, Window};

    /// A convolution with a ReLU, averaged.
    fn graph() -> (Graph<Real>, NodeId) {
        let shape = Shape::new(2, 6, 6);
        let mut graph = Graph::new("image", RealFact { shape });
        let first = graph.append("conv", conv(2, 4, Window::dense([3, 3])), &[graph.input()]).unwrap();
        let relu = graph.append("relu", Op::Relu, &[first]).unwrap();
        let pool = Op::AveragePool(Pool { window: Window::dense([4, 4]), divisor: PoolDivisor::Kernel });
        let pool = graph.append("pool", pool, &[relu]).unwrap();
        let flat = graph.append("flat", Op::Flatten, &[pool]).unwrap();
        graph.append("logits", dense(4, 3), &[flat]).unwrap();
        (graph, first)
    }

    /// Squared error of the logits of `other`, relative to their spread.
    fn error(graph: &Graph<Real>, other: &Graph<Real>, images: &Batch) -> f64 {
        let (right, wrong) = (logits(graph, images), logits(other, images));
        let difference = wrong.values().iter().zip(right.values()).map(|(x, y)| x - y).collect();
        spread(&Batch::new(right.shape(), difference)) / spread(&right)
    }

    #[test]
    fn wrong_weights_make_the_error_that_is_predicted() {
        const STEP: f32 = 1.0 / 32.0;
        const TRIES: usize = 40;
        let (graph, id) = graph();
        let images = Batch::new(graph.shape(graph.input()), pattern(64 * 72));
        let statistics = Statistics::measure(&graph, &images);
        let sensitivity = Sensitivity::measure(&graph, &images, &statistics, false);
        let layer = Layer::from_node(&graph, id).unwrap();
        let predicted = sensitivity.of_weights(id, &layer, &Scale::PerTensor(1.0), &[STEP.into(); 4]);
        let mut scattered = scatter(1);
        let mut noise = || ((scattered() >> 40) as f32 / (1u64 << 24) as f32 - 0.5) * STEP;
        let mut measured = 0.0;
        for _ in 0..TRIES {
            let mut other = graph.clone();
            if let Op::Conv(conv) = &mut other.node_mut(id).op {
                conv.weights.iter_mut().for_each(|weight| *weight += noise());
            }
            measured += error(&graph, &other, &images) / TRIES as f64;
        }
        assert!((0.7..1.4).contains(&(measured / predicted)), "{measured} {predicted}");
    }

    #[test]
    fn a_value_matters_by_what_the_logits_make_of_it() {
        let (graph, id) = graph();
        let images = Batch::new(graph.shape(graph.input()), pattern(64 * 72));
        let statistics = Statistics::measure(&graph, &images);
        let sensitivity = Sensitivity::measure(&graph, &images, &statistics, false);
        // Of the logits themselves, three of them, their mean taken away: 2/3 each, over their spread.
        let all: f64 =
            sensitivity.of_value(graph.output()).iter().sum::<f64>() * spread(&logits(&graph, &images));
        assert!((all / 64.0 - 2.0).abs() < 0.5, "{all}");
        assert_eq!(sensitivity.of_value(id).len(), 4);
    }
}
