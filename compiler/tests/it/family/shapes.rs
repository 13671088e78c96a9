//! Layers without weights.

use super::net::{Net, Value};
use super::tensor::{Tensor, Window};
use crate::testing::Attribute::{Int, Ints};

impl Net {
    pub(crate) fn max_pool(&mut self, x: Value, window: Window) -> Value {
        let values = self.tensor(x).max_pool(window);
        self.pool("MaxPool", x, window, values)
    }

    /// Averages what lies inside the image.
    pub(crate) fn average_pool(&mut self, x: Value, window: Window) -> Value {
        let values = self.tensor(x).average_pool(window).rounded();
        self.pool("AveragePool", x, window, values)
    }

    fn pool(&mut self, op: &str, x: Value, window: Window, values: Tensor) -> Value {
        let [kernel, stride, pad] = [window.kernel, window.stride, window.pad].map(|size| size as i64);
        let attributes = [
            ("kernel_shape", Ints(&[kernel; 2])),
            ("strides", Ints(&[stride; 2])),
            ("pads", Ints(&[pad; 4])),
        ];
        let last = self.emit(op, &[x], &[], &attributes);
        self.holds(last, values)
    }

    /// Averages or maxima of squares of 2×2.
    pub(crate) fn halve(&mut self, x: Value, averages: bool) -> Value {
        let window = Window { kernel: 2, stride: 2, pad: 0 };
        if averages { self.average_pool(x, window) } else { self.max_pool(x, window) }
    }

    pub(crate) fn global_average(&mut self, x: Value) -> Value {
        let [channels, height, width] = self.tensor(x).dims;
        assert_eq!(height, width, "pictures are square");
        let values = self.tensor(x).average_pool(Window { kernel: height, stride: 1, pad: 0 });
        assert_eq!(values.dims, [channels, 1, 1]);
        let last = self.emit("GlobalAveragePool", &[x], &[], &[]);
        self.holds(last, values)
    }

    pub(crate) fn flatten(&mut self, x: Value) -> Value {
        let values = self.tensor(x).clone().flat();
        let last = self.emit("Flatten", &[x], &[], &[]);
        self.holds(last, values)
    }

    pub(crate) fn add(&mut self, a: Value, b: Value) -> Value {
        let values = self.tensor(a).plus(self.tensor(b));
        let last = self.emit("Add", &[a, b], &[], &[]);
        self.holds(last, values)
    }

    pub(crate) fn concat(&mut self, parts: &[Value]) -> Value {
        let tensors: Vec<&Tensor> = parts.iter().map(|&part| self.tensor(part)).collect();
        let values = Tensor::concat(&tensors);
        let last = self.emit("Concat", parts, &[], &[("axis", Int(1))]);
        self.holds(last, values)
    }

    /// Channels of zeros before and after (option A of residual networks).
    pub(crate) fn pad_channels(&mut self, x: Value, front: usize, after: usize) -> Value {
        let values = self.tensor(x).padded(front, after);
        let pads = self.whole(&[0, front as i64, 0, 0, 0, after as i64, 0, 0]);
        let last = self.emit("Pad", &[x], &[&pads], &[]);
        self.holds(last, values)
    }

    /// The first channel of every group, then the second of every group, and so on.
    pub(crate) fn shuffle(&mut self, x: Value, groups: usize) -> Value {
        let [channels, height, width] = self.tensor(x).dims;
        let each = channels / groups;
        let from: Vec<usize> = (0..channels).map(|to| to % groups * each + to / groups).collect();
        let values = self.tensor(x).permuted(&from);
        let [groups, each, channels, height, width] =
            [groups, each, channels, height, width].map(|size| size as i64);
        let apart = self.whole(&[1, groups, each, height, width]);
        let together = self.whole(&[1, channels, height, width]);
        let x = self.emit("Reshape", &[x], &[&apart], &[]);
        let x = self.emit("Transpose", &[x], &[], &[("perm", Ints(&[0, 2, 1, 3, 4]))]);
        let last = self.emit("Reshape", &[x], &[&together], &[]);
        self.holds(last, values)
    }
}
