//! A convolution over ciphertexts that hold one pixel of every tile each.

use crate::paillier::{Bundle, Rows};
use crate::plan::{Op, Tiling};
use rug::Integer;

/// The weighted sums of a convolution in tiles, or of a dense layer, which is one over a single pixel. Inputs are
/// planes of channels, (channel, plane) row-major; rows are results of channels, (channel, result) row-major. A bundle
/// is a group's channels at one result.
pub struct TiledConv<'a> {
    weights: &'a [i32],
    /// Rows and columns of the kernel.
    kernel: [usize; 2],
    groups: usize,
    tiling: &'a Tiling,
    /// Channels of the input, and of the output, per group.
    group: [usize; 2],
}

impl<'a> TiledConv<'a> {
    /// `op`, a convolution or a dense layer, from `channels` channels in the tiles of its window.
    pub fn new(op: &'a Op, channels: usize, tiling: &'a Tiling) -> Self {
        let (weights, kernel, groups) = match op {
            Op::Conv2d(conv) => (&*conv.weights, conv.window.kernel, conv.groups),
            other => (other.weights().unwrap_or_default(), [1, 1], 1),
        };
        let (inputs, taps) = (channels / groups, kernel[0] * kernel[1]);
        Self { weights, kernel, groups, tiling, group: [inputs, weights.len() / (inputs * taps * groups)] }
    }

    /// Group and result.
    fn place(&self, bundle: usize) -> (usize, usize) {
        (bundle / self.tiling.results(), bundle % self.tiling.results())
    }
}

impl Rows for TiledConv<'_> {
    fn len(&self) -> usize {
        self.groups * self.group[1] * self.tiling.results()
    }

    fn bundles(&self) -> usize {
        self.groups * self.tiling.results()
    }

    fn bundle(&self, bundle: usize) -> Bundle {
        let (group, result) = self.place(bundle);
        let results = self.tiling.results();
        Bundle { first: group * self.group[1] * results + result, stride: results, len: self.group[1] }
    }

    fn inputs(&self, bundle: usize, inputs: &mut Vec<usize>) {
        let (group, result) = self.place(bundle);
        let channels = group * self.group[0]..(group + 1) * self.group[0];
        for (_, plane) in self.tiling.taps(result) {
            inputs.extend(channels.clone().map(|channel| channel * self.tiling.planes() + plane));
        }
    }

    fn weights(&self, bundle: usize, row: usize, weights: &mut Vec<i64>) {
        let (group, result) = self.place(bundle);
        let [height, width] = self.kernel;
        let kernel = &self.weights[(group * self.group[1] + row) * self.group[0] * height * width..];
        for ([ky, kx], _) in self.tiling.taps(result) {
            weights.extend((0..self.group[0]).map(|c| i64::from(kernel[(c * height + ky) * width + kx])));
        }
    }

    /// All results of a group are alike.
    fn first_alike(&self, bundle: usize) -> usize {
        self.place(bundle).0 * self.tiling.results()
    }

    /// The server adds biases to its shares.
    fn bias(&self, _row: usize) -> Integer {
        Integer::new()
    }
}
