//! Convolutions, poolings, and branches that meet again.

use super::Layer;
use super::grower::Grower;
use crate::testing::Attribute;
use crate::testing::Attribute::{Int, Ints, Text};

/// A window's attributes and the size of what it gives.
struct Geometry {
    kernel: [i64; 2],
    stride: [i64; 2],
    dilation: [i64; 2],
    pads: [i64; 4],
    auto_pad: Option<&'static str>,
    ceil: bool,
    output: [i64; 2],
}

impl Geometry {
    /// `None` where the window does not fit an image of this size.
    fn new(layer: &Layer, [height, width]: [i64; 2], pools: bool, opset: i64) -> Option<Self> {
        let die = |index, faces| i64::from(layer.roll(index, faces));
        let kernel = [1 + die(0, 4), 1 + die(1, 4)];
        let dilates = !pools || opset >= 19;
        let dilation = if dilates { [1 + die(4, 5) / 4, 1 + die(5, 5) / 4] } else { [1; 2] };
        let mut geometry = Self {
            kernel,
            stride: [1 + die(2, 3), 1 + die(3, 3)],
            dilation,
            pads: [0; 4],
            auto_pad: [
                None,
                None,
                None,
                Some("SAME_UPPER"),
                Some("SAME_LOWER"),
                Some("VALID"),
                Some("NOTSET"),
            ][usize::from(layer.roll(6, 7))],
            ceil: pools && opset >= 10 && layer.rarely(7, 3),
            output: [0; 2],
        };
        if pools && geometry.auto_pad.is_some_and(|auto_pad| auto_pad.starts_with("SAME")) {
            geometry.dilation = [1; 2];
        }
        if geometry.auto_pad.is_some_and(|auto_pad| auto_pad != "NOTSET") {
            geometry.ceil = false;
        } else {
            let pad = |index, axis: usize| die(index, 3).min(kernel[axis] - 1);
            geometry.pads = [pad(8, 0), pad(9, 1), pad(9, 0), pad(8, 1)];
        }
        for (axis, size) in [height, width].into_iter().enumerate() {
            geometry.output[axis] = geometry.size(axis, size)?;
        }
        Some(geometry)
    }

    fn size(&self, axis: usize, size: i64) -> Option<i64> {
        let (stride, reach) = (self.stride[axis], (self.kernel[axis] - 1) * self.dilation[axis] + 1);
        if matches!(self.auto_pad, Some("SAME_UPPER" | "SAME_LOWER")) {
            return Some((size + stride - 1) / stride);
        }
        let room = size + self.pads[axis] + self.pads[axis + 2] - reach;
        let rounded = if self.ceil { (room + stride - 1) / stride } else { room / stride } + 1;
        // A window that would begin beyond the image is left out.
        let starts_outside = self.ceil && (rounded - 1) * stride >= size + self.pads[axis];
        (room >= 0).then_some(rounded - i64::from(starts_outside))
    }

    fn attributes(&self, kernel: bool) -> Vec<(&'static str, Attribute<'_>)> {
        let mut found = Vec::new();
        if kernel {
            found.push(("kernel_shape", Ints(&self.kernel)));
        }
        if self.stride != [1; 2] {
            found.push(("strides", Ints(&self.stride)));
        }
        if self.dilation != [1; 2] {
            found.push(("dilations", Ints(&self.dilation)));
        }
        if self.pads != [0; 4] {
            found.push(("pads", Ints(&self.pads)));
        }
        if let Some(auto_pad) = self.auto_pad {
            found.push(("auto_pad", Text(auto_pad)));
        }
        if self.ceil {
            found.push(("ceil_mode", Int(1)));
        }
        found
    }
}

impl Grower {
    fn geometry(&self, layer: &Layer, pools: bool) -> Option<Geometry> {
        let &[_, height, width] = &self.dims[..] else { return None };
        Geometry::new(layer, [height, width], pools, self.opset)
    }

    pub(super) fn conv(self, layer: &Layer) -> Self {
        let Some(geometry) = self.geometry(layer, false) else { return self };
        let channels = self.dims[0];
        let group = match layer.roll(10, 4) {
            0 => channels,
            1 if channels % 2 == 0 => 2,
            _ => 1,
        };
        let outputs = group * i64::from(1 + layer.roll(11, if group == 1 { 4 } else { 2 }));
        let kernel = geometry.kernel;
        let dims = [outputs, channels / group, kernel[0], kernel[1]];
        let (mut made, weights) = self.weights(&dims, dims[1..].iter().product(), layer.roll(10, 16) / 4);
        let mut inputs = vec![weights];
        let bias = layer.roll(11, 9) / 3;
        if bias == 1 {
            inputs.push(made.constant(&[outputs], -0.5, 0.5));
        }
        let mut attributes = geometry.attributes(layer.rarely(0, 2));
        if group != 1 {
            attributes.push(("group", Int(group)));
        }
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        made = made.then("Conv", &inputs, &attributes);
        made.dims = vec![outputs, geometry.output[0], geometry.output[1]];
        if bias == 2 {
            let bias = made.constant(&[outputs, 1, 1], -0.5, 0.5);
            made = made.then("Add", &[&bias], &[]);
        }
        made
    }

    pub(super) fn pool(self, op: &str, layer: &Layer) -> Self {
        let Some(geometry) = self.geometry(layer, true) else { return self };
        let mut attributes = geometry.attributes(true);
        if op == "AveragePool" && layer.rarely(10, 3) {
            attributes.push(("count_include_pad", Int(1)));
        }
        let channels = self.dims[0];
        let mut made = self.then(op, &[], &attributes);
        made.dims = vec![channels, geometry.output[0], geometry.output[1]];
        made
    }

    pub(super) fn global_average(self, layer: &Layer) -> Self {
        if !self.is_image() {
            return self;
        }
        let channels = self.dims[0];
        let keep = layer.rarely(0, 2);
        let axes: &[i64] = if layer.rarely(1, 2) { &[-2, -1] } else { &[2, 3] };
        // Negative axes came with opset 11.
        let axes = if self.opset < 11 { &[2, 3] } else { axes };
        let mut made = match layer.roll(2, 2) {
            0 => self.then("GlobalAveragePool", &[], &[]),
            _ => self.mean(axes, keep),
        };
        let kept = layer.roll(2, 2) == 0 || keep;
        made.dims = if kept { vec![channels, 1, 1] } else { vec![channels] };
        made
    }

    fn mean(mut self, axes: &[i64], keep: bool) -> Self {
        let keep = ("keepdims", Int(keep.into()));
        if self.opset < 18 {
            return self.then("ReduceMean", &[], &[("axes", Ints(axes)), keep]);
        }
        let axes = self.ints(axes);
        self.then("ReduceMean", &[&axes], &[keep])
    }

    /// A convolution of the last value that keeps its shape.
    fn same(self) -> Self {
        let channels = self.dims[0];
        let (made, weights) = self.weights(&[channels, channels, 3, 3], channels * 9, 0);
        made.then("Conv", &[&weights], &[("pads", Ints(&[1; 4])), ("kernel_shape", Ints(&[3, 3]))])
    }

    /// x ± branch(x), either side first.
    pub(super) fn residual(self, layer: &Layer) -> Self {
        if !self.is_image() {
            return self;
        }
        let trunk = self.onnx.last.clone();
        let made = self.same();
        let made = if layer.rarely(2, 2) { made.then("Relu", &[], &[]).same() } else { made };
        let branch = made.onnx.last.clone();
        let operands = if layer.rarely(0, 2) { [&branch, &trunk] } else { [&trunk, &branch] };
        let op = ["Add", "Add", "Sub", "Sum"][usize::from(layer.roll(1, 4))];
        made.node(op, &operands.map(String::as_str), &[])
    }

    pub(super) fn concat(self, layer: &Layer) -> Self {
        if !self.is_image() || self.dims[0] > 4 {
            return self;
        }
        let (trunk, channels, opset) = (self.onnx.last.clone(), self.dims[0], self.opset);
        let made = self.same();
        let branch = made.onnx.last.clone();
        let mut operands = vec![trunk.as_str(), &branch];
        if layer.rarely(0, 2) {
            operands.reverse();
        }
        let axis = if layer.rarely(1, 2) && opset >= 11 { -3 } else { 1 };
        let mut made = made.node("Concat", &operands, &[("axis", Int(axis))]);
        made.dims[0] = 2 * channels;
        made
    }
}
