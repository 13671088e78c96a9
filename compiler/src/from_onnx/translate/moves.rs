//! Operators that move values about, as [`Moved`] values.

use super::moved::{Moved, is_nonnegative};
use super::roles::Role::{self, Batch, Channels, Lines};
use super::roles::roles;
use super::site::{Site, floats};
use super::view::View;
use super::{Found, Translator};
use crate::from_onnx::refusal::Refusal;
use crate::from_onnx::typed::MAX_ACTIVATIONS;
use crate::graph::{Affine, NodeId, Op, Shape, Window};
use tract_onnx::prelude::ToDim;
use tract_onnx::tract_core::ops::array::{Gather, Pad, PadMode, Slice, StridedSlice};

/// Weights of all layers together that only move values.
const MAX_MOVING: usize = 1 << 25;

/// A value whose axes are all known.
struct Placed {
    id: NodeId,
    shape: Shape,
    roles: &'static [Role],
}

impl Placed {
    fn channels_last(&self) -> bool {
        self.roles.last() == Some(&Channels) && self.roles.len() > 2
    }
}

impl Translator<'_> {
    pub(super) fn pad(&mut self, pad: &Pad, site: &Site) -> Found {
        if pad.pads.iter().all(|&ends| ends == (0, 0)) {
            return site.computed(0);
        }
        let PadMode::Constant(filler) = &pad.mode else {
            return Err(Refusal::new(
                "it repeats or mirrors the border",
                "pad with zeros (mode = constant) instead, and train the model further",
            ));
        };
        let filler = floats(filler)?.first().copied().unwrap_or(0.0);
        if !filler.is_finite() {
            return Err(Refusal::new(
                format!("it pads with {filler}"),
                "use the padding of the pooling after it (pads), which ignores what lies outside",
            ));
        }
        // tract keeps negative padding as a number near the largest.
        if pad.pads.iter().any(|&(before, after)| before.max(after) > MAX_ACTIVATIONS) {
            return Err(Refusal::new("its padding is negative", "crop with Slice, or crop the image"));
        }
        let mut placed = self.placed(site, 0)?;
        if filler != 0.0 {
            placed.id = self.shifted(&site.name, placed.id, -filler)?;
        }
        let mut moved = self.moved(placed.id);
        for (&(before, after), role) in pad.pads.iter().zip(placed.roles).filter(|(ends, _)| **ends != (0, 0))
        {
            moved = match *role {
                Batch => return Err(Refusal::new("it pads the batch", "pad height, width or channels only")),
                Channels => {
                    let zeros = |count| std::iter::repeat_n(None, count);
                    let channels = zeros(before).chain((0..placed.shape.channels).map(Some));
                    moved.with_channels(channels.chain(zeros(after)).collect::<Vec<_>>())
                }
                Lines(axis) => {
                    let len = before + [placed.shape.height, placed.shape.width][axis] + after;
                    self.with_lines(moved, &site.name, axis, (-(before as isize), 1, len))?
                }
            };
        }
        let view = self.place(&site.name, moved, &placed)?;
        if filler == 0.0 { Ok(view) } else { Ok(view.with_value(self.shifted(&site.name, view.id, filler)?)) }
    }

    pub(super) fn slice(&mut self, slice: &Slice, site: &Site) -> Found {
        let ends = slice.start.to_i64().and_then(|start| Ok(start..slice.end.to_i64()?));
        let ends = ends.map_err(|error| format!("{error:#}"))?;
        self.part(&[(slice.axis, ends.collect())], site)
    }

    /// Bounds, axes and steps follow the value.
    pub(super) fn strided_slice(&mut self, slice: &StridedSlice, site: &Site) -> Found {
        let dims = &site.inputs[0].dims;
        let list = |position: usize| -> Result<Vec<i64>, Refusal> {
            Ok(floats(site.constant(position)?)?.into_iter().map(|value| value as i64).collect())
        };
        let optional = |position: Option<usize>| position.map(list).transpose();
        let axes = optional(slice.optional_axes_input)?.unwrap_or_else(|| (0..dims.len() as i64).collect());
        let steps = optional(slice.optional_steps_input)?.unwrap_or_else(|| vec![1; axes.len()]);
        let steps: Vec<i32> = steps.into_iter().map(|step| step as i32).collect();
        let mut parts = Vec::new();
        for (index, axis) in axes.into_iter().enumerate() {
            let axis = if axis < 0 { axis + dims.len() as i64 } else { axis } as usize;
            let size = dims.get(axis).copied().ok_or_else(|| format!("it has no axis {axis}"))?;
            let ends = slice
                .prepare_one_dim(index, &size.to_dim(), site.constant(1)?, site.constant(2)?, &steps)
                .and_then(|dim| Ok((dim.begin.to_i64()?, dim.end.to_i64()?, i64::from(dim.stride))));
            let (begin, end, step) = ends.map_err(|error| format!("{error:#}"))?;
            let positions = std::iter::successors(Some(begin), |at| Some(at + step));
            let inside = |at: &i64| if step > 0 { *at < end } else { *at > end };
            parts.push((axis, positions.take_while(inside).take(size).collect()));
        }
        self.part(&parts, site)
    }

    pub(super) fn gather(&mut self, gather: &Gather, site: &Site) -> Found {
        let size = site.inputs[0].dims.get(gather.axis).copied().unwrap_or(0) as i64;
        let indices = floats(site.constant(1)?)?.into_iter().map(|index| index as i64);
        let positions = indices.map(|index| if index < 0 { index + size } else { index }).collect();
        self.part(&[(gather.axis, positions)], site)
    }

    /// The values at these positions of some axes, in this order.
    fn part(&mut self, parts: &[(usize, Vec<i64>)], site: &Site) -> Found {
        let dims = &site.inputs[0].dims;
        let whole =
            |(axis, positions): &&(usize, Vec<i64>)| !positions.iter().copied().eq(0..dims[*axis] as i64);
        let parts: Vec<_> = parts.iter().filter(whole).collect();
        if parts.is_empty() {
            return site.computed(0);
        }
        let placed = self.placed(site, 0)?;
        let mut moved = self.moved(placed.id);
        for (axis, positions) in parts {
            let inside = |&at: &i64| usize::try_from(at).ok().filter(|&at| at < dims[*axis]);
            let positions: Option<Vec<usize>> = positions.iter().map(inside).collect();
            let positions = positions.filter(|positions| !positions.is_empty());
            let positions = positions.ok_or_else(|| "it takes positions that are not there".to_string())?;
            moved = match placed.roles[*axis] {
                Batch => {
                    return Err(Refusal::new(
                        "it takes a part of the batch",
                        "a model is compiled for one image",
                    ));
                }
                Channels => moved.with_channels(positions.into_iter().map(Some)),
                Lines(line) => {
                    let lines = equidistant(&positions).ok_or_else(|| {
                        Refusal::new(
                            "it takes rows or columns that are not equally far apart, or turns them round",
                            "only channels can be chosen and reordered freely",
                        )
                    })?;
                    self.with_lines(moved, &site.name, line, lines)?
                }
            };
        }
        self.place(&site.name, moved, &placed)
    }

    /// The operand with its axes known; channels that were reordered are brought into that order.
    fn placed(&mut self, site: &Site, position: usize) -> Result<Placed, Refusal> {
        let view = site.computed(position)?;
        let dims = &site.inputs[position].dims;
        let shape = self.graph.shape(view.id);
        if let Some(roles) = roles(&view, dims, shape) {
            return Ok(Placed { id: view.id, shape, roles });
        }
        if view.is_plain() && dims.len() == 2 && dims[1] == shape.elements() {
            let id = self.flat(&site.name, view.id)?;
            return Ok(Placed { id, shape: self.graph.shape(id), roles: &[Batch, Channels] });
        }
        let (id, roles) = self.reordered(&site.name, &view, dims)?.ok_or_else(|| {
            Refusal::new(
                format!("it works on {dims:?}, axes that mix those of an earlier value"),
                "bring channels, height and width into this order before the layer",
            )
        })?;
        Ok(Placed { id, shape: self.graph.shape(id), roles })
    }

    /// A value that is in order but for its channels, in order.
    fn reordered(
        &mut self,
        name: &str,
        view: &View,
        dims: &[usize],
    ) -> Result<Option<(NodeId, &'static [Role])>, Refusal> {
        let shape = self.graph.shape(view.id);
        for axis in [1, dims.len() - 1] {
            let Some(order) = view.channel_order(dims, axis, shape) else { continue };
            let moved = self.moved(view.id).with_channels(order.into_iter().map(Some));
            let id = self.materialize(name, moved)?;
            let ordered = if axis == 1 { View::plain(id, shape) } else { View::channels_last(id, shape) };
            return Ok(roles(&ordered, dims, shape).map(|roles| (id, roles)));
        }
        Ok(None)
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
        if view.is_plain() {
            return Err(Refusal::new(
                format!("it reads {dims:?} as an image, which was computed as {shape}"),
                "only the image itself may be reshaped to another image, before it enters the model",
            ));
        }
        match self.reordered(&site.name, &view, dims)? {
            Some((id, roles)) if channels_first(&roles) => Ok((id, shape)),
            _ => Err(Refusal::new(
                format!("it reads {dims:?} as an image, whose axes were rearranged"),
                "bring channels, height and width into this order before the layer",
            )),
        }
    }

    /// The earlier value that `id` is a part of, and which part; all of `id` where it is none.
    pub(super) fn moved(&self, id: NodeId) -> Moved {
        self.moved.get(&id).cloned().unwrap_or_else(|| Moved::whole(id, self.graph.shape(id)))
    }

    fn with_lines(
        &mut self,
        moved: Moved,
        name: &str,
        axis: usize,
        (first, step, len): (isize, usize, usize),
    ) -> Result<Moved, Refusal> {
        if let Some(moved) = moved.clone().with_lines(axis, first, step, len) {
            return Ok(moved);
        }
        let id = self.materialize(name, moved)?;
        let whole = Moved::whole(id, self.graph.shape(id)).with_lines(axis, first, step, len);
        whole.ok_or_else(|| "it takes lines that are not there".to_string().into())
    }

    fn place(&mut self, name: &str, moved: Moved, like: &Placed) -> Found {
        let id = self.materialize(name, moved)?;
        let shape = self.graph.shape(id);
        Ok(if like.channels_last() { View::channels_last(id, shape) } else { View::plain(id, shape) })
    }

    /// The moved value as a value of the graph; remembered, so that what reads it can do without.
    fn materialize(&mut self, name: &str, moved: Moved) -> Result<NodeId, Refusal> {
        let mut id = moved.source;
        for layer in moved.layers(self.graph.shape(id))? {
            self.moving += layer.weights.len();
            if self.moving > MAX_MOVING {
                return Err(Refusal::new(
                    "this and other layers move so many values that their matrices get too large",
                    "choose channels before the image is flattened",
                ));
            }
            id = self.append(name, Op::Conv(layer), &[id])?;
        }
        if id != moved.source {
            self.moved.insert(id, moved);
        }
        Ok(id)
    }

    fn shifted(&mut self, name: &str, id: NodeId, by: f32) -> Result<NodeId, Refusal> {
        let channels = self.graph.shape(id).channels;
        let affine = Affine { scale: vec![1.0; channels], shift: vec![by; channels] };
        self.append(name, Op::Affine(affine), &[id])
    }

    /// Where `id` is a whole earlier value with zeros around it: that value, and `window` with these zeros added to its
    /// padding.
    pub(super) fn unpadded(&self, id: NodeId, window: &Window) -> Option<(NodeId, Window)> {
        let moved = self.moved.get(&id)?;
        let (before, after) = moved.padding()?;
        let add = |own: [usize; 2], more: [usize; 2]| [own[0] + more[0], own[1] + more[1]];
        let pad_before = add(window.pad_before, before);
        let pad_after = add(window.pad_after, after);
        Some((moved.source, Window { pad_before, pad_after, ..*window }))
    }

    /// The same for a pooling, where the zeros must leave the channels as they are and every window must hold a pixel.
    pub(super) fn unpadded_pool(&self, id: NodeId, window: &Window) -> Option<(NodeId, Window)> {
        let (source, window) = self.unpadded(id, window)?;
        let shape = self.graph.shape(source);
        let image = [shape.height, shape.width];
        let inside = window.output(image).is_some_and(|output| window.always_inside(image, output));
        (inside && self.moved.get(&id)?.keeps_channels(shape)).then_some((source, window))
    }

    pub(super) fn is_nonnegative(&self, id: NodeId) -> bool {
        is_nonnegative(&self.graph, id)
    }
}

/// First position, step, and count of positions in ascending order.
fn equidistant(positions: &[usize]) -> Option<(isize, usize, usize)> {
    let step = match *positions {
        [first, second, ..] => second.checked_sub(first).filter(|&step| step > 0)?,
        _ => 1,
    };
    let even = positions.windows(2).all(|pair| pair[0] + step == pair[1]);
    even.then_some((*positions.first()? as isize, step, positions.len()))
}
