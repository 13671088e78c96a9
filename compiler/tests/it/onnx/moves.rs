//! Operators that move elements, and layers that make images larger.

use super::Layer;
use super::grower::Grower;
use crate::testing::Attribute::{Int, Ints, Text};

/// Images do not grow beyond so many elements.
const LARGE: i64 = 400;

impl Grower {
    pub(super) fn moved(self, layer: &Layer) -> Self {
        if !self.is_image() || self.opset < 13 {
            return self;
        }
        match layer.roll(0, 6) {
            0 => self.bordered(layer),
            1 => self.turned(layer),
            2 => self.chosen(layer),
            3 => self.shuffled(layer),
            4 => self.joined(layer),
            _ => self.tiled(layer),
        }
    }

    fn bordered(mut self, layer: &Layer) -> Self {
        let mode = ["edge", "reflect", "constant"][usize::from(layer.roll(1, 3))];
        let pads = |at: usize, size: i64| i64::from(layer.roll(at, 3)).min(size - 1);
        let [top, left] = [pads(2, self.dims[1]), pads(3, self.dims[2])];
        let [bottom, right] = [pads(4, self.dims[1]), pads(5, self.dims[2])];
        let around = self.ints(&[0, 0, top, left, 0, 0, bottom, right]);
        let mut made = self.then("Pad", &[&around], &[("mode", Text(mode))]);
        made.dims[1] += top + bottom;
        made.dims[2] += left + right;
        made
    }

    /// Rows or columns turned round, perhaps every other.
    fn turned(mut self, layer: &Layer) -> Self {
        let (axis, step) = (1 + usize::from(layer.roll(1, 2)), -1 - i64::from(layer.roll(2, 2)));
        let [from, to, axes, steps] =
            [&[-1], &[i64::MIN + 1], &[axis as i64 + 1], &[step]].map(|values| self.ints(values));
        let mut made = self.then("Slice", &[&from, &to, &axes, &steps], &[]);
        made.dims[axis] = (made.dims[axis] + -step - 1) / -step;
        made
    }

    fn chosen(mut self, layer: &Layer) -> Self {
        let axis = usize::from(layer.roll(1, 3));
        let count = 1 + usize::from(layer.roll(2, 4));
        let positions: Vec<i64> =
            (0..count).map(|at| i64::from(layer.roll(3 + at, 100)) % self.dims[axis]).collect();
        let positions = self.ints(&positions);
        let mut made = self.then("Gather", &[&positions], &[("axis", Int(axis as i64 + 1))]);
        made.dims[axis] = count as i64;
        made
    }

    /// Pixels as channels, or channels as pixels.
    fn shuffled(self, layer: &Layer) -> Self {
        let [channels, height, width] = [self.dims[0], self.dims[1], self.dims[2]];
        let size = ("blocksize", Int(2));
        if channels % 4 == 0 {
            let mode = ("mode", Text(["DCR", "CRD"][usize::from(layer.roll(1, 2))]));
            let mut made = self.then("DepthToSpace", &[], &[size, mode]);
            made.dims = vec![channels / 4, 2 * height, 2 * width];
            return made;
        }
        if height % 2 + width % 2 > 0 {
            return self;
        }
        let mut made = self.then("SpaceToDepth", &[], &[size]);
        made.dims = vec![4 * channels, height / 2, width / 2];
        made
    }

    /// The value beside itself, after a ReLU or not.
    fn joined(self, layer: &Layer) -> Self {
        if self.dims.iter().product::<i64>() > LARGE {
            return self;
        }
        let (trunk, axis) = (self.onnx.last.clone(), 1 + usize::from(layer.roll(1, 2)));
        let made = if layer.rarely(2, 2) { self.then("Relu", &[], &[]) } else { self };
        let mut made = made.then("Concat", &[&trunk], &[("axis", Int(axis as i64 + 1))]);
        made.dims[axis] *= 2;
        made
    }

    fn tiled(mut self, layer: &Layer) -> Self {
        if self.dims.iter().product::<i64>() > LARGE {
            return self;
        }
        let axis = usize::from(layer.roll(1, 3));
        let mut times = [1; 4];
        times[axis + 1] = 2;
        let times = self.ints(&times);
        let mut made = self.then("Tile", &[&times], &[]);
        made.dims[axis] *= 2;
        made
    }

    /// A transposed convolution, or a resized image.
    pub(super) fn enlarged(mut self, layer: &Layer) -> Self {
        let elements: i64 = self.dims.iter().product();
        if !self.is_image() || self.opset < 13 || elements > LARGE {
            return self;
        }
        let [channels, height, width] = [self.dims[0], self.dims[1], self.dims[2]];
        if layer.rarely(0, 2) {
            let scales = self.scales(&[1.0, 1.0, 2.0, [2.0, 1.5][usize::from(layer.roll(1, 2))]]);
            let mode = ("mode", Text(["nearest", "linear"][usize::from(layer.roll(2, 2))]));
            let mut made = self.then("Resize", &["", &scales], &[mode]);
            made.dims =
                vec![channels, 2 * height, if layer.roll(1, 2) == 0 { 2 * width } else { width * 3 / 2 }];
            return made;
        }
        let die = |index, faces| i64::from(layer.roll(index, faces));
        let (kernel, stride) = ([1 + die(1, 3), 1 + die(2, 3)], [1 + die(3, 2), 1 + die(4, 2)]);
        let group = if layer.rarely(5, 3) { channels } else { 1 };
        let each = 1 + die(6, 3);
        let dims = [channels, each, kernel[0], kernel[1]];
        let (made, weights) = self.weights(&dims, channels / group, 0);
        let attributes = [("strides", Ints(&stride)), ("group", Int(group))];
        let mut made = made.then("ConvTranspose", &[&weights], &attributes);
        let size = |axis: usize, size: i64| (size - 1) * stride[axis] + kernel[axis];
        made.dims = vec![group * each, size(0, height), size(1, width)];
        made
    }

    fn scales(&mut self, values: &[f32]) -> String {
        let name = self.constant(&[values.len() as i64], 0.0, 0.0);
        let stored = self.onnx.graph.initializer.iter_mut().find(|tensor| tensor.name == name);
        stored.expect("it has been stored").float_data = values.to_vec();
        name
    }
}
