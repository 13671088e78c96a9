//! A network in the making: ONNX nodes, and beside each value what it is on the pictures that the network is
//! fitted to.

use super::dice::Dice;
use super::images::Scenery;
use super::style::{Norm, Style};
use super::tensor::{Tensor, Window};
use crate::testing::Attribute::{Float, Int, Ints};
use crate::testing::{Attribute, Onnx, attribute, tensor, value_info};
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{ModelProto, NodeProto};

/// Products per picture after which families add no further blocks.
const WORK: usize = 1_200_000;
/// Noise of a value on which families build no further blocks: networks that train well are steadier than random
/// ones of their depth.
const NOISE: f64 = 0.018;

pub(crate) struct Net {
    pub(crate) dice: Dice,
    pub(crate) style: Style,
    onnx: Onnx,
    values: Vec<Known>,
    constants: usize,
    work: usize,
}

/// A value of the network.
#[derive(Clone, Copy)]
pub(crate) struct Value(usize);

struct Known {
    name: String,
    tensor: Option<Tensor>,
    flat: bool,
}

/// A convolution with normalised outputs.
#[derive(Clone, Copy)]
pub(crate) struct Layer {
    pub(crate) outputs: usize,
    pub(crate) window: Window,
    pub(crate) groups: usize,
    /// What gammas are multiplied by where no activation follows.
    gain: f32,
}

impl Layer {
    /// Padded so that it keeps the plane's size.
    pub(crate) fn new(outputs: usize, kernel: usize) -> Self {
        Self { outputs, window: Window { kernel, stride: 1, pad: kernel / 2 }, groups: 1, gain: 1.0 }
    }

    pub(crate) fn stride(mut self, stride: usize) -> Self {
        self.window.stride = stride;
        self
    }

    pub(crate) fn gain(self, gain: f32) -> Self {
        Self { gain, ..self }
    }

    pub(crate) fn groups(self, groups: usize) -> Self {
        Self { groups, ..self }
    }

    pub(crate) fn unpadded(mut self) -> Self {
        self.window.pad = 0;
        self
    }
}

impl Net {
    /// A network that takes the pictures of `scenery`, through `preprocess` of channel and pixel.
    pub(crate) fn new(
        dice: Dice,
        style: Style,
        scenery: &Scenery,
        preprocess: impl Fn(usize, f32) -> f32,
    ) -> Self {
        let shape = scenery.shape;
        let dims = [shape.channels, shape.height, shape.width];
        let pictures: Vec<Vec<u8>> = (0..super::tensor::FITTED).map(|index| scenery.picture(index)).collect();
        let image = Tensor::new(dims, |index, place| {
            preprocess(place / shape.plane(), pictures[index][place].into())
        });
        let onnx = Onnx::new(&[1, dims[0] as i64, dims[1] as i64, dims[2] as i64]).opset(20);
        let values = vec![Known { name: onnx.last.clone(), tensor: Some(image), flat: false }];
        Self { dice, style, onnx, values, constants: 0, work: 0 }
    }

    pub(crate) fn image(&self) -> Value {
        Value(0)
    }

    /// The model whose output is `logits`.
    pub(crate) fn build(mut self, logits: Value) -> ModelProto {
        let classes = self.channels(logits) as i64;
        self.onnx.last = self.values[logits.0].name.clone();
        let output = value_info(&self.onnx.last, &[1, classes], DataType::Float as i32);
        let mut proto = self.onnx.build();
        proto.graph.as_mut().expect("a graph").output = vec![output];
        proto
    }

    /// Whether there may be more layers after it `x`.
    pub(crate) fn has_room(&self, x: Value) -> bool {
        self.work < WORK && self.tensor(x).noise() < NOISE
    }

    /// What `value` is on the pictures.
    pub(crate) fn tensor(&self, value: Value) -> &Tensor {
        self.values[value.0].tensor.as_ref().expect("a value inside an activation is not kept")
    }

    pub(crate) fn channels(&self, value: Value) -> usize {
        self.tensor(value).dims[0]
    }

    /// The shorter side of the plane.
    pub(crate) fn side(&self, value: Value) -> usize {
        let [_, height, width] = self.tensor(value).dims;
        height.min(width)
    }

    pub(crate) fn is_flat(&self, value: Value) -> bool {
        self.values[value.0].flat
    }

    /// A node of the file; what its output is on the pictures is not known yet.
    pub(crate) fn emit(
        &mut self,
        op: &str,
        inputs: &[Value],
        constants: &[&str],
        attributes: &[(&str, Attribute<'_>)],
    ) -> Value {
        let name = format!("v{}", self.values.len());
        let computed = inputs.iter().map(|input| self.values[input.0].name.clone());
        self.onnx.graph.node.push(NodeProto {
            op_type: op.into(),
            input: computed.chain(constants.iter().map(ToString::to_string)).collect(),
            output: vec![name.clone()],
            attribute: attributes.iter().map(|(name, value)| attribute(name, value)).collect(),
            ..Default::default()
        });
        let flat = op == "Flatten" || inputs.iter().any(|&input| self.is_flat(input));
        self.values.push(Known { name, tensor: None, flat });
        Value(self.values.len() - 1)
    }

    /// Says what `value` is on the pictures.
    pub(crate) fn holds(&mut self, value: Value, tensor: Tensor) -> Value {
        self.values[value.0].tensor = Some(tensor);
        value
    }

    /// An initializer.
    pub(crate) fn constant(&mut self, dims: &[i64], values: Vec<f32>) -> String {
        self.constants += 1;
        let name = format!("c{}", self.constants);
        self.onnx.graph.initializer.push(tensor(&name, dims, DataType::Float, &values));
        name
    }

    /// Names an initializer of whole numbers.
    pub(crate) fn whole(&mut self, values: &[i64]) -> String {
        self.constants += 1;
        let name = format!("c{}", self.constants);
        let onnx = std::mem::replace(&mut self.onnx, Onnx::new(&[]));
        self.onnx = onnx.ints(&name, values);
        name
    }

    /// Gammas and betas in the network's style.
    pub(crate) fn norm(&mut self, channels: usize) -> Norm {
        self.style.norm(&mut self.dice, channels)
    }

    /// Convolution and BatchNormalization as the network's style has them.
    pub(crate) fn conv(&mut self, x: Value, layer: Layer) -> Value {
        let norm = self.norm(layer.outputs);
        self.conv_to(x, layer, &norm)
    }

    /// The same without an activation after it: betas around 0.
    pub(crate) fn linear(&mut self, x: Value, layer: Layer) -> Value {
        let norm = self.centred_norm(layer);
        self.conv_to(x, layer, &norm)
    }

    pub(crate) fn centred_norm(&mut self, layer: Layer) -> Norm {
        let gamma = self.style.gamma * layer.gain;
        Style { beta: 0.0, gamma, ..self.style }.norm(&mut self.dice, layer.outputs)
    }

    /// A convolution without BatchNormalization.
    pub(crate) fn bare(&mut self, x: Value, layer: Layer) -> Value {
        let folded = std::mem::replace(&mut self.style.folded, true);
        let sums = self.linear(x, layer);
        self.style.folded = folded;
        sums
    }

    /// A convolution with these weights.
    pub(crate) fn conv_of(&mut self, x: Value, layer: Layer, weights: Vec<f32>, bias: Vec<f32>) -> Value {
        let sums = self.tensor(x).conv(layer.window, layer.groups, &weights, layer.outputs);
        let sums = sums.map(|channel, x| x + bias[channel]);
        let last = self.emit_conv(x, layer, weights, Some(bias));
        self.holds(last, sums)
    }

    /// Convolution, and the BatchNormalization that gives its outputs the mean and deviation of `norm`.
    pub(crate) fn conv_to(&mut self, x: Value, layer: Layer, norm: &Norm) -> Value {
        let mut weights = self.draw(x, layer);
        let sums = self.tensor(x).conv(layer.window, layer.groups, &weights, layer.outputs);
        self.work += weights.len() * sums.plane();
        let [scale, shift] = self.affine(&sums, norm);
        let values = sums.map(|channel, x| scale[channel] * x + shift[channel]);
        if !self.style.folded {
            let conv = self.emit_conv(x, layer, weights, None);
            let conv = self.holds(conv, sums);
            return self.normalize(conv, norm);
        }
        let columns = weights.len() / layer.outputs;
        for (row, by) in weights.chunks_mut(columns).zip(&scale) {
            row.iter_mut().for_each(|weight| *weight *= by);
        }
        let conv = self.emit_conv(x, layer, weights, Some(shift));
        self.holds(conv, values)
    }

    fn emit_conv(&mut self, x: Value, layer: Layer, weights: Vec<f32>, bias: Option<Vec<f32>>) -> Value {
        let Layer { outputs, window, groups, .. } = layer;
        let [kernel, stride, pad] = [window.kernel, window.stride, window.pad].map(|size| size as i64);
        let dims = [outputs as i64, (self.channels(x) / groups) as i64, kernel, kernel];
        let mut constants = vec![self.constant(&dims, weights)];
        constants.extend(bias.map(|bias| self.constant(&[outputs as i64], bias)));
        let constants: Vec<&str> = constants.iter().map(String::as_str).collect();
        self.emit(
            "Conv",
            &[x],
            &constants,
            &[
                ("kernel_shape", Ints(&[kernel; 2])),
                ("strides", Ints(&[stride; 2])),
                ("pads", Ints(&[pad; 4])),
                ("group", Int(groups as i64)),
            ],
        )
    }

    /// BatchNormalization by itself.
    pub(crate) fn normalize(&mut self, x: Value, norm: &Norm) -> Value {
        let [scale, shift] = self.affine(self.tensor(x), norm);
        let values = self.tensor(x).map(|channel, x| scale[channel] * x + shift[channel]);
        let (mean, variance) = self.tensor(x).statistics().into_iter().unzip();
        let dims = [norm.gamma.len() as i64];
        let constants = [norm.gamma.clone(), norm.beta.clone(), mean, variance]
            .map(|values| self.constant(&dims, values));
        let constants = constants.each_ref().map(String::as_str);
        let epsilon = [("epsilon", Float(self.style.epsilon))];
        let last = self.emit("BatchNormalization", &[x], &constants, &epsilon);
        self.holds(last, values)
    }

    /// What BatchNormalization does to each channel: scale and shift.
    pub(crate) fn affine(&self, x: &Tensor, norm: &Norm) -> [Vec<f32>; 2] {
        let scales = x.statistics().into_iter().zip(&norm.gamma);
        let scales =
            scales.map(|((mean, variance), gamma)| (mean, gamma / (variance + self.style.epsilon).sqrt()));
        let shifted = scales.zip(&norm.beta).map(|((mean, scale), beta)| (scale, beta - mean * scale));
        let (scale, shift) = shifted.unzip();
        [scale, shift]
    }
}
