//! A model in the making, with the shape of its last value.

use super::{Kind, Layer, Recipe};
use crate::testing::Attribute::{Float, Int, Ints};
use crate::testing::{Attribute, Onnx, tensor};
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{AttributeProto, ModelProto, TensorProto};

pub(super) struct Grower {
    pub(super) onnx: Onnx,
    pub(super) opset: i64,
    pub(super) batch: i64,
    /// Of the last value, batch apart: channels, height and width, or only channels.
    pub(super) dims: Vec<i64>,
    seed: u64,
    constants: usize,
    channels_last: bool,
}

impl Grower {
    pub(super) fn new(recipe: &Recipe) -> Self {
        let [c, h, w] = recipe.input;
        let image = if recipe.channels_last { [h, w, c] } else { [c, h, w] };
        Self {
            onnx: Onnx::new(&[&[recipe.batch], &image[..]].concat()).opset(recipe.opset),
            opset: recipe.opset,
            batch: recipe.batch,
            dims: recipe.input.to_vec(),
            seed: recipe.seed,
            constants: 0,
            channels_last: recipe.channels_last,
        }
    }

    pub(super) fn build(self) -> ModelProto {
        self.onnx.build()
    }

    pub(super) fn layer(self, layer: &Layer) -> Self {
        match layer.kind {
            Kind::Conv => self.conv(layer),
            Kind::BatchNormalization => self.batch_normalization(layer),
            Kind::PerChannel => self.per_channel(layer),
            Kind::MaxPool => self.pool("MaxPool", layer),
            Kind::AveragePool => self.pool("AveragePool", layer),
            Kind::GlobalAverage => self.global_average(layer),
            Kind::Residual => self.residual(layer),
            Kind::Concat => self.concat(layer),
            Kind::PiecewiseLinear => self.piecewise_linear(layer),
            Kind::Smooth => self.smooth(layer),
            Kind::TransposeAndBack => self.transpose_and_back(layer),
            Kind::Plumbing => self.plumbing(layer),
            Kind::Dense => self.dense(layer),
            Kind::Moved => self.moved(layer),
            Kind::Enlarged => self.enlarged(layer),
            Kind::Reduced => self.reduced(layer),
            Kind::Sequence => self.sequence(layer),
            Kind::Gated => self.gated(layer),
        }
    }

    /// (x − mean) ÷ std and the like, on the image as the model takes it.
    pub(super) fn normalization(mut self) -> Self {
        let channels = self.dims[0];
        let dims: &[i64] = if self.channels_last { &[channels] } else { &[1, channels, 1, 1] };
        let mean = self.constant(dims, 0.2, 0.6);
        let std = self.constant(dims, 0.3, 0.9);
        match self.number() {
            x if x < -0.3 => self.then("Sub", &[&mean], &[]).then("Div", &[&std], &[]),
            x if x < 0.3 => self.then("Mul", &[&std], &[]).then("Add", &[&mean], &[]),
            _ => self.then("Div", &[&std], &[]),
        }
    }

    pub(super) fn channels_first(self) -> Self {
        self.then("Transpose", &[], &[("perm", Ints(&[0, 3, 1, 2]))])
    }

    pub(super) fn is_image(&self) -> bool {
        self.dims.len() == 3
    }

    pub(super) fn then(mut self, op: &str, more: &[&str], attributes: &[(&str, Attribute<'_>)]) -> Self {
        self.onnx = self.onnx.then(op, more, attributes);
        self
    }

    pub(super) fn node(mut self, op: &str, inputs: &[&str], attributes: &[(&str, Attribute<'_>)]) -> Self {
        self.onnx = self.onnx.node(op, inputs, attributes);
        self
    }

    /// What follows reads `value`.
    pub(super) fn at(mut self, value: &str) -> Self {
        self.onnx.last = value.into();
        self
    }

    /// A convolution's or a dense layer's weights, so large that values keep their size; stored as an
    /// initializer in single, half or double precision, or as the value of a Constant node.
    pub(super) fn weights(mut self, dims: &[i64], inputs: i64, form: u8) -> (Self, String) {
        let size = (3.0 / inputs as f32).sqrt();
        let values: Vec<f32> = (0..dims.iter().product()).map(|_| size * self.number()).collect();
        let kind = [DataType::Float, DataType::Float16, DataType::Double, DataType::Float][usize::from(form)];
        let name = self.fresh();
        let stored = tensor(&name, dims, kind, &values);
        if form == 0 {
            self.store(stored);
            return (self, name);
        }
        let last = self.onnx.last.clone();
        let made = if form == 3 {
            let mut made = self.node("Constant", &[], &[]);
            let value =
                AttributeProto { name: "value".into(), r#type: 4, t: Some(stored), ..Default::default() };
            made.onnx.graph.node.last_mut().unwrap().attribute.push(value);
            made
        } else {
            self.store(stored);
            self.node("Cast", &[&name], &[("to", Int(DataType::Float as i64))])
        };
        let name = made.onnx.last.clone();
        (made.at(&last), name)
    }

    /// An initializer with numbers between `low` and `high`.
    pub(super) fn constant(&mut self, dims: &[i64], low: f32, high: f32) -> String {
        let between = |x: f32| low + (high - low) * (x + 1.0) / 2.0;
        let values: Vec<f32> = (0..dims.iter().product()).map(|_| between(self.number())).collect();
        let name = self.fresh();
        self.store(tensor(&name, dims, DataType::Float, &values));
        name
    }

    /// One number.
    pub(super) fn scalar(&mut self, value: f32) -> String {
        self.constant(&[], value, value)
    }

    /// An initializer with these integers.
    pub(super) fn ints(&mut self, values: &[i64]) -> String {
        self.int64(&[values.len() as i64], values)
    }

    /// An initializer with this integer.
    pub(super) fn index(&mut self, value: i64) -> String {
        self.int64(&[], &[value])
    }

    fn int64(&mut self, dims: &[i64], values: &[i64]) -> String {
        let name = self.fresh();
        self.store(TensorProto {
            name: name.clone(),
            dims: dims.to_vec(),
            data_type: DataType::Int64 as i32,
            int64_data: values.to_vec(),
            ..TensorProto::default()
        });
        name
    }

    fn store(&mut self, tensor: TensorProto) {
        self.onnx.graph.initializer.push(tensor);
    }

    /// A node that takes `axes` as an attribute before `since`, as an input from then on.
    pub(super) fn with_axes(mut self, op: &str, axes: &[i64], since: i64) -> Self {
        if self.opset < since {
            return self.then(op, &[], &[("axes", Ints(axes))]);
        }
        let axes = self.ints(axes);
        self.then(op, &[&axes], &[])
    }

    pub(super) fn batch_normalization(mut self, layer: &Layer) -> Self {
        let dims = [self.dims[0]];
        let (scale, shift) = (self.constant(&dims, -1.5, 1.5), self.constant(&dims, -0.5, 0.5));
        let (mean, variance) = (self.constant(&dims, -0.5, 0.5), self.constant(&dims, 0.2, 2.0));
        let mut attributes = vec![("epsilon", Float([1e-5, 1e-3][usize::from(layer.roll(0, 2))]))];
        if self.opset < 9 && layer.rarely(1, 2) {
            attributes.push(("spatial", Int(1)));
        }
        if self.opset >= 14 && layer.rarely(1, 2) {
            attributes.push(("training_mode", Int(0)));
        }
        self.then("BatchNormalization", &[&scale, &shift, &mean, &variance], &attributes)
    }

    fn fresh(&mut self) -> String {
        self.constants += 1;
        format!("c{}", self.constants)
    }

    /// Between −1 and 1 (SplitMix64).
    pub(super) fn number(&mut self) -> f32 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.seed;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ z >> 31) >> 40) as f32 / (1 << 23) as f32 - 1.0
    }
}
