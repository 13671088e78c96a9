//! Gates: a value times numbers between 0 and 1, one for each of its channels, that are computed of it.

use super::activation::Activation;
use super::net::{Layer, Net, Value};
use super::tensor::Tensor;

impl Net {
    /// Squeeze and excitation: the numbers are a function of the averages of all channels.
    pub(crate) fn gated(&mut self, x: Value, activation: Activation) -> Value {
        let channels = self.channels(x);
        let averages = self.global_average(x);
        let few = self.linear(averages, Layer::new((channels / 4).max(2), 1));
        let few = self.relu(few);
        let sums = self.linear(few, Layer::new(channels, 1));
        let gate = self.activation(sums, activation);
        let values: Tensor = self.tensor(x).times(self.tensor(gate)).rounded();
        let product = self.emit("Mul", &[x, gate], &[], &[]);
        self.holds(product, values)
    }
}
