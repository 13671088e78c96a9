//! Element-wise layers: constants per channel, activations in their spellings.

use super::Layer;
use super::grower::Grower;
use crate::testing::Attribute::{Float, Text};

impl Grower {
    /// A constant for all elements, or one per channel, on either side of an operator.
    pub(super) fn per_channel(mut self, layer: &Layer) -> Self {
        let dims: Vec<i64> = match (layer.roll(0, 3), self.is_image()) {
            (0, _) => Vec::new(),
            (1, true) => vec![self.dims[0], 1, 1],
            (2, true) => vec![1, self.dims[0], 1, 1],
            _ => vec![self.dims[0]],
        };
        let constant = self.constant(&dims, 0.3, 1.3);
        let last = self.onnx.last.clone();
        match layer.roll(1, 6) {
            0 => self.then("Add", &[&constant], &[]),
            1 => self.node("Add", &[&constant, &last], &[]),
            2 => self.then("Sub", &[&constant], &[]),
            3 => self.node("Sub", &[&constant, &last], &[]),
            4 => self.then("Mul", &[&constant], &[]),
            _ => self.then("Div", &[&constant], &[]),
        }
    }

    /// What a few ReLUs give exactly.
    pub(super) fn piecewise_linear(mut self, layer: &Layer) -> Self {
        match layer.roll(0, 8) {
            0..=2 => self.then("Relu", &[], &[]),
            3 => self.then("LeakyRelu", &[], &[("alpha", Float(f32::from(layer.roll(1, 30)) / 20.0))]),
            4 => self.clip(layer),
            5 => {
                let dims = match (layer.roll(1, 3), self.is_image()) {
                    (0, _) => vec![1],
                    (1, true) => vec![1, self.dims[0], 1, 1],
                    (_, true) => vec![self.dims[0], 1, 1],
                    _ => vec![self.dims[0]],
                };
                let slopes = self.constant(&dims, -0.2, 0.8);
                self.then("PRelu", &[&slopes], &[])
            }
            6 => match layer.roll(1, 2) {
                0 => self.then("HardSigmoid", &[], &[]),
                _ => self.then("HardSigmoid", &[], &[("alpha", Float(0.25)), ("beta", Float(0.4))]),
            },
            _ => {
                let bound = self.scalar(f32::from(layer.roll(1, 5)) / 4.0 - 0.5);
                self.then(["Max", "Min"][usize::from(layer.roll(2, 2))], &[&bound], &[])
            }
        }
    }

    fn clip(mut self, layer: &Layer) -> Self {
        let low = [-0.5, 0.0, 0.0][usize::from(layer.roll(1, 3))];
        let high = [0.5, 1.0, 6.0][usize::from(layer.roll(2, 3))];
        let (lower, upper) = (!layer.rarely(3, 4), !layer.rarely(4, 4));
        if self.opset < 11 {
            let low = lower.then_some(("min", Float(low)));
            let high = upper.then_some(("max", Float(high)));
            return self.then("Clip", &[], &low.into_iter().chain(high).collect::<Vec<_>>());
        }
        let low = if lower { self.scalar(low) } else { String::new() };
        match (lower, upper.then(|| self.scalar(high))) {
            (_, Some(high)) => self.then("Clip", &[&low, &high], &[]),
            (true, None) => self.then("Clip", &[&low], &[]),
            (false, None) => self.then("Clip", &[], &[]),
        }
    }

    /// What is followed by linear segments.
    pub(super) fn smooth(mut self, layer: &Layer) -> Self {
        let x = self.onnx.last.clone();
        let opset = self.opset;
        match layer.roll(0, 9) {
            0 => self.then("Sigmoid", &[], &[]),
            1 => self.then("Tanh", &[], &[]),
            2 => self.then("Elu", &[], &[("alpha", Float(1.0))]),
            3 => self.then("Softplus", &[], &[]),
            4 if opset >= 14 => self.then("HardSwish", &[], &[]),
            4 => {
                let [three, six] = [3.0, 6.0].map(|value| self.scalar(value));
                let made = self.then("Add", &[&three], &[]);
                let made = match opset {
                    ..11 => made.then("Clip", &[], &[("min", Float(0.0)), ("max", Float(6.0))]),
                    _ => {
                        let mut made = made;
                        let zero = made.scalar(0.0);
                        made.then("Clip", &[&zero, &six], &[])
                    }
                };
                let gate = made.onnx.last.clone();
                made.node("Mul", &[&x, &gate], &[]).then("Div", &[&six], &[])
            }
            5 if opset >= 20 => {
                let form = ["none", "tanh"][usize::from(layer.roll(1, 2))];
                self.then("Gelu", &[], &[("approximate", Text(form))])
            }
            5 if opset >= 9 => {
                let [root, one, half] = [std::f32::consts::SQRT_2, 1.0, 0.5].map(|value| self.scalar(value));
                let made = self.then("Div", &[&root], &[]).then("Erf", &[], &[]).then("Add", &[&one], &[]);
                let gate = made.onnx.last.clone();
                made.node("Mul", &[&x, &gate], &[]).then("Mul", &[&half], &[])
            }
            6 if opset >= 18 => self.then("Mish", &[], &[]),
            7 => self.then("Selu", &[], &[]),
            _ => {
                let made = self.then("Sigmoid", &[], &[]);
                let gate = made.onnx.last.clone();
                made.node("Mul", &[&x, &gate], &[])
            }
        }
    }
}
