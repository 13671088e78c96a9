//! Products of a constant matrix with a value, at every position of it: convolutions of one pixel.

use super::linear::{find, gather, stride};
use super::site::Site;
use super::view::{Axis, View};
use super::{Found, Translator};
use crate::from_onnx::refusal::Refusal;
use crate::graph::{Conv, NodeId, Op, Shape, Window};
use tract_onnx::tract_core::ops::einsum::EinSum;

/// The axes of the computed operand of a product: those that the matrix takes, and positions.
struct Split {
    taken: Vec<usize>,
    kept: Vec<usize>,
}

impl Split {
    fn new(product: &EinSum, site: &Site, matrix: usize) -> Result<Self, Refusal> {
        let mut split = Self { taken: Vec::new(), kept: Vec::new() };
        for (position, &size) in
            site.inputs[1 - matrix].dims.iter().enumerate().filter(|(_, size)| **size > 1)
        {
            let axis = find(product, |axis| axis.inputs[1 - matrix].contains(&position))?;
            match (axis.outputs[0].is_empty(), axis.inputs[matrix].is_empty()) {
                (true, _) => split.taken.push(position),
                (false, true) => split.kept.push(position),
                (false, false) => {
                    return Err(Refusal::new(
                        format!("each of {size} positions is multiplied with a matrix of its own"),
                        "write the layer as a grouped convolution",
                    ));
                }
            }
        }
        Ok(split)
    }
}

impl Translator<'_> {
    /// A product that leaves positions apart; `None` where it takes the whole value.
    pub(super) fn product_by_position(
        &mut self,
        product: &EinSum,
        site: &Site,
        matrix: usize,
    ) -> Result<Option<View>, Refusal> {
        let Split { taken, kept } = Split::new(product, site, matrix)?;
        if kept.is_empty() {
            return Ok(None);
        }
        let (constant, computed) = (&site.inputs[matrix].dims, &site.inputs[1 - matrix].dims);
        let (mut dims, mut strides) = (Vec::new(), Vec::new());
        for position in 0..site.output.len() {
            let axis = find(product, |axis| axis.outputs[0].contains(&position))?;
            if !axis.inputs[matrix].is_empty() && site.output[position] > 1 {
                dims.push(site.output[position]);
                strides.push(stride(constant, &axis.inputs[matrix])?);
            }
        }
        let outputs: usize = dims.iter().product();
        for &position in &taken {
            let axis = find(product, |axis| axis.inputs[1 - matrix].contains(&position))?;
            dims.push(computed[position]);
            strides.push(stride(constant, &axis.inputs[matrix])?);
        }
        let mut weights = Vec::with_capacity(dims.iter().product());
        gather(&site.weights(matrix)?, &dims, &strides, 0, &mut weights);
        let id = self.with_axes_first(site, 1 - matrix, &taken, &kept)?;
        let conv = Conv { window: Window::dense([1, 1]), groups: 1, weights, bias: vec![0.0; outputs] };
        let id = self.append(&site.name, Op::Conv(conv), &[id])?;
        self.by_position(product, site, matrix, id).map(Some)
    }

    /// How tract lists the results `id` of a product: rows of the matrix first, then positions.
    fn by_position(&self, product: &EinSum, site: &Site, matrix: usize, id: NodeId) -> Found {
        let plane = self.graph.shape(id).plane();
        let (mut axes, mut rows, mut positions) = (Vec::new(), self.graph.shape(id).channels, plane);
        let mut place_of = vec![1; site.inputs[1 - matrix].dims.len()];
        for (position, &size) in site.inputs[1 - matrix].dims.iter().enumerate() {
            let axis = find(product, |axis| axis.inputs[1 - matrix].contains(&position))?;
            if !axis.outputs[0].is_empty() && size > 1 {
                positions /= size;
                place_of[position] = positions;
            }
        }
        for (position, &size) in site.output.iter().enumerate().filter(|(_, size)| **size > 1) {
            let axis = find(product, |axis| axis.outputs[0].contains(&position))?;
            let stride = match axis.inputs[1 - matrix][..] {
                [computed] if site.inputs[1 - matrix].dims[computed] > 1 => place_of[computed],
                _ => {
                    rows /= size;
                    rows * plane
                }
            };
            axes.push(Axis { size, stride });
        }
        Ok(View::new(id, axes))
    }

    /// The computed operand as an image whose channels are the axes `first` and whose pixels are the axes `then`.
    pub(super) fn with_axes_first(
        &mut self,
        site: &Site,
        position: usize,
        first: &[usize],
        then: &[usize],
    ) -> Result<NodeId, Refusal> {
        let (mut view, dims) = (site.computed(position)?, &site.inputs[position].dims);
        if view.split(dims).is_none() {
            let id = self.ordered(&site.name, &view, dims)?;
            view = View::plain(id, self.graph.shape(id));
        }
        let groups = view.split(dims).ok_or_else(|| format!("it rearranges {dims:?}"))?;
        let of = |axes: &[usize]| axes.iter().flat_map(|&axis| groups[axis].clone()).collect::<Vec<Axis>>();
        let view = View::new(view.id, [of(first), of(then)].concat());
        let size = |axes: &[usize]| axes.iter().map(|&axis| dims[axis]).product::<usize>();
        let shape = self.graph.shape(view.id);
        if view.is_plain() && shape.channels == size(first) {
            return Ok(view.id);
        }
        let (height, width) =
            (then.first().map_or(1, |&axis| dims[axis]), size(then.get(1..).unwrap_or_default()));
        let Shape { channels, .. } = Shape::vector(size(first));
        self.ordered(&site.name, &view, &[1, channels, height, width])
    }
}
