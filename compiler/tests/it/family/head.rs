//! Last layers, fitted so that logits differ from picture to picture.

use super::images::Scenery;
use super::net::{Layer, Net, Value};
use super::ridge::{self, Rows};
use super::tensor::{Tensor, Window};
use crate::testing::Attribute::Int;

/// A vector's only pixel.
const POINT: Window = Window { kernel: 1, stride: 1, pad: 0 };

impl Net {
    /// From features to logits, in one of the usual ways.
    pub(crate) fn classify(&mut self, x: Value, scenery: &Scenery, classes: usize) -> Value {
        if self.is_flat(x) {
            return self.logits(x, scenery, classes);
        }
        match self.dice.whole(0, 9) {
            0..=1 => self.convolved_head(x, scenery, classes),
            2..=3 if self.tensor(x).plane() * self.channels(x) <= 400 => {
                let flat = self.flatten(x);
                let hidden = self.hidden(flat, 24);
                let hidden = self.relu(hidden);
                self.logits(hidden, scenery, classes)
            }
            4 if self.tensor(x).plane() * self.channels(x) <= 400 => {
                let flat = self.flatten(x);
                self.logits(flat, scenery, classes)
            }
            _ => {
                let x = self.global_average(x);
                let x = self.flatten(x);
                self.logits(x, scenery, classes)
            }
        }
    }

    /// SqueezeNet's: a map of each class, averaged.
    pub(crate) fn convolved_head(&mut self, x: Value, scenery: &Scenery, classes: usize) -> Value {
        let features = self.tensor(x).average_pool(Window { kernel: self.side(x), stride: 1, pad: 0 });
        let Rows { weights, mut bias } = self.fit(&features, scenery, classes);
        let rectified = self.dice.chance(0.5);
        if rectified {
            // Most sums are to be above 0.
            let maps = self.tensor(x).conv(POINT, 1, &weights, classes);
            let size = maps.statistics().iter().map(|(_, variance)| variance.sqrt()).fold(0.0, f32::max);
            bias.iter_mut().for_each(|bias| *bias += 1.5 * size);
        }
        let maps = self.conv_of(x, Layer::new(classes, 1), weights, bias);
        let maps = if rectified { self.relu(maps) } else { maps };
        let x = self.global_average(maps);
        self.flatten(x)
    }

    /// A dense layer with normalised outputs.
    pub(crate) fn hidden(&mut self, x: Value, outputs: usize) -> Value {
        let columns = self.channels(x);
        let mut weights = self.style.weights.draw(&mut self.dice, outputs, columns);
        let sums = self.tensor(x).conv(POINT, 1, &weights, outputs);
        let norm = self.style.norm(&mut self.dice, outputs);
        let [scale, bias] = self.affine(&sums, &norm);
        for (row, by) in weights.chunks_mut(columns).zip(scale) {
            row.iter_mut().for_each(|weight| *weight *= by);
        }
        self.dense(x, Rows { weights, bias })
    }

    /// The last layer: mostly one that knows the pictures' classes, else a random one.
    pub(crate) fn logits(&mut self, x: Value, scenery: &Scenery, classes: usize) -> Value {
        let features = self.tensor(x).clone();
        let rows = if self.dice.chance(0.7) {
            self.fit(&features, scenery, classes)
        } else {
            self.centred(&features, classes)
        };
        self.dense(x, rows)
    }

    fn dense(&mut self, x: Value, rows: Rows) -> Value {
        let dims = [rows.bias.len() as i64, self.channels(x) as i64];
        let sums = self.tensor(x).conv(POINT, 1, &rows.weights, rows.bias.len());
        let values = sums.map(|row, sum| sum + rows.bias[row]);
        let constants = [self.constant(&dims, rows.weights), self.constant(&dims[..1], rows.bias)];
        let last = self.emit("Gemm", &[x], &constants.each_ref().map(String::as_str), &[("transB", Int(1))]);
        self.holds(last, values)
    }

    /// Random rows whose results are 0 on average and differ by about 1.
    fn centred(&mut self, features: &Tensor, classes: usize) -> Rows {
        let mut weights = self.style.weights.draw(&mut self.dice, classes, features.dims[0]);
        let statistics = features.conv(POINT, 1, &weights, classes).statistics();
        let mut bias = Vec::new();
        for (row, (mean, variance)) in weights.chunks_mut(features.dims[0]).zip(statistics) {
            let size = variance.sqrt().max(1e-6);
            row.iter_mut().for_each(|weight| *weight /= size);
            bias.push(-mean / size);
        }
        Rows { weights, bias }
    }

    /// Rows that tell the pictures' classes.
    fn fit(&mut self, features: &Tensor, scenery: &Scenery, classes: usize) -> Rows {
        let ridge = self.dice.pick(&[0.1, 0.3, 1.0]);
        ridge::fit(features, |index| scenery.class(index), classes, ridge)
    }
}
