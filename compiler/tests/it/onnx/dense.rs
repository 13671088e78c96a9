//! Dense layers and the end of a model.

use super::Layer;
use super::grower::Grower;
use crate::testing::Attribute;
use crate::testing::Attribute::{Float, Int, Ints};

impl Grower {
    pub(super) fn dense(self, layer: &Layer) -> Self {
        let mut made = self.flatten(layer.roll(0, 10));
        let outputs = 2 + i64::from(layer.roll(1, 4));
        made = match layer.roll(2, 3) {
            0 => made.product(outputs, layer),
            _ => made.gemm(outputs, layer),
        };
        made.dims = vec![outputs];
        made
    }

    /// MatMul and perhaps a bias.
    fn product(mut self, outputs: i64, layer: &Layer) -> Self {
        let inputs = self.dims[0];
        let weights = match layer.roll(3, 3) {
            0 => {
                let last = self.onnx.last.clone();
                let (made, weights) = self.weights(&[outputs, inputs], inputs, layer.roll(4, 4));
                self = made.node("Transpose", &[&weights], &[("perm", Ints(&[1, 0]))]);
                let transposed = self.onnx.last.clone();
                self = self.at(&last);
                transposed
            }
            _ => {
                let (made, weights) = self.weights(&[inputs, outputs], inputs, layer.roll(4, 4));
                self = made;
                weights
            }
        };
        let mut made = self.then("MatMul", &[&weights], &[]);
        if layer.rarely(5, 2) {
            return made;
        }
        let bias = made.constant(&[outputs], -0.5, 0.5);
        let last = made.onnx.last.clone();
        if layer.rarely(6, 2) {
            made.then("Add", &[&bias], &[])
        } else {
            made.node("Add", &[&bias, &last], &[])
        }
    }

    fn gemm(self, outputs: i64, layer: &Layer) -> Self {
        let inputs = self.dims[0];
        let mut attributes: Vec<(&str, Attribute<'_>)> = Vec::new();
        let transposed = layer.rarely(3, 2);
        let dims = if transposed { [outputs, inputs] } else { [inputs, outputs] };
        if transposed {
            attributes.push(("transB", Int(1)));
        }
        if layer.rarely(5, 3) {
            attributes.push(("alpha", Float(0.5)));
        }
        if layer.rarely(6, 3) {
            attributes.push(("beta", Float(1.5)));
        }
        let (mut made, weights) = self.weights(&dims, inputs, layer.roll(4, 4));
        let mut operands = vec![weights];
        let bias: &[i64] = match layer.roll(7, 5) {
            0 => &[1, outputs],
            1 => &[],
            2 => &[1],
            _ => &[outputs],
        };
        if made.opset < 11 || !layer.rarely(8, 4) {
            operands.push(made.constant(bias, -0.5, 0.5));
        }
        let operands: Vec<&str> = operands.iter().map(String::as_str).collect();
        made.then("Gemm", &operands, &attributes)
    }

    /// Mostly a dense layer; perhaps a softmax.
    pub(super) fn ending(self, layer: &Layer) -> Self {
        let made = if layer.rarely(9, 5) { self.flatten(layer.roll(0, 7)) } else { self.dense(layer) };
        let axis = ("axis", Int(if layer.rarely(11, 2) && made.opset >= 11 { -1 } else { 1 }));
        match layer.roll(10, 5) {
            0 => made.then("Softmax", &[], &[axis]),
            1 => made.then("LogSoftmax", &[], &[axis]),
            2 => made.then("Softmax", &[], &[]),
            _ => made,
        }
    }
}
