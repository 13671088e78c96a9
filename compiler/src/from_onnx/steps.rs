//! What QuantizeLinear and DequantizeLinear say of one value: its steps and their range.

use super::attributes::{int, numbers};
use super::refusal::Refusal;
use super::stored::constant;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{GraphProto, NodeProto};

/// What an activation is rounded to: `scale` × (integer − `zero`).
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Steps {
    pub(super) scale: f64,
    pub(super) zero: f64,
    smallest: f64,
    largest: f64,
}

impl Steps {
    /// The scale, the zero point and the integer type of a QuantizeLinear or DequantizeLinear node on a computed value.
    ///
    /// # Errors
    /// They are no constants, differ between channels, or are of a type that is not supported.
    pub(super) fn from_node(graph: &GraphProto, node: &NodeProto) -> Result<Self, Refusal> {
        let variable = || Refusal::new("its scale or zero point is not a constant", "quantize statically");
        let scale = node.input.get(1).ok_or_else(variable)?;
        let scale = Self::number(graph, scale)?;
        if !(scale.is_finite() && scale > 0.0) {
            return Err(Refusal::new(format!("its scale is {scale}"), "quantize again; a scale is positive"));
        }
        let zero = node.input.get(2).filter(|name| !name.is_empty());
        let (zero, kind) = match zero {
            Some(name) => (Self::number(graph, name)?, constant(graph, name).ok_or_else(variable)?.data_type),
            None => (0.0, int(node, "output_dtype").and_then(|kind| i32::try_from(kind).ok()).unwrap_or(0)),
        };
        let (smallest, largest) = match DataType::try_from(kind) {
            Ok(DataType::Int8) => (i8::MIN.into(), i8::MAX.into()),
            Ok(DataType::Int16) => (i16::MIN.into(), i16::MAX.into()),
            Ok(DataType::Uint16) => (0.0, u16::MAX.into()),
            Ok(DataType::Int32) => (i32::MIN.into(), i32::MAX.into()),
            Ok(DataType::Uint8 | DataType::Undefined) => (0.0, u8::MAX.into()),
            _ => {
                return Err(Refusal::new(
                    "its integers are neither of 8 nor of 16 bits",
                    "quantize activations to int8 or uint8, or export the float model",
                ));
            }
        };
        Ok(Self { scale, zero, smallest, largest })
    }

    /// Smallest and largest real number that the integers stand for.
    pub(super) fn range(&self) -> (f64, f64) {
        ((self.smallest - self.zero) * self.scale, (self.largest - self.zero) * self.scale)
    }

    /// The number that a constant of one element, or of equal ones, is.
    pub(super) fn number(graph: &GraphProto, name: &str) -> Result<f64, Refusal> {
        let variable = || Refusal::new("its scale or zero point is not a constant", "quantize statically");
        let values = constant(graph, name).and_then(numbers).ok_or_else(variable)?;
        match values.split_first() {
            Some((&first, rest)) if rest.iter().all(|&value| value == first) => Ok(first),
            _ => Err(Refusal::new(
                "its scale or zero point differs from channel to channel of a computed value",
                "quantize activations with one scale; only weights may have one per channel",
            )),
        }
    }
}
