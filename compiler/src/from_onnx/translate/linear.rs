//! Convolutions and matrix products.

use super::site::Site;
use super::{Found, Translator};
use crate::from_onnx::refusal::Refusal;
use crate::graph::{Conv, Dense, NodeId, Op, Real, Window};
use tract_onnx::tract_core::axes::Axis;
use tract_onnx::tract_core::ops::cnn::conv::KernelFormat;
use tract_onnx::tract_core::ops::cnn::{Conv as TractConv, PoolSpec};
use tract_onnx::tract_core::ops::einsum::EinSum;
use tract_onnx::tract_core::ops::nn::DataFormat;

impl Translator<'_> {
    pub(super) fn conv(&mut self, conv: &TractConv, site: &Site) -> Found {
        let (id, shape) = self.image(site, 0)?;
        if conv.kernel_fmt != KernelFormat::OIHW || conv.q_params.is_some() {
            return Err(Refusal::new(
                "quantized or channels-last kernels are not supported",
                "export the float model",
            ));
        }
        let window = window(&conv.pool_spec, [shape.height, shape.width], &site.output)?;
        let channels = conv.pool_spec.output_channels;
        let bias = bias(site, channels)?;
        let conv = Conv { window, groups: conv.group, weights: site.weights(1)?, bias };
        let (id, conv) = self.over_source(id, conv);
        self.plain(&site.name, Op::Conv(conv), &[id])
    }

    /// A convolution over zeros around an image, or over chosen channels, as one over the image itself.
    fn over_source(&self, id: NodeId, conv: Conv<Real>) -> (NodeId, Conv<Real>) {
        let Some(moved) = self.moved(id) else { return (id, conv) };
        let channels = self.graph.shape(moved.source).channels;
        match Self::unpadded(&moved, &conv.window) {
            Some(window) if moved.keeps_channels() => (moved.source, Conv { window, ..conv }),
            Some(window) if conv.groups == 1 && channels <= 4 * moved.channels.len() => {
                let [height, width] = window.kernel;
                let weights = moved.weights(&conv.weights, height * width);
                (moved.source, Conv { window, weights, ..conv })
            }
            _ => (id, conv),
        }
    }

    /// A product of the computed value, flattened or at each position, with a constant matrix, whichever way round and
    /// however transposed.
    pub(super) fn matrix_product(&mut self, product: &EinSum, site: &Site) -> Found {
        let [left, _] = &site.inputs[..] else {
            return Err("it is no product of two operands".to_string().into());
        };
        let matrix = usize::from(matches!(left.value, super::Value::Computed(_)));
        if let Some(view) = self.product_by_position(product, site, matrix)? {
            return Ok(view);
        }
        let view = site.computed(1 - matrix)?;
        let weights = Contraction::new(product, site, matrix)?.matrix(&site.weights(matrix)?);
        let inputs = self.graph.shape(view.id).elements();
        let weights = weights.chunks(inputs).flat_map(|row| view.to_graph_order(row)).collect();
        let outputs = site.output.iter().product();
        let dense = Dense { weights, bias: vec![0.0; outputs] };
        self.plain(&site.name, Op::Dense(dense), &[view.id])
    }
}

/// The third operand, one number for each channel.
pub(super) fn bias(site: &Site, channels: usize) -> Result<Vec<f32>, Refusal> {
    let bias = match &site.weights(2)?[..] {
        &[value] => vec![value; channels],
        values => values.to_vec(),
    };
    if bias.len() == channels {
        Ok(bias)
    } else {
        Err(format!("{} biases for {channels} channels", bias.len()).into())
    }
}

/// How the elements of the constant operand become a matrix (outputs, inputs).
struct Contraction {
    /// Sizes of the output's axes, then of the computed operand's.
    dims: Vec<usize>,
    /// Step within the constant's elements along each.
    strides: Vec<usize>,
}

impl Contraction {
    fn new(product: &EinSum, site: &Site, matrix: usize) -> Result<Self, Refusal> {
        let (constant, computed) = (&site.inputs[matrix].dims, &site.inputs[1 - matrix].dims);
        let mut contraction = Self { dims: [&site.output[..], computed].concat(), strides: Vec::new() };
        for position in 0..site.output.len() {
            let axis = find(product, |axis| axis.outputs[0].contains(&position))?;
            contraction.strides.push(stride(constant, &axis.inputs[matrix])?);
        }
        for (position, &size) in computed.iter().enumerate() {
            let axis = find(product, |axis| axis.inputs[1 - matrix].contains(&position))?;
            contraction.strides.push(if size > 1 { stride(constant, &axis.inputs[matrix])? } else { 0 });
        }
        Ok(contraction)
    }

    fn matrix(&self, elements: &[f32]) -> Vec<f32> {
        let mut gathered = Vec::with_capacity(self.dims.iter().product());
        gather(elements, &self.dims, &self.strides, 0, &mut gathered);
        gathered
    }
}

pub(super) fn find(product: &EinSum, wanted: impl Fn(&Axis) -> bool) -> Result<&Axis, Refusal> {
    let axis = product.axes.iter_all_axes().find(|axis| wanted(axis));
    axis.ok_or_else(|| Refusal::from("its axes do not match".to_string()))
}

/// Distance of neighbours along the axis at `positions` of a row-major tensor; 0 where it has no such axis.
pub(super) fn stride(dims: &[usize], positions: &[usize]) -> Result<usize, Refusal> {
    match positions {
        [] => Ok(0),
        &[position] if dims[position] == 1 => Ok(0),
        &[position] => Ok(dims[position + 1..].iter().product()),
        _ => Err("it reads a diagonal".to_string().into()),
    }
}

/// Appends, row-major over `dims`, the elements at the given strides from `offset`.
pub(super) fn gather(
    elements: &[f32],
    dims: &[usize],
    strides: &[usize],
    offset: usize,
    into: &mut Vec<f32>,
) {
    let (Some((&size, inner)), Some((&stride, strides))) = (dims.split_first(), strides.split_first()) else {
        return into.push(elements[offset]);
    };
    for index in 0..size {
        gather(elements, inner, strides, offset + index * stride, into);
    }
}

/// How many axes a layer over an image or a sequence, of `output`, slides along: 2 or 1.
pub(super) fn spatial_axes(spec: &PoolSpec, output: &[usize]) -> Result<usize, Refusal> {
    let axes = spec.rank();
    if spec.data_format == DataFormat::NCHW && (1..=2).contains(&axes) && output.len() == 2 + axes {
        return Ok(axes);
    }
    Err(Refusal::new(
        "only layers over images and over sequences are supported",
        "3-D layers cannot be compiled",
    ))
}

/// The window of a convolution or pooling over an image, with padding as numbers. Where rounding up
/// (`ceil_mode`) asks for windows beyond the padding, the padding grows.
pub(super) fn window(spec: &PoolSpec, image: [usize; 2], output: &[usize]) -> Result<Window, Refusal> {
    let axes = spatial_axes(spec, output)?;
    // A sequence is an image of height 1.
    let spread = |of: &dyn Fn(usize) -> usize, absent: usize| match axes {
        1 => [absent, of(0)],
        _ => [of(0), of(1)],
    };
    let padding = spec.computed_padding(&image[2 - axes..]);
    let output = spread(&|axis| output[2 + axis], 1);
    let mut window = Window {
        kernel: spread(&|axis| spec.kernel_shape[axis], 1),
        stride: spread(&|axis| spec.stride(axis), 1),
        dilation: spread(&|axis| spec.dilation(axis), 1),
        pad_before: spread(&|axis| padding[axis].pad_before, 0),
        pad_after: spread(&|axis| padding[axis].pad_after, 0),
    };
    for axis in 0..2 {
        let reach = (output[axis].saturating_sub(1)) * window.stride[axis]
            + (window.kernel[axis] - 1) * window.dilation[axis]
            + 1;
        let missing = reach.saturating_sub(image[axis] + window.pad_before[axis] + window.pad_after[axis]);
        window.pad_after[axis] += missing;
    }
    if window.output(image) != Some(output) {
        return Err(Refusal::new(format!("the window {window} does not fit the image"), "use less padding"));
    }
    Ok(window)
}
