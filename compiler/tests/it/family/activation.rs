//! Activations, in all spellings that are imported.

use super::dice::Dice;
use super::net::{Net, Value};
use crate::testing::Attribute::{Float, Text};

/// A function of each element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Activation {
    Relu,
    Relu6,
    /// Clip with bounds.
    Clip(f32, f32),
    LeakyRelu(f32),
    PRelu,
    HardSigmoid,
    HardSwish,
    /// x · Clip(x + 3, 0, 6) ÷ 6.
    HardSwishSpelled,
    Sigmoid,
    Tanh,
    Elu,
    Selu,
    Softplus,
    Gelu,
    GeluTanh,
    Mish,
    /// x · sigmoid(x).
    Silu,
}

use Activation::{
    Clip, Elu, Gelu, GeluTanh, HardSigmoid, HardSwish, HardSwishSpelled, LeakyRelu, Mish, PRelu, Relu, Relu6,
    Selu, Sigmoid, Silu, Softplus, Tanh,
};

impl Activation {
    pub(crate) fn any(dice: &mut Dice) -> Self {
        dice.pick(&[
            Relu,
            Relu6,
            Clip(-1.0, 1.0),
            LeakyRelu(0.1),
            PRelu,
            HardSigmoid,
            HardSwish,
            HardSwishSpelled,
            Sigmoid,
            Tanh,
            Elu,
            Selu,
            Softplus,
            Gelu,
            GeluTanh,
            Mish,
            Silu,
        ])
    }

    fn at(self, x: f32) -> f32 {
        let sigmoid = |x: f32| 1.0 / (1.0 + (-x).exp());
        let softplus = |x: f32| x.max(0.0) + (-x.abs()).exp().ln_1p();
        match self {
            Relu | PRelu => x.max(0.0),
            Relu6 => x.clamp(0.0, 6.0),
            Clip(low, high) => x.clamp(low, high),
            LeakyRelu(slope) => x.max(slope * x),
            HardSigmoid => (0.2 * x + 0.5).clamp(0.0, 1.0),
            HardSwish | HardSwishSpelled => x * (x / 6.0 + 0.5).clamp(0.0, 1.0),
            Sigmoid => sigmoid(x),
            Tanh => x.tanh(),
            Elu if x < 0.0 => x.exp_m1(),
            Selu if x < 0.0 => 1.758_099_4 * x.exp_m1(),
            Elu => x,
            Selu => 1.050_701 * x,
            Softplus => softplus(x),
            // Of the exact one, too, within 0.1 %.
            Gelu | GeluTanh => 0.5 * x * (1.0 + (0.797_884_6 * (x + 0.044_715 * x.powi(3))).tanh()),
            Mish => x * softplus(x).tanh(),
            Silu => x * sigmoid(x),
        }
    }
}

impl Net {
    pub(crate) fn relu(&mut self, x: Value) -> Value {
        self.activation(x, Relu)
    }

    pub(crate) fn activation(&mut self, x: Value, activation: Activation) -> Value {
        if activation == PRelu {
            return self.prelu(x);
        }
        let values = self.tensor(x).map(|_, x| activation.at(x)).rounded();
        let last = match activation {
            Relu => self.emit("Relu", &[x], &[], &[]),
            Relu6 => self.clip(x, 0.0, 6.0),
            Clip(low, high) => self.clip(x, low, high),
            LeakyRelu(slope) => self.emit("LeakyRelu", &[x], &[], &[("alpha", Float(slope))]),
            GeluTanh => self.emit("Gelu", &[x], &[], &[("approximate", Text("tanh"))]),
            Silu => {
                let gate = self.emit("Sigmoid", &[x], &[], &[]);
                self.emit("Mul", &[x, gate], &[], &[])
            }
            HardSwishSpelled => {
                let [three, six] = [3.0, 6.0].map(|number| self.constant(&[], vec![number]));
                let shifted = self.emit("Add", &[x], &[&three], &[]);
                let gate = self.clip(shifted, 0.0, 6.0);
                let product = self.emit("Mul", &[x, gate], &[], &[]);
                self.emit("Div", &[product], &[&six], &[])
            }
            _ => self.emit(&format!("{activation:?}"), &[x], &[], &[]),
        };
        self.holds(last, values)
    }

    fn clip(&mut self, x: Value, low: f32, high: f32) -> Value {
        let [low, high] = [low, high].map(|bound| self.constant(&[], vec![bound]));
        self.emit("Clip", &[x], &[&low, &high], &[])
    }

    /// LeakyReLU with a slope for each channel.
    fn prelu(&mut self, x: Value) -> Value {
        let [channels, ..] = self.tensor(x).dims;
        let slopes: Vec<f32> = (0..channels).map(|_| self.dice.between(-0.1, 0.6)).collect();
        let values = self.tensor(x).map(|channel, x| if x < 0.0 { slopes[channel] * x } else { x }).rounded();
        let dims: &[i64] = if self.is_flat(x) { &[channels as i64] } else { &[channels as i64, 1, 1] };
        let slopes = self.constant(dims, slopes);
        let last = self.emit("PRelu", &[x], &[&slopes], &[]);
        self.holds(last, values)
    }
}
