//! The supported ONNX operators: one table, from which the check, its messages and the README's
//! table are made.

use super::attributes::{int, ints, string};
use super::hints::hint;
use super::refusal::Refusal;
use std::fmt::Write;
use tract_onnx::pb::NodeProto;

/// One supported operator.
pub struct Operator {
    /// The operator, as ONNX spells it.
    pub name: &'static str,
    /// What is supported of it, in words.
    pub limits: &'static str,
    check: fn(&NodeProto) -> Result<(), Refusal>,
}

/// Of curved activations.
const SMOOTH: &str =
    "by straight pieces, wrong by at most 1 % of the distance of its limits (0.01 where it tends to x)";
/// Of what is no activation by itself.
const PART: &str = "as part of an activation";

/// Of what chooses a class.
const LABEL: &str =
    "over the classes, as the last operator, for the best one: the client then learns the label alone";

/// What may read values that depend on the image.
pub const OPERATORS: &[Operator] = &[
    op("Abs", PART, any),
    op("Add", "two computed values of one shape, or a constant per channel", any),
    op("ArgMax", LABEL, not_last),
    op(
        "AveragePool",
        "1-D and 2-D, any kernel, stride, padding, dilation; `ceil_mode` unless padding is counted",
        pool,
    ),
    op("BatchNormalization", "with constant statistics (inference)", batch_normalization),
    op("Cast", "between floating-point types", any),
    op("Clip", "exact, with constant bounds", any),
    op("Concat", "over channels, first or last", any),
    op(
        "Conv",
        "1-D and 2-D with constant weights; any stride, padding (explicit or automatic), dilation, groups",
        conv,
    ),
    op(
        "DequantizeLinear",
        "of constants; of what QuantizeLinear gives, with the same constant scale and zero point; of an image of integers",
        any,
    ),
    op("Div", "by a constant per channel; else as part of an activation", any),
    op("Dropout", "without effect, as in inference", any),
    op("Elu", SMOOTH, any),
    op("Erf", PART, any),
    op("Exp", PART, any),
    op("Flatten", "keeping the batch apart", any),
    op("Gather", "of channels; of equally distant rows or columns", any),
    op("Gelu", SMOOTH, any),
    op("Gemm", "with constant weights and bias", gemm),
    op("GlobalAveragePool", "1-D and 2-D", any),
    op("GlobalMaxPool", "1-D and 2-D", any),
    op("Greater", "as the condition of Where", any),
    op("HardSigmoid", "exact", any),
    op("HardSwish", SMOOTH, any),
    op("Identity", "any", any),
    op("If", "on a constant", undecided),
    op("LeakyRelu", "exact", any),
    op("Less", "as the condition of Where", any),
    op("Log", PART, any),
    op("LogSoftmax", "over the classes, as the last operator; computed by the client", any),
    op("MatMul", "with a constant matrix", any),
    op("Max", "with a constant per channel; else as part of an activation", any),
    op("MaxPool", "1-D and 2-D, one output; any kernel, stride, padding, dilation, `ceil_mode`", pool),
    op("Min", "with a constant per channel; else as part of an activation", any),
    op("Mish", SMOOTH, any),
    op("Mul", "by a constant per channel; of functions of one value (x * sigmoid(x)) as an activation", any),
    op("Neg", PART, any),
    op("PRelu", "exact, with slopes per channel", any),
    op("Pad", "with a constant, over height, width and channels", pad),
    op("Pow", PART, any),
    op(
        "QuantizeLinear",
        "of constants; of computed values, which are cut off at both ends of the range (the image only if it reaches a sixteenth beyond) and not rounded",
        any,
    ),
    op("Reciprocal", PART, any),
    op("ReduceMax", "over height and width, channels first or last", any),
    op("ReduceMean", "over height and width, channels first or last", any),
    op("Relu", "any", any),
    op("Reshape", "where only axes are joined, or axes of length 1 come and go", any),
    op("Selu", SMOOTH, any),
    op("Sigmoid", SMOOTH, any),
    op("Sign", "any; an input of exactly 0 gives -1", any),
    op("Slice", "of channels; of equally distant rows or columns", any),
    op("Softmax", "over the classes, as the last operator; computed by the client", any),
    op("Softplus", SMOOTH, any),
    op("Split", "of channels, rows or columns", any),
    op("Sqrt", PART, any),
    op("Squeeze", "of axes of length 1", any),
    op("Sub", "two computed values of one shape, or a constant per channel on either side", any),
    op("Sum", "of computed values of one shape", any),
    op("Tanh", SMOOTH, any),
    op("TopK", LABEL, not_last),
    op(
        "Transpose",
        "anywhere, also of the model's input (NHWC), if convolutions and poolings read channels first",
        transpose,
    ),
    op("Unsqueeze", "any", any),
    op("Where", "as a choice by a comparison, both sides of which meet", any),
];

/// What may compute constants out of constants and of the shapes of other values.
pub const FOLDED: &[&str] = &[
    "Abs",
    "Add",
    "Cast",
    "Ceil",
    "Concat",
    "Constant",
    "ConstantOfShape",
    "DequantizeLinear",
    "Div",
    "Exp",
    "Flatten",
    "Floor",
    "Gather",
    "Identity",
    "MatMul",
    "Max",
    "Min",
    "Mul",
    "Neg",
    "Pow",
    "QuantizeLinear",
    "Reciprocal",
    "ReduceProd",
    "Relu",
    "Reshape",
    "Shape",
    "Size",
    "Slice",
    "Sqrt",
    "Squeeze",
    "Sub",
    "Transpose",
    "Unsqueeze",
];

const fn op(
    name: &'static str,
    limits: &'static str,
    check: fn(&NodeProto) -> Result<(), Refusal>,
) -> Operator {
    Operator { name, limits, check }
}

/// The table for the README.
pub fn markdown() -> String {
    let mut text = String::from("| operator | supported |\n|---|---|\n");
    for operator in OPERATORS {
        let _ = writeln!(text, "| {} | {} |", operator.name, operator.limits);
    }
    let folded: Vec<&str> = FOLDED.to_vec();
    let _ = writeln!(text, "| {} | where the result does not depend on the image |", folded.join(", "));
    text
}

/// Whether a node that depends on the image is supported, as far as its attributes tell.
pub(super) fn check(node: &NodeProto) -> Result<(), Refusal> {
    if !matches!(node.domain.as_str(), "" | "ai.onnx") {
        return Err(Refusal::new(
            format!("operators of the domain '{}' are not part of ONNX", node.domain),
            "export with standard operators; functions of the model itself can be written out (onnx.inliner)",
        ));
    }
    match OPERATORS.iter().find(|operator| operator.name == node.op_type) {
        Some(operator) => (operator.check)(node),
        None => Err(Refusal::new("this operator is not supported", hint(&node.op_type))),
    }
}

/// Refuses attributes that no tensor fits, whether or not the node depends on the image.
pub(super) fn check_attributes(node: &NodeProto) -> Result<(), Refusal> {
    let operator = OPERATORS.iter().find(|operator| operator.name == node.op_type);
    operator.map_or(Ok(()), |operator| (operator.check)(node))
}

fn any(_: &NodeProto) -> Result<(), Refusal> {
    Ok(())
}

fn undecided(_: &NodeProto) -> Result<(), Refusal> {
    Err(Refusal::new(
        "its condition is no constant, or depends on shapes",
        "export without branches, or let onnx-simplifier decide them",
    ))
}

fn not_last(_: &NodeProto) -> Result<(), Refusal> {
    Err(Refusal::new(
        "it is not a choice of the best class at the end of the model",
        "compile the model up to the scores that it reads (--model-output)",
    ))
}

fn pad(node: &NodeProto) -> Result<(), Refusal> {
    match string(node, "mode").as_deref() {
        None | Some("" | "constant") => Ok(()),
        Some(mode) => Err(Refusal::new(
            format!("mode = {mode} repeats or mirrors the border"),
            "pad with zeros (mode = constant) instead, and train the model further",
        )),
    }
}

/// Strides, dilations, kernels and padding that tract may be given.
fn window(node: &NodeProto) -> Result<(), Refusal> {
    const LARGEST: i64 = 1 << 16;
    for (name, smallest) in [("kernel_shape", 1), ("strides", 1), ("dilations", 1), ("pads", 0)] {
        let values = ints(node, name);
        if values.iter().any(|value| !(smallest..=LARGEST).contains(value)) {
            return Err(Refusal::new(
                format!("{name} = {values:?} is out of range"),
                "negative padding crops; crop the input instead",
            ));
        }
        let axes = if name == "pads" { values.len() / 2 } else { values.len() };
        if axes > 2 {
            return Err(Refusal::new(
                format!("{name} = {values:?} is of a {axes}-D layer"),
                "only layers over images (2-D) and sequences (1-D) can be compiled",
            ));
        }
    }
    match string(node, "auto_pad").as_deref() {
        None | Some("" | "NOTSET") => Ok(()),
        Some("VALID" | "SAME_UPPER" | "SAME_LOWER") if ints(node, "pads").iter().all(|&pad| pad == 0) => {
            Ok(())
        }
        Some(auto @ ("VALID" | "SAME_UPPER" | "SAME_LOWER")) => Err(Refusal::new(
            format!("auto_pad = {auto} contradicts pads"),
            "remove one of the two attributes",
        )),
        Some(other) => Err(Refusal::new(format!("auto_pad = {other} is no ONNX padding"), "")),
    }
}

fn conv(node: &NodeProto) -> Result<(), Refusal> {
    match int(node, "group") {
        Some(groups) if groups < 1 => Err(format!("group = {groups} is out of range").into()),
        _ => window(node),
    }
}

fn pool(node: &NodeProto) -> Result<(), Refusal> {
    if ints(node, "kernel_shape").is_empty() {
        return Err(Refusal::new("kernel_shape is missing", ""));
    }
    if node.output.iter().skip(1).any(|output| !output.is_empty()) {
        return Err(Refusal::new(
            "the second output, the maxima's positions, is not supported",
            "use the first output only",
        ));
    }
    window(node)
}

fn batch_normalization(node: &NodeProto) -> Result<(), Refusal> {
    let training =
        int(node, "training_mode") == Some(1) || node.output.iter().skip(1).any(|output| !output.is_empty());
    if training {
        return Err(Refusal::new(
            "the layer is in training mode",
            "export the model in evaluation mode (model.eval())",
        ));
    }
    Ok(())
}

fn transpose(node: &NodeProto) -> Result<(), Refusal> {
    let perm = ints(node, "perm");
    let mut sorted = perm.to_vec();
    sorted.sort_unstable();
    if sorted.into_iter().eq(0..perm.len() as i64) {
        return Ok(());
    }
    Err(Refusal::new(format!("perm = {perm:?} is no permutation"), ""))
}

fn gemm(node: &NodeProto) -> Result<(), Refusal> {
    if int(node, "transA") == Some(1) {
        return Err(Refusal::new(
            "transA = 1 mixes the images of a batch",
            "transpose the weights instead (transB)",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted_and_complete() {
        assert!(OPERATORS.is_sorted_by_key(|operator| operator.name) && FOLDED.is_sorted());
        let table = markdown();
        assert_eq!(table.lines().count(), OPERATORS.len() + 3);
        assert!(table.contains("| Relu | any |"), "{table}");
    }
}
