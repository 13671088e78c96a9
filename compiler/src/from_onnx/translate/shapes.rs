//! What moves values without changing them, and the softmax at the end.

use super::site::{Site, Value, floats};
use super::{Found, Translator};
use crate::from_onnx::refusal::Refusal;
use crate::graph::{Op, Softmax};
use tract_onnx::prelude::DatumType;
use tract_onnx::tract_core::ops::change_axes::AxisOp;
use tract_onnx::tract_core::ops::nn::{Softmax as TractSoftmax, SoftmaxKind};

impl Translator<'_> {
    /// Axes that come, go or are joined leave the elements where they are; a move does only among
    /// axes of length 1.
    pub(super) fn axes(&mut self, op: &AxisOp, site: &Site) -> Found {
        let AxisOp::Move(from, to) = op else {
            return site.computed(0);
        };
        let dims = &site.inputs[0].dims;
        let passed = if from < to { from + 1..to + 1 } else { *to..*from };
        if dims[*from] == 1 || dims[passed].iter().all(|&size| size == 1) {
            return site.computed(0);
        }
        Err(Refusal::new(
            format!("it rearranges {dims:?}"),
            "export the model with channels before height and width (NCHW), and flatten without transposing",
        ))
    }

    pub(super) fn concat(&mut self, axis: usize, site: &Site) -> Found {
        let mut inputs = Vec::with_capacity(site.inputs.len());
        for (position, operand) in site.inputs.iter().enumerate() {
            let mut id = match operand.value {
                Value::Computed(id) => id,
                _ => {
                    return Err(Refusal::new(
                        "it joins a computed value with a constant",
                        "only computed values can be joined",
                    ));
                }
            };
            let plane: usize = operand.dims[axis + 1..].iter().product();
            if plane == 1 {
                id = self.flat(&site.name, id)?;
            }
            let shape = self.graph.shape(id);
            let leading = operand.dims[..axis].iter().all(|&size| size == 1);
            if !leading || shape.channels != operand.dims[axis] || shape.plane() != plane {
                let what = format!(
                    "operand {position} is joined along axis {axis} of {:?}, which is not its channels",
                    operand.dims
                );
                return Err(Refusal::new(what, "only channels can be joined"));
            }
            inputs.push(id);
        }
        self.append(&site.name, Op::Concat, &inputs)
    }

    pub(super) fn softmax(&mut self, softmax: &TractSoftmax, site: &Site) -> Found {
        let dims = &site.inputs[0].dims;
        let elsewhere = |(axis, &size): (usize, &usize)| size > 1 && !softmax.axes.contains(&axis);
        if dims.iter().enumerate().any(elsewhere) {
            return Err(Refusal::new(
                format!("it is taken over axes {:?} of {dims:?} only", softmax.axes),
                "only a softmax over all classes can be compiled",
            ));
        }
        let kind = match softmax.kind {
            SoftmaxKind::Softmax => Softmax::Plain,
            SoftmaxKind::LogSoftmax => Softmax::Log,
        };
        let logits = site.computed(0)?;
        let logits = self.flat(&site.name, logits)?;
        self.append(&site.name, Op::Softmax(kind), &[logits])
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
