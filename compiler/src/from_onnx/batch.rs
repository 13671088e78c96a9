//! One image per run: exporters fix the batch to whatever they traced with, or leave it open.
//!
//! The batch axis of the input becomes 1, and so does the first entry of every constant shape to
//! which a Reshape brings a computed value, where it repeats the batch (`[10, 400]` in a model
//! exported for ten images). Shapes that the model computes from its input follow by themselves.

use super::attributes::{display_name, int64s};
use super::constants;
use super::layout::{self, Layout};
use super::precision::element_type;
use super::registry::{self, Axes};
use super::stored::constant;
use crate::error::Diagnostic;
use crate::graph::Shape;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::Dimension;
use tract_onnx::pb::tensor_shape_proto::dimension::Value as Dim;
use tract_onnx::pb::type_proto::Value as Type;
use tract_onnx::pb::{GraphProto, ModelProto, TensorProto, ValueInfoProto};

/// The model's input, one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Input {
    shape: Shape,
    layout: Layout,
    pixels: Option<(i8, u8)>,
}

impl Input {
    /// Its shape without the batch axis.
    pub(super) fn shape(self) -> Shape {
        self.shape
    }

    /// How the model arranges it.
    pub(super) fn layout(self) -> Layout {
        self.layout
    }

    /// What a user should know of it.
    pub(super) fn notes(self) -> Vec<String> {
        let Shape { channels, height, width } = self.shape;
        let cube = self.layout == Layout::ChannelsLast && channels == height && height == width;
        let cube = cube.then(|| {
            format!(
                "the model takes channels last; arrays of {channels}x{height}x{width} are read channels first"
            )
        });
        let signed = self.pixels == Some((i8::MIN, i8::MAX as u8));
        let signed = signed.then(|| {
            "the model takes int8 images, so raw pixels are -128 to 127; for pictures give --input-range 0,255 --input-mean 128"
                .into()
        });
        cube.into_iter().chain(signed).collect()
    }

    /// Smallest and largest value, where the model takes integers of 8 bits.
    pub(super) fn pixels(self) -> Option<(f64, f64)> {
        self.pixels.map(|(low, high)| (low.into(), high.into()))
    }
}

/// Makes the model take one image and says of which shape.
pub(super) fn single_image(proto: &mut ModelProto) -> Result<Input, Diagnostic> {
    let graph = proto.graph.get_or_insert_default();
    let computed = constants::computed(graph);
    let position = image_input(graph)?;
    let (batch, input) = declared(graph, &graph.input[position])?;
    if let Some(dim) = dimensions(&mut graph.input[position]).and_then(|dims| dims.first_mut()) {
        dim.value = Some(Dim::DimValue(1));
    }
    if let Some(batch) = batch.filter(|&batch| batch > 1) {
        rewrite_shapes(graph, batch, |name| computed.contains(name));
    }
    Ok(input)
}

/// Index of the only input that is no weight.
fn image_input(graph: &GraphProto) -> Result<usize, Diagnostic> {
    let is_weight = |info: &ValueInfoProto| graph.initializer.iter().any(|tensor| tensor.name == info.name);
    let inputs: Vec<usize> = (0..graph.input.len()).filter(|&i| !is_weight(&graph.input[i])).collect();
    match inputs[..] {
        [position] => Ok(position),
        _ => {
            let names: Vec<&str> = inputs.iter().map(|&i| graph.input[i].name.as_str()).collect();
            let what = format!("the model has {} inputs ({}), not one image", names.len(), names.join(", "));
            Err(problem("model", what, "export the model with the image as its only input"))
        }
    }
}

/// The declared batch, and one image.
fn declared(graph: &GraphProto, input: &ValueInfoProto) -> Result<(Option<i64>, Input), Diagnostic> {
    let refuse = |what: String| {
        problem(&input.name, what, "export the model with a fixed input of Nx1x28x28 or the like")
    };
    let mut input_copy = input.clone();
    let pixels = match element_type(&mut input_copy).map(|kind| DataType::try_from(*kind)) {
        Some(Ok(DataType::Int8)) => Some((i8::MIN, i8::MAX as u8)),
        Some(Ok(DataType::Uint8)) => Some((0, u8::MAX)),
        _ => None,
    };
    let dims = dimensions(&mut input_copy).ok_or_else(|| refuse("the input has no declared shape".into()))?;
    let sizes: Vec<Option<i64>> = dims.iter().map(size).collect();
    let text: Vec<String> =
        sizes.iter().map(|size| size.map_or("?".into(), |size| size.to_string())).collect();
    let text = text.join("x");
    let (&batch, image) = sizes.split_first().ok_or_else(|| refuse("the input is a scalar".into()))?;
    let image: Option<Vec<usize>> = image.iter().map(|&size| usize::try_from(size?).ok()).collect();
    let image = image.ok_or_else(|| refuse(format!("the input's shape is open: {text}")))?;
    let elements = image.iter().try_fold(1usize, |product, &axis| product.checked_mul(axis));
    if elements.is_none_or(|elements| elements == 0 || elements > super::typed::MAX_ACTIVATIONS) {
        return Err(refuse(format!("the input's shape {text} is empty or too large")));
    }
    // Two axes after a batch of many may be a sequence of vectors, unless it is read as one.
    let several = image.len() == 2 && batch.is_some_and(|batch| batch > 1);
    let found = layout::image(graph, &input.name, &image);
    match found.filter(|(shape, _)| !(several && shape.channels == 1)) {
        Some((shape, layout)) => Ok((batch, Input { shape, layout, pixels })),
        None => Err(refuse(format!("the input's shape {text} is no batch of images"))),
    }
}

/// Size of an axis, where it is fixed.
fn size(dimension: &Dimension) -> Option<i64> {
    match &dimension.value {
        Some(Dim::DimValue(size)) if *size > 0 => Some(*size),
        _ => None,
    }
}

fn dimensions(info: &mut ValueInfoProto) -> Option<&mut Vec<Dimension>> {
    let Type::TensorType(tensor) = info.r#type.as_mut()?.value.as_mut()?;
    Some(&mut tensor.shape.as_mut()?.dim)
}

fn rewrite_shapes(graph: &mut GraphProto, batch: i64, computed: impl Fn(&str) -> bool) {
    for index in 0..graph.node.len() {
        let node = &graph.node[index];
        let [data, shape] = &node.input[..] else { continue };
        if registry::operator(node).axes != Axes::Reshaped || !computed(data) {
            continue;
        }
        let Some(mut sizes) = constant(graph, shape).and_then(int64s) else { continue };
        if sizes.first() == Some(&batch) {
            sizes[0] = 1;
            let name = format!("{} for one image", display_name(node));
            graph.initializer.push(int64_tensor(&name, sizes));
            graph.node[index].input[1] = name;
        }
    }
}

fn int64_tensor(name: &str, values: Vec<i64>) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: vec![values.len() as i64],
        data_type: DataType::Int64 as i32,
        int64_data: values,
        ..TensorProto::default()
    }
}

fn problem(node: &str, what: String, hint: &str) -> Diagnostic {
    Diagnostic { node: node.into(), op: "Input".into(), what, hint: hint.into() }
}
