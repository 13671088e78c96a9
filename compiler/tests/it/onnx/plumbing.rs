//! Operators that change no number.

use super::Layer;
use super::grower::Grower;
use crate::testing::Attribute::{Float, Int, Ints};
use tract_onnx::pb::tensor_proto::DataType;

impl Grower {
    pub(super) fn plumbing(mut self, layer: &Layer) -> Self {
        match layer.roll(0, 5) {
            0 => self.then("Identity", &[], &[]),
            1 if self.opset < 12 => self.then("Dropout", &[], &[("ratio", Float(0.3))]),
            1 => {
                let ratio = self.scalar(0.3);
                self.then("Dropout", &[&ratio], &[])
            }
            2 => self.then("Cast", &[], &[("to", Int(DataType::Float as i64))]),
            3 => {
                let there = self.then("Cast", &[], &[("to", Int(DataType::Double as i64))]);
                there.then("Cast", &[], &[("to", Int(DataType::Float as i64))])
            }
            _ => {
                let axis = i64::from(layer.roll(1, self.dims.len() as u8 + 2));
                self.with_axes("Unsqueeze", &[axis], 13).with_axes("Squeeze", &[axis], 13)
            }
        }
    }

    /// Channels last for a while, as converters from other frameworks leave it.
    pub(super) fn transpose_and_back(self, layer: &Layer) -> Self {
        if !self.is_image() {
            return self;
        }
        let mut made = self.then("Transpose", &[], &[("perm", Ints(&[0, 2, 3, 1]))]);
        made = match layer.roll(0, 4) {
            0 => made,
            1 => made.then("Relu", &[], &[]),
            2 => {
                let bias = made.constant(&[made.dims[0]], -0.5, 0.5);
                made.then("Add", &[&bias], &[])
            }
            _ => made.then("LeakyRelu", &[], &[("alpha", Float(0.1))]),
        };
        made.channels_first()
    }

    /// Channels, height and width in one axis, in one of the ways to say so.
    pub(super) fn flatten(self, form: u8) -> Self {
        if !self.is_image() {
            return self;
        }
        let elements: i64 = self.dims.iter().product();
        let plane = self.dims[1] * self.dims[2];
        let batch = if self.batch > 0 { self.batch } else { -1 };
        let mut made = match form {
            0 => self.then("Flatten", &[], &[]),
            1 => self.reshape(&[0, -1]),
            2 => self.reshape(&[-1, elements]),
            3 if batch > 0 => self.reshape(&[batch, -1]),
            4 => self.reshape(&[batch, elements]),
            5 => self.reshape_by_computed_shape(),
            6 if plane == 1 => self.with_axes("Squeeze", &[2, 3], 13),
            7 => self.then("Transpose", &[], &[("perm", Ints(&[0, 2, 3, 1]))]).then("Flatten", &[], &[]),
            8 => self.then("Transpose", &[], &[("perm", Ints(&[0, 3, 2, 1]))]).reshape(&[0, -1]),
            _ => self.then("Flatten", &[], &[("axis", Int(1))]),
        };
        made.dims = vec![elements];
        made
    }

    fn reshape(mut self, shape: &[i64]) -> Self {
        let shape = self.ints(shape);
        self.then("Reshape", &[&shape], &[])
    }

    /// x.view(x.size(0), -1) as old exporters write it.
    fn reshape_by_computed_shape(mut self) -> Self {
        let x = self.onnx.last.clone();
        let (zero, minus) = (self.index(0), self.ints(&[-1]));
        let batch = self.then("Shape", &[], &[]).then("Gather", &[&zero], &[("axis", Int(0))]);
        let batch = batch.with_axes("Unsqueeze", &[0], 13);
        let shape = batch.then("Concat", &[&minus], &[("axis", Int(0))]);
        let shape_name = shape.onnx.last.clone();
        shape.at(&x).then("Reshape", &[&shape_name], &[])
    }
}
