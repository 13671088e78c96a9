//! Weights that are no numbers.

use super::attributes::stored_value;
use super::refusal::Refusal;
use std::collections::HashMap;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{GraphProto, NodeProto, TensorProto};

/// Operators to which an infinite constant means that there is no bound.
const BOUNDS: [&str; 3] = ["Clip", "Max", "Min"];

/// The stored tensors that hold NaN or infinity, by name.
pub(super) struct NotFinite<'a>(HashMap<&'a str, &'static str>);

impl<'a> NotFinite<'a> {
    /// Of the initializers and Constant nodes of `graph`.
    pub(super) fn of(graph: &'a GraphProto) -> Self {
        let stored = graph.initializer.iter().map(|tensor| (tensor.name.as_str(), tensor));
        let nodes =
            graph.node.iter().filter_map(|node| Some((node.output.first()?.as_str(), stored_value(node)?)));
        Self(stored.chain(nodes).filter_map(|(name, tensor)| Some((name, flaw(tensor)?))).collect())
    }

    /// Refuses a node that reads one of them.
    pub(super) fn check(&self, node: &NodeProto) -> Result<(), Refusal> {
        let bounds = BOUNDS.contains(&node.op_type.as_str());
        let found = node.input.iter().filter_map(|input| self.0.get(input.as_str()));
        match found.into_iter().find(|&&flaw| flaw == NAN || !bounds) {
            Some(flaw) => Err(Refusal::not_finite(flaw)),
            None => Ok(()),
        }
    }
}

const NAN: &str = "NaN";
const INFINITE: &str = "infinite";

fn flaw(tensor: &TensorProto) -> Option<&'static str> {
    fn of(mut values: impl Iterator<Item = f64> + Clone) -> Option<&'static str> {
        if values.clone().any(f64::is_nan) {
            return Some(NAN);
        }
        values.any(f64::is_infinite).then_some(INFINITE)
    }
    let raw = &tensor.raw_data;
    match DataType::try_from(tensor.data_type).ok()? {
        DataType::Float => {
            let stored = raw.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes));
            of(stored.chain(tensor.float_data.iter().copied()).map(f64::from))
        }
        DataType::Double => {
            let stored = raw.as_chunks().0.iter().map(|&bytes| f64::from_le_bytes(bytes));
            of(stored.chain(tensor.double_data.iter().copied()))
        }
        DataType::Float16 => {
            let stored = raw.as_chunks().0.iter().map(|&bytes| u16::from_le_bytes(bytes));
            of(stored.chain(tensor.int32_data.iter().map(|&bits| bits as u16)).map(half))
        }
        _ => None,
    }
}

/// A number in half precision as far as it matters here: NaN, infinite, or something else.
fn half(bits: u16) -> f64 {
    match (bits & 0x7c00 == 0x7c00, bits & 0x3ff) {
        (false, _) => 0.0,
        (true, 0) => f64::INFINITY,
        (true, _) => f64::NAN,
    }
}
