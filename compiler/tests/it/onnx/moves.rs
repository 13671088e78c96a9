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
        match layer.roll(0, 9) {
            0 => self.bordered(layer),
            1 => self.turned(layer),
            2 => self.chosen(layer),
            3 => self.shuffled(layer),
            4 => self.joined(layer),
            5 => self.swapped(layer),
            6 => self.cut(layer),
            7 => self.split(layer),
            _ => self.tiled(layer),
        }
    }

    fn bordered(mut self, layer: &Layer) -> Self {
        let mode = match layer.roll(1, 4) {
            3 if self.opset < 19 => "constant",
            mode => ["edge", "reflect", "constant", "wrap"][usize::from(mode)],
        };
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

    /// Two axes change places.
    fn swapped(self, layer: &Layer) -> Self {
        let [one, other] = [[1, 2], [0, 1], [0, 2]][usize::from(layer.roll(1, 3))];
        let mut perm = [0, 1, 2, 3];
        perm.swap(one + 1, other + 1);
        let mut made = self.then("Transpose", &[], &[("perm", Ints(&perm))]);
        made.dims.swap(one, other);
        made
    }

    /// Without some lines at both ends.
    fn cut(mut self, layer: &Layer) -> Self {
        let axis = usize::from(layer.roll(1, 3));
        let size = self.dims[axis];
        let from = i64::from(layer.roll(2, 3)).min(size - 1);
        let to = size - i64::from(layer.roll(3, 3)).min(size - 1 - from);
        let step = 1 + i64::from(layer.roll(4, 2));
        let [from_, to_, axes, steps] =
            [&[from], &[to], &[axis as i64 + 1], &[step]].map(|values| self.ints(values));
        let mut made = self.then("Slice", &[&from_, &to_, &axes, &steps], &[]);
        made.dims[axis] = (to - from + step - 1) / step;
        made
    }

    /// One of two parts.
    fn split(mut self, layer: &Layer) -> Self {
        let axis = usize::from(layer.roll(1, 3));
        let size = self.dims[axis];
        if size < 2 {
            return self;
        }
        let first = 1 + i64::from(layer.roll(2, 8)) % (size - 1);
        let parts = self.ints(&[first, size - first]);
        let mut made = self.then("Split", &[&parts], &[("axis", Int(axis as i64 + 1))]);
        let rest = format!("{} rest", made.onnx.last);
        made.onnx = made.onnx.and_gives(&[&rest]);
        made.dims[axis] = first;
        if layer.rarely(3, 2) {
            made.dims[axis] = size - first;
            return made.at(&rest);
        }
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
    pub(super) fn enlarged(self, layer: &Layer) -> Self {
        let elements: i64 = self.dims.iter().product();
        if !self.is_image() || self.opset < 13 || elements > LARGE {
            return self;
        }
        let [channels, height, width] = [self.dims[0], self.dims[1], self.dims[2]];
        if layer.rarely(0, 2) {
            return self.resized(layer);
        }
        let die = |index, faces| i64::from(layer.roll(index, faces));
        let (kernel, stride) = ([1 + die(1, 3), 1 + die(2, 3)], [1 + die(3, 2), 1 + die(4, 2)]);
        let group = if layer.rarely(5, 3) { channels } else { 1 };
        let each = 1 + die(6, 3);
        let dims = [channels, each, kernel[0], kernel[1]];
        let (made, weights) = self.weights(&dims, channels / group, 0);
        let pads = [0, 1, 2, 3].map(|side: usize| die(7 + side, 2).min((kernel[side % 2] - 1) / 2));
        let more = [0, 1].map(|axis: usize| die(11, 2).min(stride[axis] - 1));
        let attributes = [
            ("strides", Ints(&stride)),
            ("group", Int(group)),
            ("pads", Ints(&pads)),
            ("output_padding", Ints(&more)),
        ];
        let mut made = made.then("ConvTranspose", &[&weights], &attributes);
        let size = |axis: usize, size: i64| {
            (size - 1) * stride[axis] + kernel[axis] - pads[axis] - pads[axis + 2] + more[axis]
        };
        made.dims = vec![group * each, size(0, height), size(1, width)];
        made
    }

    /// In any mode; scales that are no whole numbers only where all runtimes agree on what they are.
    fn resized(mut self, layer: &Layer) -> Self {
        let transforms =
            ["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel", "half_pixel_symmetric"];
        let transform = usize::from(layer.roll(3, if self.opset < 19 { 4 } else { 5 }));
        let whole = layer.roll(1, 2) == 0 || transform > 1;
        let scales = self.scales(&[1.0, 1.0, 2.0, if whole { 2.0 } else { 1.5 }]);
        let nearest = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"];
        let nearest = nearest[usize::from(layer.roll(4, if transform == 4 { 2 } else { 4 }))];
        let attributes = [
            ("mode", Text(["nearest", "linear", "cubic"][usize::from(layer.roll(2, 3))])),
            ("coordinate_transformation_mode", Text(transforms[transform])),
            ("nearest_mode", Text(nearest)),
        ];
        let mut made = self.then("Resize", &["", &scales], &attributes);
        made.dims[1] *= 2;
        made.dims[2] = if whole { 2 * made.dims[2] } else { made.dims[2] * 3 / 2 };
        made
    }

    fn scales(&mut self, values: &[f32]) -> String {
        let name = self.constant(&[values.len() as i64], 0.0, 0.0);
        let stored = self.onnx.graph.initializer.iter_mut().find(|tensor| tensor.name == name);
        stored.expect("it has been stored").float_data = values.to_vec();
        name
    }
}
