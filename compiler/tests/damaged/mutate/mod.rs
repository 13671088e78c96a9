//! Damage to models: to what their bytes say, and to the bytes themselves.

mod bytes;

pub(crate) use bytes::damage;

use crate::testing;
use crate::testing::Attribute::{Float, Int, Ints, Text};
use proptest::collection::vec;
use proptest::prelude::*;
use tract_onnx::pb::tensor_proto::DataLocation;
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, StringStringEntryProto, TensorProto,
};

/// One change to a decoded model; dice say where and how.
#[derive(Clone, Debug)]
pub(crate) struct Mutation {
    kind: Kind,
    dice: [u16; 4],
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Dims,
    DataType,
    Data,
    NotFinite,
    External,
    Input,
    Rename,
    DropInput,
    DropNode,
    RepeatNode,
    SwapNodes,
    Operator,
    Attribute,
    Subgraph,
    InputShape,
    Outputs,
    Filler,
    Chain,
    Opset,
    Empty,
}

pub(crate) fn mutations() -> impl Strategy<Value = Vec<Mutation>> {
    use Kind::*;
    let kind = prop::sample::select(vec![
        Dims, DataType, Data, NotFinite, External, Input, Rename, DropInput, DropNode, RepeatNode, SwapNodes,
        Operator, Operator, Attribute, Attribute, Attribute, Subgraph, InputShape, Outputs, Filler, Filler,
        Chain, Opset, Empty,
    ]);
    vec((kind, any::<[u16; 4]>()).prop_map(|(kind, dice)| Mutation { kind, dice }), 1..4)
}

/// Sizes that break things.
const SIZES: [i64; 12] = [0, 1, -1, 2, 3, 7, 1 << 16, 1 << 31, 1 << 40, 1 << 62, i64::MAX, i64::MIN];

/// Operators that the models do not have, or that make much of little.
const OPERATORS: [&str; 32] = [
    "ConstantOfShape",
    "Expand",
    "Tile",
    "ConvTranspose",
    "DepthToSpace",
    "SpaceToDepth",
    "ReduceMax",
    "Upsample",
    "Pad",
    "Reshape",
    "Resize",
    "Range",
    "If",
    "Loop",
    "Scan",
    "Gather",
    "Slice",
    "OneHot",
    "Concat",
    "MatMul",
    "Softmax",
    "Transpose",
    "Unsqueeze",
    "Squeeze",
    "ReduceMean",
    "ReduceProd",
    "Cast",
    "Shape",
    "QuantizeLinear",
    "DequantizeLinear",
    "Relu",
    "NoSuchOperator",
];

/// Attributes that operators look for.
const ATTRIBUTES: [&str; 24] = [
    "kernel_shape",
    "strides",
    "pads",
    "dilations",
    "group",
    "auto_pad",
    "axis",
    "axes",
    "perm",
    "epsilon",
    "alpha",
    "beta",
    "transA",
    "transB",
    "keepdims",
    "ceil_mode",
    "value",
    "to",
    "min",
    "max",
    "ratio",
    "count_include_pad",
    "approximate",
    "allowzero",
];

fn pick<T>(from: &mut [T], die: u16) -> Option<&mut T> {
    let len = from.len();
    if len == 0 { None } else { from.get_mut(usize::from(die) % len) }
}

/// Applies a mutation; where there is nothing to change, none.
pub(crate) fn mutate(model: &mut ModelProto, mutation: &Mutation) {
    let Mutation { kind, dice } = mutation;
    let Some(graph) = &mut model.graph else { return };
    match kind {
        Kind::Opset => {
            if let Some(opset) = model.opset_import.first_mut() {
                opset.version = SIZES[usize::from(dice[0]) % SIZES.len()];
            }
        }
        Kind::Empty => empty(graph, dice[0]),
        Kind::Dims | Kind::DataType | Kind::Data | Kind::NotFinite | Kind::External => {
            if let Some(tensor) = pick(&mut graph.initializer, dice[0]) {
                of_tensor(tensor, *kind, dice);
            }
        }
        Kind::InputShape => {
            let dims: Vec<i64> =
                (0..dice[0] % 6).map(|i| SIZES[usize::from(dice[1] ^ (i * 37)) % SIZES.len()]).collect();
            if let Some(input) = pick(&mut graph.input, dice[2]) {
                *input = testing::value_info(&input.name.clone(), &dims, i32::from(dice[3] % 24));
            }
        }
        Kind::Outputs => {
            let name = any_value(graph, dice[0]);
            if let Some(output) = graph.output.first_mut() {
                output.name = name;
            }
        }
        Kind::Filler => filler(graph, dice),
        Kind::Chain => chain(graph, dice),
        _ => of_nodes(graph, *kind, dice),
    }
}

fn empty(graph: &mut GraphProto, die: u16) {
    match die % 5 {
        0 => graph.node.clear(),
        1 => graph.output.clear(),
        2 => graph.input.clear(),
        3 => graph.initializer.clear(),
        _ => *graph = GraphProto::default(),
    }
}

fn of_tensor(tensor: &mut TensorProto, kind: Kind, dice: &[u16; 4]) {
    let size = SIZES[usize::from(dice[1]) % SIZES.len()];
    match kind {
        Kind::Dims => match pick(&mut tensor.dims, dice[2]) {
            Some(dim) if !dice[3].is_multiple_of(3) => *dim = size,
            _ => tensor.dims.push(size),
        },
        Kind::DataType => tensor.data_type = i32::from(dice[1] % 26),
        Kind::Data => match dice[1] % 4 {
            0 => tensor.float_data.truncate(usize::from(dice[2] % 4)),
            1 => tensor.float_data.push(1.0),
            2 => tensor.raw_data = vec![7; usize::from(dice[2])],
            _ => tensor.int64_data = vec![size; usize::from(dice[2] % 9)],
        },
        Kind::NotFinite => {
            if let Some(weight) = pick(&mut tensor.float_data, dice[2]) {
                *weight = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX][usize::from(dice[3] % 4)];
            }
        }
        _ => {
            let location = ["/etc/passwd", "../../weights", "weights.bin", ""][usize::from(dice[1] % 4)];
            let entry = StringStringEntryProto { key: "location".into(), value: location.into() };
            tensor.external_data = vec![entry];
            tensor.data_location = Some(DataLocation::External as i32);
            tensor.float_data.clear();
        }
    }
}

/// The name of a value, defined or not.
fn any_value(graph: &GraphProto, die: u16) -> String {
    let outputs = graph.node.iter().flat_map(|node| &node.output);
    let names: Vec<&String> = outputs
        .chain(graph.input.iter().map(|input| &input.name))
        .chain(graph.initializer.iter().map(|tensor| &tensor.name))
        .collect();
    names.get(usize::from(die) % (names.len() + 2)).map_or_else(|| "nothing".into(), ToString::to_string)
}

fn of_nodes(graph: &mut GraphProto, kind: Kind, dice: &[u16; 4]) {
    let value = any_value(graph, dice[3]);
    let index = usize::from(dice[0]) % graph.node.len().max(1);
    let swapped = usize::from(dice[1]) % graph.node.len().max(1);
    if graph.node.is_empty() {
        return;
    }
    let node = &mut graph.node[index];
    match kind {
        Kind::Input => match pick(&mut node.input, dice[1]) {
            Some(input) => *input = value,
            None => node.input.push(value),
        },
        Kind::Rename => match pick(&mut node.output, dice[1]) {
            Some(output) => *output = value,
            None => node.output.push(value),
        },
        Kind::DropInput => drop(node.input.pop()),
        Kind::Operator => node.op_type = OPERATORS[usize::from(dice[1]) % OPERATORS.len()].into(),
        Kind::Attribute => attribute(node, dice),
        Kind::Subgraph => node.attribute.push(subgraph(dice)),
        Kind::DropNode => drop(graph.node.remove(index)),
        Kind::RepeatNode => graph.node.insert(swapped, graph.node[index].clone()),
        _ => graph.node.swap(index, swapped),
    }
}

/// An attribute of any name, type and value.
fn attribute(node: &mut NodeProto, dice: &[u16; 4]) {
    let name = ATTRIBUTES[usize::from(dice[1]) % ATTRIBUTES.len()];
    let size = |die: u16| SIZES[usize::from(die) % SIZES.len()];
    let list: Vec<i64> = (0..dice[3] % 7).map(|i| size(dice[2].rotate_left(u32::from(i)))).collect();
    let value = match dice[2] % 5 {
        0 => Int(size(dice[3])),
        1 => Float([f32::NAN, f32::INFINITY, 0.0, -1.0, 1e30][usize::from(dice[3] % 5)]),
        2 => Text(["SAME_UPPER", "", "tanh", "\u{0}"][usize::from(dice[3] % 4)]),
        _ => Ints(&list),
    };
    let made = testing::attribute(name, &value);
    match node.attribute.iter_mut().find(|attribute| attribute.name == name) {
        Some(attribute) => *attribute = made,
        None => node.attribute.push(made),
    }
}

/// A graph as an attribute, perhaps with a tensor that is not what it says.
fn subgraph(dice: &[u16; 4]) -> AttributeProto {
    let tensor = TensorProto {
        name: "inner".into(),
        dims: vec![1 << 40, i64::from(dice[1])],
        data_type: 1,
        ..TensorProto::default()
    };
    let graph = GraphProto { initializer: vec![tensor], ..GraphProto::default() };
    let name = ["then_branch", "body", "value"][usize::from(dice[2] % 3)].into();
    AttributeProto { name, r#type: 5, g: Some(graph), ..AttributeProto::default() }
}

/// A constant that its operator blows up, and that a node may read.
fn filler(graph: &mut GraphProto, dice: &[u16; 4]) {
    let sizes: Vec<i64> =
        (0..1 + dice[0] % 3).map(|i| SIZES[usize::from(dice[1] + i) % SIZES.len()]).collect();
    graph.initializer.push(TensorProto {
        name: "filled shape".into(),
        dims: vec![sizes.len() as i64],
        data_type: 7,
        int64_data: sizes,
        ..TensorProto::default()
    });
    let op = ["ConstantOfShape", "Expand", "Tile", "Reshape", "Pad", "Gather"][usize::from(dice[2] % 6)];
    let data = any_value(graph, dice[3]);
    let shape = "filled shape".to_string();
    let input = if op == "ConstantOfShape" { vec![shape] } else { vec![data, shape] };
    let node = NodeProto { op_type: op.into(), input, output: vec!["filled".into()], ..NodeProto::default() };
    graph.node.insert(0, node);
    let index = 1 + usize::from(dice[0] / 3) % graph.node.len();
    if let Some(input) = graph.node.get_mut(index).and_then(|node| node.input.last_mut()) {
        *input = "filled".into();
    }
}

/// Many operators in a row before the output; of each two operands the same.
fn chain(graph: &mut GraphProto, dice: &[u16; 4]) {
    let Some(output) = graph.output.first_mut() else { return };
    let op =
        ["Add", "Concat", "Relu", "Sigmoid", "Identity", "Mul", "Exp", "MatMul"][usize::from(dice[0] % 8)];
    for index in 0..u32::from(dice[1] % 300) {
        let next = format!("chain {index}");
        let count = if matches!(op, "Add" | "Concat" | "Mul" | "MatMul") { 2 } else { 1 };
        let attribute = if op == "Concat" { vec![testing::attribute("axis", &Int(1))] } else { Vec::new() };
        graph.node.push(NodeProto {
            op_type: op.into(),
            input: vec![output.name.clone(); count],
            output: vec![next.clone()],
            attribute,
            ..NodeProto::default()
        });
        output.name = next;
    }
}
