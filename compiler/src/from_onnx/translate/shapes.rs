//! What moves values without changing them.

use super::site::{Site, Value, floats};
use super::view::{Axis, View};
use super::{Found, Translator};
use crate::from_onnx::refusal::Refusal;
use crate::graph::{NodeId, Op};
use tract_onnx::prelude::DatumType;
use tract_onnx::tract_core::ops::array::TypedConcat;
use tract_onnx::tract_core::ops::change_axes::AxisOp;

/// The axes around a joined one.
#[derive(Clone, Default, PartialEq)]
struct Order {
    before: Vec<Axis>,
    after: Vec<Axis>,
}

impl Translator<'_> {
    /// Axes that come, go or are joined leave the elements where they are; a move changes their order.
    pub(super) fn axes(&mut self, op: &AxisOp, site: &Site) -> Found {
        let AxisOp::Move(from, to) = op else {
            return site.computed(0);
        };
        let dims = &site.inputs[0].dims;
        let view = site.computed(0)?;
        if let Some(moved) = view.moved(dims, *from, *to) {
            return Ok(moved);
        }
        let id = self.ordered(&site.name, &view, dims)?;
        let ordered = View::plain(id, self.graph.shape(id));
        ordered.moved(dims, *from, *to).ok_or_else(|| format!("it rearranges {dims:?}").into())
    }

    /// Channels one after the other where each operand has its own, or else elements along any axis.
    pub(super) fn concat(&mut self, concat: &TypedConcat, site: &Site) -> Found {
        match self.channels_joined(concat.axis, site)? {
            Some(view) => Ok(view),
            None => self.joined(concat, site),
        }
    }

    fn channels_joined(&mut self, axis: usize, site: &Site) -> Result<Option<View>, Refusal> {
        let mut inputs = Vec::with_capacity(site.inputs.len());
        let mut order: Option<Order> = None;
        for operand in &site.inputs {
            let Value::Computed(view) = &operand.value else { return Ok(None) };
            let Some((id, found)) = self.joinable(view, &operand.dims, axis, site)? else { return Ok(None) };
            if *order.get_or_insert_with(|| found.clone()) != found {
                return Ok(None);
            }
            inputs.push(id);
        }
        let plane = |id: NodeId| (self.graph.shape(id).height, self.graph.shape(id).width);
        if inputs.iter().any(|&id| plane(id) != plane(inputs[0])) {
            return Ok(None);
        }
        let id = self.append(&site.name, Op::Concat, &inputs)?;
        let shape = self.graph.shape(id);
        let Order { mut before, after } = order.unwrap_or_default();
        before.push(Axis { size: shape.channels, stride: shape.plane() });
        Ok(Some(View::new(id, [before, after].concat())))
    }

    /// The value whose channels `axis` is, and its other axes; `None` where it is not the channels.
    fn joinable(
        &mut self,
        view: &View,
        dims: &[usize],
        axis: usize,
        site: &Site,
    ) -> Result<Option<(NodeId, Order)>, Refusal> {
        let Some(groups) = view.split(dims) else { return Ok(None) };
        let shape = self.graph.shape(view.id);
        let channels = View::new(view.id, vec![Axis { size: shape.channels, stride: shape.plane() }]);
        if View::new(view.id, groups[axis].clone()) == channels {
            let order = Order { before: groups[..axis].concat(), after: groups[axis + 1..].concat() };
            return Ok(Some((view.id, order)));
        }
        if view.is_plain() && dims[axis] == shape.elements() {
            return Ok(Some((self.flat(&site.name, view.id)?, Order::default())));
        }
        Ok(None)
    }

    pub(super) fn cast(&mut self, to: DatumType, site: &Site) -> Found {
        if to.is_float() {
            return site.computed(0);
        }
        Err(Refusal::new(
            format!("it rounds computed values to {to:?}"),
            "export the float model; the compiler quantizes by itself",
        ))
    }

    /// Without effect unless it is told to train.
    pub(super) fn dropout(&mut self, site: &Site) -> Found {
        let training = site.inputs.len() > 2 && floats(site.constant(2)?)?.iter().any(|&flag| flag != 0.0);
        if training {
            return Err(Refusal::new(
                "the layer is in training mode",
                "export the model in evaluation mode (model.eval())",
            ));
        }
        site.computed(0)
    }
}
