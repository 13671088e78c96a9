//! How large tensors may be, and whether their data has the size that their shape says.

use super::attributes;
use tract_onnx::pb::TensorProto;
use tract_onnx::pb::tensor_proto::DataType;

/// Largest file that is read, in bytes: the limit of Protobuf itself.
pub(super) const MAX_BYTES: u64 = 1 << 31;
/// Most elements that one tensor may have.
pub(super) const MAX_ELEMENTS: u64 = 1 << 28;
/// Axes of one tensor.
const MAX_RANK: usize = 16;

/// Whether a tensor's data has the length that its shape asks for.
pub(super) fn check(tensor: &TensorProto) -> Result<(), String> {
    if tensor.raw_data.is_empty() {
        // tract compares the other fields' lengths with the shape.
        return elements(tensor).map(|_| ());
    }
    if tensor.raw_data.len() as u64 == byte_len(tensor)? {
        return Ok(());
    }
    Err(format!("{} bytes of data for a shape of {:?}", tensor.raw_data.len(), tensor.dims))
}

fn elements(tensor: &TensorProto) -> Result<u64, String> {
    let fits = |&elements: &u64| elements <= MAX_ELEMENTS && tensor.dims.len() <= MAX_RANK;
    let elements = attributes::elements(&tensor.dims).filter(fits);
    elements.ok_or_else(|| format!("impossible shape {:?}", tensor.dims))
}

/// Bytes that the elements of a tensor take.
pub(super) fn byte_len(tensor: &TensorProto) -> Result<u64, String> {
    let size = match DataType::try_from(tensor.data_type) {
        Ok(DataType::Double | DataType::Int64 | DataType::Uint64) => 8,
        Ok(DataType::Float | DataType::Int32 | DataType::Uint32) => 4,
        Ok(DataType::Float16 | DataType::Bfloat16 | DataType::Int16 | DataType::Uint16) => 2,
        Ok(DataType::Bool | DataType::Int8 | DataType::Uint8) => 1,
        Ok(kind) => return Err(format!("elements of type {} are not supported", kind.as_str_name())),
        Err(_) => return Err(format!("element type {} is not supported", tensor.data_type)),
    };
    Ok(elements(tensor)? * size)
}
