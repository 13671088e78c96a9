//! Small ONNX models for tests, made in memory. Integration tests include this file too.

use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::Dimension;
use tract_onnx::pb::tensor_shape_proto::dimension::Value as Dim;
use tract_onnx::pb::type_proto::{Tensor, Value as Type};
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto,
    TypeProto, ValueInfoProto,
};

/// The value of a node's attribute.
pub(crate) enum Attribute<'a> {
    Int(i64),
    Ints(&'a [i64]),
    Float(f32),
    Text(&'a str),
}

use Attribute::{Float, Int, Ints, Text};

/// A model in the making: every operator reads the last one's output, and what else it is told.
#[derive(Clone)]
pub(crate) struct Onnx {
    pub(crate) graph: GraphProto,
    /// What the next operator reads.
    pub(crate) last: String,
    opset: i64,
}

impl Onnx {
    /// A model that takes `input`, batch included; an axis of 0 is left open, one of −1 is called N.
    pub(crate) fn new(input: &[i64]) -> Self {
        let graph = GraphProto {
            name: "test".into(),
            input: vec![value_info("image", input, DataType::Float as i32)],
            ..GraphProto::default()
        };
        Self { graph, last: "image".into(), opset: 13 }
    }

    pub(crate) fn opset(mut self, opset: i64) -> Self {
        self.opset = opset;
        self
    }

    /// A constant tensor; its elements follow a fixed pattern between −1 and 1.
    pub(crate) fn weight(self, name: &str, dims: &[i64]) -> Self {
        let len = dims.iter().product::<i64>();
        self.constant(name, dims, (0..len).map(|i| ((i * 37 + 11) % 23) as f32 / 11.5 - 1.0).collect())
    }

    pub(crate) fn constant(mut self, name: &str, dims: &[i64], float_data: Vec<f32>) -> Self {
        self.graph.initializer.push(tensor(name, dims, DataType::Float, &float_data));
        self
    }

    /// An initializer of 8-bit integers, int8 where `signed`, else uint8.
    pub(crate) fn bytes(mut self, name: &str, dims: &[i64], values: &[u8], signed: bool) -> Self {
        let kind = if signed { DataType::Int8 } else { DataType::Uint8 };
        self.graph.initializer.push(TensorProto {
            name: name.into(),
            dims: dims.to_vec(),
            data_type: kind as i32,
            raw_data: values.to_vec(),
            ..Default::default()
        });
        self
    }

    pub(crate) fn ints(self, name: &str, values: &[i64]) -> Self {
        self.int64(name, vec![values.len() as i64], values.to_vec())
    }

    pub(crate) fn scalar(self, name: &str, value: i64) -> Self {
        self.int64(name, Vec::new(), vec![value])
    }

    fn int64(mut self, name: &str, dims: Vec<i64>, int64_data: Vec<i64>) -> Self {
        let name = name.into();
        self.graph.initializer.push(TensorProto {
            name,
            dims,
            data_type: DataType::Int64 as i32,
            int64_data,
            ..Default::default()
        });
        self
    }

    /// An operator whose first input is the last operator's output.
    pub(crate) fn then(self, op: &str, more: &[&str], attributes: &[(&str, Attribute<'_>)]) -> Self {
        let last = self.last.clone();
        let inputs: Vec<&str> = std::iter::once(last.as_str()).chain(more.iter().copied()).collect();
        self.node(op, &inputs, attributes)
    }

    /// An operator without a name; its output is called `v0`, `v1`, … by position.
    pub(crate) fn node(mut self, op: &str, inputs: &[&str], attributes: &[(&str, Attribute<'_>)]) -> Self {
        self.last = format!("v{}", self.graph.node.len());
        self.graph.node.push(NodeProto {
            op_type: op.into(),
            input: inputs.iter().map(ToString::to_string).collect(),
            output: vec![self.last.clone()],
            attribute: attributes.iter().map(|(name, value)| attribute(name, value)).collect(),
            ..Default::default()
        });
        self
    }

    /// The last operator has more outputs.
    pub(crate) fn and_gives(mut self, outputs: &[&str]) -> Self {
        if let Some(node) = self.graph.node.last_mut() {
            node.output.extend(outputs.iter().map(ToString::to_string));
        }
        self
    }

    /// A value is an output of the model, too.
    pub(crate) fn output(mut self, name: &str, dims: &[i64]) -> Self {
        self.graph.output.push(value_info(name, dims, DataType::Float as i32));
        self
    }

    pub(crate) fn build(mut self) -> ModelProto {
        self.graph.output.push(ValueInfoProto { name: self.last, ..Default::default() });
        let opset_import = vec![OperatorSetIdProto { domain: String::new(), version: self.opset }];
        ModelProto { ir_version: 7, opset_import, graph: Some(self.graph), ..Default::default() }
    }
}

/// Floating-point numbers as `kind` stores them: half and double precision as bytes.
pub(crate) fn tensor(name: &str, dims: &[i64], kind: DataType, values: &[f32]) -> TensorProto {
    let tensor = TensorProto {
        name: name.into(),
        dims: dims.to_vec(),
        data_type: kind as i32,
        ..TensorProto::default()
    };
    let bytes = |bytes: Vec<u8>| TensorProto { raw_data: bytes, ..tensor.clone() };
    match kind {
        DataType::Double => bytes(values.iter().flat_map(|&x| f64::from(x).to_le_bytes()).collect()),
        DataType::Float16 => bytes(values.iter().flat_map(|&x| half(x).to_le_bytes()).collect()),
        DataType::Bfloat16 => bytes(values.iter().flat_map(|&x| x.to_le_bytes()[2..].to_vec()).collect()),
        _ => TensorProto { float_data: values.to_vec(), ..tensor },
    }
}

/// The bits of a number in half precision, without its last digits; 0 where it is too small.
pub(crate) fn half(x: f32) -> u16 {
    let bits = x.to_bits();
    let exponent = (bits >> 23 & 0xff) as i32 - 112;
    let sign = (bits >> 16 & 0x8000) as u16;
    if exponent <= 0 { sign } else { sign | (exponent as u16) << 10 | (bits >> 13 & 0x3ff) as u16 }
}

/// An attribute and its value.
pub(crate) fn attribute(name: &str, value: &Attribute<'_>) -> AttributeProto {
    let mut attribute = AttributeProto { name: name.into(), ..Default::default() };
    let kind = match value {
        Int(i) => {
            attribute.i = *i;
            2
        }
        Ints(ints) => {
            attribute.ints = ints.to_vec();
            7
        }
        Float(f) => {
            attribute.f = *f;
            1
        }
        Text(text) => {
            attribute.s = text.as_bytes().to_vec();
            3
        }
    };
    attribute.r#type = kind;
    attribute
}

/// What a graph declares of a value; dimensions as in [`Onnx::new`].
pub(crate) fn value_info(name: &str, dims: &[i64], elem_type: i32) -> ValueInfoProto {
    let value = |size: i64| match size {
        -1 => Some(Dim::DimParam("N".into())),
        size => (size > 0).then_some(Dim::DimValue(size)),
    };
    let dim = dims.iter().map(|&size| Dimension { value: value(size), ..Default::default() }).collect();
    let tensor = Tensor { elem_type, shape: Some(TensorShapeProto { dim }) };
    let r#type = Some(TypeProto { value: Some(Type::TensorType(tensor)), ..Default::default() });
    ValueInfoProto { name: name.into(), r#type, ..Default::default() }
}
