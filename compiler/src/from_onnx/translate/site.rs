//! One node of tract's model and what it reads.

use super::super::refusal::Refusal;
use super::view::View;
use std::sync::Arc;
use tract_onnx::prelude::{Tensor, TypedFact};

/// What is known of a tract value.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// Does not depend on the image.
    Constant(Arc<Tensor>),
    /// The elements of a graph value.
    Computed(View),
    /// Depends on something that has been refused, or is never supported.
    Unknown,
}

/// Something that a node reads.
pub(super) struct Operand {
    pub(super) value: Value,
    /// Its axes in tract's model.
    pub(super) dims: Vec<usize>,
}

/// What a node reads and gives, by which it is translated.
pub(in crate::from_onnx) struct Site {
    /// Name of the ONNX node that the part of tract's model comes from.
    pub(super) name: String,
    pub(super) inputs: Vec<Operand>,
    /// Axes of the first result in tract's model.
    pub(super) output: Vec<usize>,
}

/// The axes of a fact; the model has been checked to have only fixed ones.
pub(super) fn dims(fact: &TypedFact) -> Vec<usize> {
    fact.shape.as_concrete().map(<[usize]>::to_vec).unwrap_or_default()
}

impl Site {
    fn operand(&self, position: usize) -> Result<&Operand, Refusal> {
        self.inputs.get(position).ok_or_else(|| Refusal::from(format!("operand {position} is missing")))
    }

    /// All operands, where none is computed.
    pub(super) fn constants(&self) -> Option<Vec<&Arc<Tensor>>> {
        self.inputs
            .iter()
            .map(|operand| match &operand.value {
                Value::Constant(tensor) => Some(tensor),
                _ => None,
            })
            .collect()
    }

    /// The operand at `position`, which must depend on the image.
    pub(super) fn computed(&self, position: usize) -> Result<View, Refusal> {
        match &self.operand(position)?.value {
            Value::Computed(view) => Ok(view.clone()),
            _ => Err(Refusal::new(format!("operand {position} is a constant"), "")),
        }
    }

    /// The operand at `position`, which must be a constant.
    pub(super) fn constant(&self, position: usize) -> Result<&Tensor, Refusal> {
        match &self.operand(position)?.value {
            Value::Constant(tensor) => Ok(tensor),
            _ => Err(Refusal::new(
                format!("operand {position} depends on the image"),
                "it must be a constant: attention, and weights computed from the image, cannot be compiled",
            )),
        }
    }

    /// The operand at `position` as finite numbers.
    pub(super) fn weights(&self, position: usize) -> Result<Vec<f32>, Refusal> {
        finite(floats(self.constant(position)?)?)
    }
}

/// A constant of any number type.
pub(super) fn floats(tensor: &Tensor) -> Result<Vec<f32>, Refusal> {
    let read = || Ok(tensor.cast_to::<f32>()?.try_as_plain_ram()?.as_slice::<f32>()?.to_vec());
    let values: tract_onnx::prelude::TractResult<Vec<f32>> = read();
    values.map_err(|error| Refusal::from(format!("a constant is not numeric ({error:#})")))
}

/// `values`, unless one is infinite or NaN.
///
/// # Errors
/// A [`Refusal`] that says which of both.
pub(super) fn finite(values: Vec<f32>) -> Result<Vec<f32>, Refusal> {
    match values.iter().find(|value| !value.is_finite()) {
        Some(value) => Err(Refusal::not_finite(if value.is_nan() { "NaN" } else { "infinite" })),
        None => Ok(values),
    }
}
