//! Sums over axes, sequences, and gates.

use super::Layer;
use super::grower::Grower;
use crate::testing::Attribute::Ints;

impl Grower {
    /// A sum, mean or maximum over some axes, which stay with length 1.
    pub(super) fn reduced(mut self, layer: &Layer) -> Self {
        if !self.is_image() {
            return self;
        }
        let (op, since) =
            [("ReduceMean", 18), ("ReduceMax", 18), ("ReduceSum", 13)][usize::from(layer.roll(0, 3))];
        let axes: &[i64] = [&[2, 3][..], &[2], &[-1], &[1]][usize::from(layer.roll(1, 4))];
        self = self.with_axes(op, axes, since);
        for &axis in axes {
            self.dims[if axis < 0 { 2 } else { axis as usize - 1 }] = 1;
        }
        self
    }

    /// A convolution or a pooling over all pixels in a row.
    pub(super) fn sequence(mut self, layer: &Layer) -> Self {
        if !self.is_image() {
            return self;
        }
        let (channels, length) = (self.dims[0], self.dims[1] * self.dims[2]);
        let kernel = 1 + i64::from(layer.roll(0, 3)).min(length - 1);
        let stride = 1 + i64::from(layer.roll(1, 2));
        let row = self.ints(&[0, channels, length]);
        let made = self.then("Reshape", &[&row], &[]);
        let window = [("kernel_shape", Ints(&[kernel])), ("strides", Ints(&[stride]))];
        let (mut made, outputs) = match layer.roll(2, 3) {
            0 => (made.then("MaxPool", &[], &window), channels),
            1 => (made.then("AveragePool", &[], &window), channels),
            _ => {
                let outputs = 1 + i64::from(layer.roll(3, 4));
                let (made, weights) = made.weights(&[outputs, channels, kernel], channels * kernel, 0);
                (made.then("Conv", &[&weights], &window), outputs)
            }
        };
        made.dims = vec![outputs, 1, (length - kernel) / stride + 1];
        made.with_axes("Unsqueeze", &[2], 13)
    }

    /// The value times a number for each channel that is computed from its means.
    pub(super) fn gated(self, layer: &Layer) -> Self {
        if !self.is_image() {
            return self;
        }
        let (value, channels) = (self.onnx.last.clone(), self.dims[0]);
        let made = self.then("GlobalAveragePool", &[], &[]);
        let (made, weights) = made.weights(&[channels, channels, 1, 1], channels, 0);
        let made = made.then("Conv", &[&weights], &[]);
        let made = made.then(["HardSigmoid", "Sigmoid"][usize::from(layer.roll(0, 2))], &[], &[]);
        let gate = made.onnx.last.clone();
        match layer.roll(1, 2) {
            0 => made.node("Mul", &[&value, &gate], &[]),
            _ => made.node("Mul", &[&gate, &value], &[]),
        }
    }
}
