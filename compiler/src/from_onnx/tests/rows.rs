//! A model for every row of the registry; a row without one fails.

use super::super::registry::{Condition, Constants, OPERATORS, Support, Unsupported};
use super::super::testing::Attribute::{Int, Ints};
use super::super::testing::{Attribute, Onnx, attribute};
use super::*;
use tract_onnx::pb::AttributeProto;

/// The largest error that a pair of QuantizeLinear and DequantizeLinear makes, which the reference keeps.
pub(super) const HALF_A_STEP: f64 = 0.5 / 64.0;

/// A value that depends on the image, with constants to choose from.
pub(super) fn image() -> Onnx {
    Onnx::new(&[1, 2, 4, 4])
        .weight("w", &[3, 2, 3, 3])
        .weight("wt", &[2, 3, 3, 3])
        .constant("twice", &[4], vec![1.0, 1.0, 2.0, 2.0])
        .ints("shape", &[1, 2, 4, 4])
        .ints("times", &[1, 2, 1, 2])
        .weight("matrix", &[32, 3])
        .constant("zero", &[], vec![0.0])
        .constant("one", &[], vec![1.0])
        .constant("two", &[], vec![2.0])
        .constant("each", &[2, 1, 1], vec![0.5, 2.0])
        .constant("scale", &[], vec![1.0 / 64.0])
        .bytes("point", &[], &[128], false)
        .ints("first", &[0])
        .ints("second", &[1])
        .ints("flat", &[1, 32])
        .ints("plane", &[2, 3])
        .ints("around", &[0, 0, 1, 1, 0, 0, 1, 1])
        .constant("statistics", &[2], vec![0.5, 2.0])
        .opset(20)
}

fn flat() -> Onnx {
    image().node("Flatten", &["image"], &[])
}

const POOL: &[(&str, Attribute<'_>)] = &[("kernel_shape", Ints(&[2, 2])), ("strides", Ints(&[2, 2]))];

/// A model in which the operator reads what depends on the image.
pub(super) fn computed(op: &str) -> Option<Onnx> {
    let alone = |op: &str| image().then(op, &[], &[]);
    let with = |op: &str, more: &[&str]| image().then(op, more, &[]);
    Some(match op {
        "Abs" | "Celu" | "Elu" | "Erf" | "Gelu" | "HardSigmoid" | "HardSwish" | "Identity" | "LeakyRelu"
        | "Mish" | "Neg" | "Relu" | "Selu" | "Sigmoid" | "Sign" | "Softplus" | "Swish" | "Tanh"
        | "Dropout" | "Flatten" | "GlobalAveragePool" | "GlobalMaxPool" => alone(op),
        "Add" | "Div" | "Max" | "Min" | "Mul" | "PRelu" | "Sub" => with(op, &["each"]),
        "Sum" => with(op, &["image"]),
        "ArgMax" => flat().then(op, &[], &[("axis", Int(1))]),
        "TopK" => flat().then(op, &["second"], &[]).and_gives(&["label"]).node("Identity", &["label"], &[]),
        "AveragePool" | "MaxPool" => image().then(op, &[], POOL),
        "BatchNormalization" => with(op, &["statistics"; 4]),
        "Cast" => image().then(op, &[], &[("to", Int(1))]),
        "Clip" => with(op, &["zero", "one"]),
        "Concat" => image().then(op, &["image"], &[("axis", Int(1))]),
        "Conv" => with(op, &["w"]),
        "ConvTranspose" => with(op, &["wt"]),
        "DepthToSpace" => {
            let deep = image().then("SpaceToDepth", &[], &[("blocksize", Int(2))]);
            deep.then(op, &[], &[("blocksize", Int(2))])
        }
        "SpaceToDepth" => image().then(op, &[], &[("blocksize", Int(2))]),
        "Expand" => with("GlobalMaxPool", &[]).then(op, &["shape"], &[]),
        "Tile" => with(op, &["times"]),
        "Resize" => with(op, &["", "twice"]),
        "Upsample" => image().opset(9).then(op, &["twice"], &[]),
        "QuantizeLinear" | "DequantizeLinear" => {
            with("QuantizeLinear", &["scale", "point"]).then("DequantizeLinear", &["scale", "point"], &[])
        }
        "Exp" | "Log" => alone("Exp").then("Add", &["one"], &[]).then("Log", &[], &[]),
        "Reciprocal" => alone("Exp").then("Add", &["one"], &[]).then("Reciprocal", &[], &[]),
        "Pow" | "Sqrt" => with("Pow", &["two"]).then("Add", &["one"], &[]).then("Sqrt", &[], &[]),
        "Gather" => image().then(op, &["second"], &[("axis", Int(1))]),
        "Gemm" | "MatMul" => flat().then(op, &["matrix"], &[]),
        "Greater" | "GreaterOrEqual" => with(op, &["zero"]).node("Where", &["v0", "image", "zero"], &[]),
        "Less" | "LessOrEqual" => with(op, &["zero"]).node("Where", &["v0", "zero", "image"], &[]),
        "Where" => with("Less", &["zero"]).node(op, &["v0", "zero", "image"], &[]),
        "Softmax" | "LogSoftmax" => flat().then(op, &[], &[]),
        "Pad" => with(op, &["around"]),
        "ReduceMax" | "ReduceMean" => image().opset(13).then(op, &[], &[("axes", Ints(&[2, 3]))]),
        "ReduceSum" => with(op, &["plane"]),
        "Reshape" => with(op, &["flat"]),
        "Slice" => with(op, &["first", "second", "second"]),
        "Split" => image().opset(13).then(op, &[], &[("axis", Int(1))]).and_gives(&["rest"]),
        "Squeeze" | "Unsqueeze" => with("Unsqueeze", &["first"]).then("Squeeze", &["first"], &[]),
        "Transpose" => {
            let there = image().then(op, &[], &[("perm", Ints(&[0, 2, 3, 1]))]);
            there.then(op, &[], &[("perm", Ints(&[0, 3, 1, 2]))])
        }
        _ => return None,
    })
}

/// A model in which the operator reads constants, or shapes.
fn folded(op: &str) -> Option<Onnx> {
    let scales = |model: Onnx| {
        let scale = model.last.clone();
        model.node("Mul", &["image", &scale], &[])
    };
    let shapes = |model: Onnx| {
        let shape = model.last.clone();
        model.node("Reshape", &["image", &shape], &[])
    };
    let multiplies = |model: Onnx| {
        let matrix = model.last.clone();
        model.node("Flatten", &["image"], &[]).then("MatMul", &[&matrix], &[])
    };
    let of = |name: &str, dims: &[i64], more: &[&str], attributes: &[(&str, Attribute<'_>)]| {
        image().weight(name, dims).node(op, &[&[name], more].concat(), attributes)
    };
    Some(match op {
        "Abs" | "Ceil" | "Cos" | "Erf" | "Exp" | "Floor" | "Identity" | "Log" | "Neg" | "Reciprocal"
        | "Relu" | "Round" | "Sigmoid" | "Sign" | "Sin" | "Sqrt" | "Tanh" => {
            scales(image().node(op, &["each"], &[]))
        }
        "Add" | "Div" | "Max" | "Min" | "Mul" | "Pow" | "Sub" | "Sum" => {
            scales(image().node(op, &["each", "each"], &[]))
        }
        "Equal" | "Greater" | "GreaterOrEqual" | "Less" | "LessOrEqual" => {
            scales(image().node(op, &["each", "one"], &[]).then("Cast", &[], &[("to", Int(1))]))
        }
        "And" | "Or" | "Xor" => {
            let sides = image().node("Less", &["each", "one"], &[]).node("Less", &["one", "each"], &[]);
            scales(sides.node(op, &["v0", "v1"], &[]).then("Cast", &[], &[("to", Int(1))]))
        }
        "Not" => {
            let less = image().node("Less", &["each", "one"], &[]);
            scales(less.then(op, &[], &[]).then("Cast", &[], &[("to", Int(1))]))
        }
        "Where" => scales(image().node("Less", &["each", "one"], &[]).node(op, &["v0", "each", "two"], &[])),
        "Mod" => scales(image().node(op, &["each", "two"], &[("fmod", Int(1))])),
        "Clip" => scales(image().node(op, &["each", "one"], &[])),
        "CumSum" => scales(image().scalar("outermost", 0).node(op, &["each", "outermost"], &[])),
        "Softmax" => scales(image().node(op, &["each"], &[("axis", Int(0))])),
        "Trilu" => multiplies(of("m", &[32, 3], &[], &[])),
        "Tile" => scales(image().ints("pair", &[2, 1, 1]).node(op, &["two3", "pair"], &[]).constant(
            "two3",
            &[1, 1, 1],
            vec![2.0],
        )),
        "Expand" => scales(image().ints("pair", &[2, 1, 1]).node(op, &["two", "pair"], &[])),
        "Range" => {
            let range = image().scalar("from", 1).scalar("to", 3).scalar("by", 1).node(
                op,
                &["from", "to", "by"],
                &[],
            );
            let cast = range.then("Cast", &[], &[("to", Int(1))]);
            let column = cast.ints("column", &[2, 1, 1]);
            scales(column.then("Reshape", &["column"], &[]))
        }
        "ReduceMax" | "ReduceMean" | "ReduceMin" | "ReduceSumSquare" => {
            scales(image().opset(13).node(op, &["each"], &[("axes", Ints(&[0])), ("keepdims", Int(1))]))
        }
        "ReduceSum" => scales(image().node(op, &["each", "first"], &[])),
        "Split" => {
            let halves = image().opset(13).node(op, &["each"], &[("axis", Int(0))]).and_gives(&["rest"]);
            scales(halves)
        }
        "Cast" => scales(image().node(op, &["each"], &[("to", Int(1))])),
        "Concat" => {
            let half = image().constant("half", &[1, 1, 1], vec![0.5]);
            scales(half.node(op, &["half", "half"], &[("axis", Int(0))]))
        }
        "Constant" => shapes(image().node(op, &[], &[("value_ints", Ints(&[1, 32]))])),
        "ConstantOfShape" => scales(image().node(op, &["second"], &[])),
        "QuantizeLinear" | "DequantizeLinear" => {
            let integers = image().node("QuantizeLinear", &["each", "scale", "point"], &[]);
            scales(integers.then("DequantizeLinear", &["scale", "point"], &[]))
        }
        "Flatten" => multiplies(of("m", &[32, 3, 1], &[], &[])),
        "Gather" => multiplies(of("m", &[32, 3], &["second"], &[("axis", Int(1))])),
        "MatMul" => multiplies(image().weight("m", &[3, 4]).node(op, &["matrix", "m"], &[])),
        "ReduceProd" => {
            let len = image().opset(13).node("Shape", &["image"], &[]).then(op, &[], &[]);
            shapes(len.node("Concat", &["second", "v1"], &[("axis", Int(0))]))
        }
        "Reshape" => {
            multiplies(image().weight("m", &[32]).ints("column", &[32, 1]).node(op, &["m", "column"], &[]))
        }
        "Shape" => shapes(image().node(op, &["image"], &[])),
        "Size" => {
            let len = image().node(op, &["image"], &[]).then("Unsqueeze", &["first"], &[]);
            shapes(len.node("Concat", &["second", "v1"], &[("axis", Int(0))]))
        }
        "Slice" => multiplies(of("m", &[32, 3], &["first", "second", "second"], &[])),
        "Squeeze" => multiplies(of("m", &[1, 32, 3], &["first"], &[])),
        "Transpose" => multiplies(of("m", &[3, 32], &[], &[("perm", Ints(&[1, 0]))])),
        "Unsqueeze" => multiplies(of("m", &[32], &["second"], &[])),
        _ => return None,
    })
}

/// A model in which the operator computes a condition, or reads one.
fn decided(op: &str) -> Option<Onnx> {
    let numbers = image().ints("no", &[0]).ints("yes", &[1]);
    Some(decision(match op {
        "And" => numbers.node(op, &["yes", "yes"], &[]),
        "Cast" => numbers.node(op, &["yes"], &[("to", Int(9))]),
        "Equal" => numbers.node(op, &["no", "no"], &[]),
        "Greater" | "GreaterOrEqual" | "Or" | "Xor" => numbers.node(op, &["yes", "no"], &[]),
        "Identity" => numbers.node(op, &["yes"], &[]),
        "If" | "Not" => numbers.node("Not", &["no"], &[]),
        "Less" | "LessOrEqual" => numbers.node(op, &["no", "yes"], &[]),
        "Squeeze" | "Unsqueeze" => numbers.node(op, &["yes", "first"], &[]),
        _ => return None,
    }))
}

/// Sigmoid of the image if the last value is true, else an operator that is never supported.
fn decision(condition: Onnx) -> Onnx {
    let condition = condition.then("If", &[], &[]);
    let branch = |name: &str, op: &str| AttributeProto {
        g: Some(image().then(op, &[], &[]).build().graph.unwrap_or_default()),
        ..attribute(name, &Int(0))
    };
    let mut model = condition;
    if let Some(choice) = model.graph.node.last_mut() {
        choice.attribute = vec![branch("then_branch", "Sigmoid"), branch("else_branch", "LRN")];
    }
    model
}

fn supported(op: &str, model: Option<Onnx>) {
    let model = model.unwrap_or_else(|| panic!("no model for {op}")).build();
    let nodes = &model.graph.as_ref().unwrap().node;
    assert!(nodes.iter().any(|node| node.op_type == op), "the model for {op} has no {op}");
    let imported = import(model, Path::new("test.onnx"), &Reading::default())
        .unwrap_or_else(|error| panic!("{op}: {error}"));
    assert_within(&imported, -1.0, 1.0, HALF_A_STEP);
}

/// Models in which the operator itself decides: nothing is left of it.
fn taken(op: &str) {
    let model = decided(op).unwrap_or_else(|| panic!("no condition with {op}"));
    let imported = import(model.build(), Path::new("test.onnx"), &Reading::default())
        .unwrap_or_else(|error| panic!("{op}: {error}"));
    assert_agrees(&imported, -1.0, 1.0);
}

#[test]
fn every_row_has_a_model() {
    for row in OPERATORS {
        if !matches!(row.condition, Condition::Unknown) {
            taken(row.name);
        }
        match row.support {
            Support::Yes { limits, .. } => {
                assert!(!limits.is_empty(), "{}", row.name);
                supported(row.name, computed(row.name).or_else(|| decided(row.name)));
            }
            Support::No(Unsupported { hint, .. }) => {
                assert!(!hint.is_empty() && computed(row.name).is_none(), "{}", row.name);
            }
        }
        match row.constants {
            Constants::Folded(_) => supported(row.name, folded(row.name)),
            Constants::Refused | Constants::Branches => assert!(folded(row.name).is_none(), "{}", row.name),
        }
    }
}
