//! Mean, variance and largest magnitude of a network's values, channel by channel.

use super::{Batch, walk};
use crate::graph::{Graph, NodeId, Op, Real};
use rayon::prelude::*;

/// One channel of a value over all images and positions, in real units.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Channel {
    /// Mean over all images and positions.
    pub mean: f64,
    /// Variance around the mean (divided by the count, not by one less).
    pub variance: f64,
    /// Largest absolute value.
    pub peak: f64,
    /// Share of the values at which a ReLU or a clip that gives them has slope 1: above 0, and below the clip's upper
    /// bound.
    pub passing: f64,
}

impl Channel {
    /// Root mean square, the mean included.
    pub fn rms(&self) -> f64 {
        (self.variance + self.mean * self.mean).sqrt()
    }
}

/// The channels of every value of a graph on some images.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistics {
    /// By node: one entry per channel.
    by_node: Vec<Vec<Channel>>,
}

impl Statistics {
    /// Statistics without any value recorded.
    pub(crate) fn empty(graph: &Graph<Real>) -> Self {
        Self { by_node: vec![Vec::new(); graph.id_bound()] }
    }

    /// The statistics of `graph` on `images`.
    pub fn measure(graph: &Graph<Real>, images: &Batch) -> Self {
        let mut statistics = Self::empty(graph);
        walk(graph, images, |id, values| statistics.record(id, graph.op(id), values));
        statistics
    }

    /// Records the values of `id`, which `op` has given.
    pub(crate) fn record(&mut self, id: NodeId, op: &Op<Real>, values: &Batch) {
        let channels = 0..values.shape().channels;
        self.by_node[id.index()] =
            channels.into_par_iter().map(|channel| of_channel(values, channel, end(op, channel))).collect();
    }

    /// The statistics of the value of `id`, one entry per channel.
    pub fn channels(&self, id: NodeId) -> &[Channel] {
        &self.by_node[id.index()]
    }
}

/// Upper bound of a clip; infinite for other operations.
fn end(op: &Op<Real>, channel: usize) -> f32 {
    match op {
        Op::Clip(clip) => clip.high[channel],
        _ => f32::INFINITY,
    }
}

fn of_channel(values: &Batch, channel: usize, end: f32) -> Channel {
    let plane = values.shape().plane();
    let (mut sum, mut squares, mut peak, mut passing) = (0.0, 0.0, 0f32, 0usize);
    let first: f64 = values.image(0)[channel * plane].into();
    for image in 0..values.len() {
        for &x in &values.image(image)[channel * plane..][..plane] {
            // Relative to one of them, so that a constant has no variance.
            let x0 = f64::from(x) - first;
            sum += x0;
            squares += x0 * x0;
            peak = peak.max(x.abs());
            passing += usize::from(x > 0.0 && x < end);
        }
    }
    let count = (values.len() * plane) as f64;
    let mean = sum / count;
    Channel {
        mean: first + mean,
        variance: (squares / count - mean * mean).max(0.0),
        peak: peak.into(),
        passing: passing as f64 / count,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{RealFact, Shape};

    #[test]
    fn channels_are_measured_apart() {
        let shape = Shape::new(2, 1, 2);
        let graph = Graph::<Real>::new("image", RealFact { shape });
        let images = Batch::new(shape, vec![1.0, 3.0, 7.0, 7.0, 5.0, -7.0, 7.0, 7.0]);
        let statistics = Statistics::measure(&graph, &images);
        let [first, second] = statistics.channels(graph.input()) else { panic!("two channels") };
        assert_eq!((first.mean, first.variance, first.peak, first.passing), (0.5, 20.75, 7.0, 0.75));
        assert_eq!((second.mean, second.variance, second.rms()), (7.0, 0.0, 7.0));
    }
}
