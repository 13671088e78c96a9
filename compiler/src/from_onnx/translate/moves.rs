//! Operators that only move elements about: tract moves their positions, and a gather takes the elements from there.
//!
//! Gathers one after the other become one, and what reads one takes over what it can ([`Moved`]).

use super::moved::{Moved, is_nonnegative};
use super::roles::Role::{self, Batch, Channels, Lines};
use super::roles::roles;
use super::site::{Operand, Site, Value, floats};
use super::view::View;
use super::{Found, Translator};
use crate::from_onnx::refusal::Refusal;
use crate::from_onnx::typed::MAX_ACTIVATIONS;
use crate::graph::{Affine, Gather, NodeId, Op, Shape, Window};
use tract_onnx::prelude::{IntoTValue, Tensor, TypedOp};
use tract_onnx::tract_core::internal::EvalContext;
use tract_onnx::tract_core::ops::array::{
    Gather as TractGather, MultiBroadcastTo, Pad, PadMode, Slice, StridedSlice, Tile, TypedConcat,
};

/// Pieces of a gather: one that takes more would fill the plan with positions.
const MAX_PIECES: usize = 1 << 18;

/// Elements of a gather's result: more are hardly wanted under encryption.
const MAX_GATHERED: usize = 1 << 22;

/// Whether a part of tract's model gives some of the elements of its first operand, and zeros.
pub(super) fn moves(op: &dyn TypedOp) -> bool {
    op.is::<Slice>()
        || op.is::<StridedSlice>()
        || op.is::<TractGather>()
        || op.is::<Tile>()
        || op.is::<MultiBroadcastTo>()
}

impl Translator<'_> {
    /// The elements of the first operand where `op` moves them to.
    pub(super) fn moved_by(&mut self, op: &dyn TypedOp, site: &Site) -> Found {
        let view = site.computed(0)?;
        let mut inputs = vec![positions_of(&view, 0, &site.inputs[0].dims)?];
        for position in 1..site.inputs.len() {
            inputs.push(site.constant(position)?.clone());
        }
        let last = is_channels_last(&view, &site.inputs[0].dims, self.graph.shape(view.id));
        let positions = evaluated(op, inputs, site)?;
        self.gathered(&site.name, view.id, positions, &site.output, last)
    }

    pub(super) fn pad(&mut self, pad: &Pad, site: &Site) -> Found {
        if pad.pads.iter().all(|&ends| ends == (0, 0)) {
            return site.computed(0);
        }
        // tract keeps negative padding as a number near the largest.
        if pad.pads.iter().any(|&(before, after)| before.max(after) > MAX_ACTIVATIONS) {
            return Err(Refusal::new("its padding is negative", "crop with Slice, or crop the image"));
        }
        let PadMode::Constant(filler) = &pad.mode else { return self.moved_by(pad, site) };
        let filler = floats(filler)?.first().copied().unwrap_or(0.0);
        if !filler.is_finite() {
            return Err(Refusal::new(
                format!("it pads with {filler}"),
                "use the padding of the pooling after it (pads), which ignores what lies outside",
            ));
        }
        let zeros = Pad { mode: PadMode::default(), ..pad.clone() };
        if filler == 0.0 {
            return self.moved_by(&zeros, site);
        }
        let view = site.computed(0)?;
        let lowered = view.with_value(self.shifted(&site.name, view.id, -filler)?);
        let operand = Operand { value: Value::Computed(lowered), dims: site.inputs[0].dims.clone() };
        let (name, output) = (site.name.clone(), site.output.clone());
        let padded = self.moved_by(&zeros, &Site { name, inputs: vec![operand], output })?;
        Ok(padded.with_value(self.shifted(&site.name, padded.id, filler)?))
    }

    /// Values and zeros one after the other along any axis.
    pub(super) fn joined(&mut self, concat: &TypedConcat, site: &Site) -> Found {
        let (mut parts, mut inputs, mut first) = (Vec::new(), Vec::new(), 0);
        for operand in &site.inputs {
            match &operand.value {
                Value::Computed(view) => {
                    inputs.push(positions_of(view, first, &operand.dims)?);
                    let elements = self.graph.shape(view.id).elements();
                    parts.push(self.vector(&site.name, view.id)?);
                    first += elements;
                }
                Value::Constant(tensor) if floats(tensor)?.iter().all(|&x| x == 0.0) => {
                    let zeros = Tensor::zero::<f32>(&operand.dims).map_err(|error| format!("{error:#}"))?;
                    inputs.push(zeros);
                }
                _ => {
                    return Err(Refusal::new(
                        "it joins a computed value with a constant",
                        "only computed values and zeros can be joined",
                    ));
                }
            }
        }
        let all = match parts[..] {
            [one] => one,
            _ => self.append(&site.name, Op::Concat, &parts)?,
        };
        let last = site.inputs.iter().all(|operand| match &operand.value {
            Value::Computed(view) => is_channels_last(view, &operand.dims, self.graph.shape(view.id)),
            _ => true,
        });
        let positions = evaluated(concat, inputs, site)?;
        self.gathered(&site.name, all, positions, &site.output, last)
    }

    /// The same elements as a vector that keeps no shape in the plan.
    fn vector(&mut self, name: &str, id: NodeId) -> Result<NodeId, Refusal> {
        let shape = self.graph.shape(id);
        if shape.plane() == 1 {
            return Ok(id);
        }
        let gather = Gather::new(shape.flattened(), (0..shape.elements()).map(Some));
        self.append(name, Op::Gather(gather), &[id])
    }

    /// The value whose elements, as tract lists them over `dims`, are those of `id` at these positions; `None` for a 0. `last`:
    /// the last axis is the channels.
    pub(super) fn gathered(
        &mut self,
        name: &str,
        id: NodeId,
        positions: impl IntoIterator<Item = Option<usize>>,
        dims: &[usize],
        last: bool,
    ) -> Found {
        if dims.first().is_some_and(|&batch| batch != 1) {
            return Err(Refusal::new(
                format!("it makes {} images of one", dims[0]),
                "a model is compiled for one image",
            ));
        }
        if dims.iter().product::<usize>() > MAX_GATHERED {
            return Err(Refusal::new(
                format!("its result is large ({dims:?})"),
                "reduce the resolution before",
            ));
        }
        let shape = shape(dims, last);
        let ordered = |id| if last { View::channels_last(id, shape) } else { View::plain(id, shape) };
        let narrow = |position: Option<usize>| position.map(|position| position as u32);
        let positions: Vec<Option<u32>> = positions.into_iter().map(narrow).collect();
        let mut positions = ordered(id).to_graph_order(&positions);
        if self.is_whole(id, shape, &positions) {
            return Ok(ordered(id));
        }
        let mut source = id;
        if let Op::Gather(before) = self.graph.op(id) {
            let before: Vec<Option<u32>> = before.map.positions().map(narrow).collect();
            positions.iter_mut().for_each(|at| *at = at.and_then(|at| before[at as usize]));
            source = self.graph.sole_input(id);
        }
        if self.is_whole(source, shape, &positions) {
            return Ok(ordered(source));
        }
        let positions = positions.into_iter().map(|position| position.map(|position| position as usize));
        let gather = Gather::new(shape, positions);
        if gather.map.pieces() > MAX_PIECES {
            return Err(Refusal::new(
                "it moves elements without any order",
                "move whole channels, rows and columns",
            ));
        }
        Ok(ordered(self.append(name, Op::Gather(gather), &[source])?))
    }

    /// Whether these are all elements of `id` in their order and shape.
    fn is_whole(&self, id: NodeId, shape: Shape, positions: &[Option<u32>]) -> bool {
        self.graph.shape(id) == shape && positions.iter().copied().eq((0..shape.elements() as u32).map(Some))
    }

    /// The elements of `view` in tract's order over `dims`: an image, or a vector.
    pub(super) fn ordered(&mut self, name: &str, view: &View, dims: &[usize]) -> Result<NodeId, Refusal> {
        let positions = (0..self.graph.shape(view.id).elements()).map(|index| Some(view.position(index)));
        Ok(self.gathered(name, view.id, positions, dims, false)?.id)
    }

    /// The computed operand as an image, where tract and the graph see the same one.
    pub(super) fn image(&mut self, site: &Site, position: usize) -> Result<(NodeId, Shape), Refusal> {
        let view = site.computed(position)?;
        let dims = &site.inputs[position].dims;
        let shape = self.graph.shape(view.id);
        let channels_first = |roles: &&[Role]| matches!(roles, [Batch, Channels, Lines(_), ..]);
        if roles(&view, dims, shape).filter(channels_first).is_some() {
            return Ok((view.id, shape));
        }
        let id = self.ordered(&site.name, &view, dims)?;
        Ok((id, self.graph.shape(id)))
    }

    fn shifted(&mut self, name: &str, id: NodeId, by: f32) -> Result<NodeId, Refusal> {
        let channels = self.graph.shape(id).channels;
        let affine = Affine { scale: vec![1.0; channels], shift: vec![by; channels] };
        self.append(name, Op::Affine(affine), &[id])
    }

    /// What `id` moves, if it is a gather of whole channels and lines.
    pub(super) fn moved(&self, id: NodeId) -> Option<Moved> {
        Moved::from_node(&self.graph, id)
    }

    /// Where `moved` is a whole earlier value with zeros around it: `window` with these zeros added to its padding.
    pub(super) fn unpadded(moved: &Moved, window: &Window) -> Option<Window> {
        let (before, after) = moved.padding()?;
        let add = |own: [usize; 2], more: [usize; 2]| [own[0] + more[0], own[1] + more[1]];
        let pad_before = add(window.pad_before, before);
        let pad_after = add(window.pad_after, after);
        Some(Window { pad_before, pad_after, ..*window })
    }

    /// The same for a pooling over `id`, where the zeros must leave the channels as they are and every window must hold a
    /// pixel.
    pub(super) fn unpadded_pool(&self, id: NodeId, window: &Window) -> Option<(NodeId, Window)> {
        let moved = self.moved(id)?;
        let window = Self::unpadded(&moved, window)?;
        let shape = self.graph.shape(moved.source);
        let image = [shape.height, shape.width];
        let inside = window.output(image).is_some_and(|output| window.always_inside(image, output));
        (inside && moved.keeps_channels()).then_some((moved.source, window))
    }

    pub(super) fn is_nonnegative(&self, id: NodeId) -> bool {
        is_nonnegative(&self.graph, id)
    }
}

/// A tensor that holds, for each element of `view`, its position in the graph's value, from `first` on, and 1 more.
fn positions_of(view: &View, first: usize, dims: &[usize]) -> Result<Tensor, Refusal> {
    let elements: usize = dims.iter().product();
    if first + elements > MAX_ACTIVATIONS {
        return Err(Refusal::new("it moves too many elements", "reduce the resolution before"));
    }
    // f32 holds all of them exactly.
    let numbers: Vec<f32> = (0..elements).map(|index| (first + view.position(index) + 1) as f32).collect();
    Ok(Tensor::from_shape(dims, &numbers).map_err(|error| format!("{error:#}"))?)
}

/// Where `op` moves positions to.
fn evaluated(
    op: &dyn TypedOp,
    inputs: Vec<Tensor>,
    site: &Site,
) -> Result<impl Iterator<Item = Option<usize>> + use<>, Refusal> {
    let inputs = inputs.into_iter().map(IntoTValue::into_tvalue).collect();
    let outputs = op.eval(&EvalContext::out_of_plan(), inputs).map_err(|error| format!("{error:#}"))?;
    let first = outputs.into_iter().next().ok_or_else(|| "it gives no value".to_string())?;
    if first.shape() != site.output {
        return Err(format!("it gives {:?} instead of {:?}", first.shape(), site.output).into());
    }
    Ok(floats(&first)?.into_iter().map(|number| (number as usize).checked_sub(1)))
}

/// Whether tract lists the channels of the image `view` last.
pub(super) fn is_channels_last(view: &View, dims: &[usize], shape: Shape) -> bool {
    let channels =
        |axis: usize| (3..=4).contains(&dims.len()) && view.channel_order(dims, axis, shape).is_some();
    channels(dims.len().saturating_sub(1)) && !channels(1)
}

/// The shape of a value with the axes `dims`, batch included; sequences are images of height 1.
fn shape(dims: &[usize], last: bool) -> Shape {
    match *dims.get(1..).unwrap_or_default() {
        [] => Shape::vector(1),
        [len] => Shape::vector(len),
        [width, channels] if last => Shape::new(channels, 1, width),
        [channels, width] => Shape::new(channels, 1, width),
        [height, width, channels] if last => Shape::new(channels, height, width),
        [ref channels @ .., height, width] => Shape::new(channels.iter().product(), height, width),
    }
}
