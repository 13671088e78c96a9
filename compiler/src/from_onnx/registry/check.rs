//! What the attributes of an operator must say, whatever it reads.

use crate::from_onnx::attributes::{float, int, ints, string};
use crate::from_onnx::refusal::Refusal;
use tract_onnx::pb::NodeProto;

/// The attribute that says which pixel is the nearest.
pub(in crate::from_onnx) const NEAREST: &str = "nearest_mode";
/// Its value where that is not defined.
pub(in crate::from_onnx) const UNSETTLED: &str = "unsettled";

/// What a check says of a node.
pub(super) type Check = fn(&NodeProto) -> Result<(), Refusal>;

pub(super) fn any(_: &NodeProto) -> Result<(), Refusal> {
    Ok(())
}

pub(super) fn undecided(_: &NodeProto) -> Result<(), Refusal> {
    Err(Refusal::new(
        "its condition is no constant, or depends on shapes",
        "export without branches, or let onnx-simplifier decide them",
    ))
}

pub(super) fn not_last(node: &NodeProto) -> Result<(), Refusal> {
    if int(node, "select_last_index") == Some(1) {
        return Err(Refusal::new(
            "select_last_index = 1 takes the last of equal scores",
            "set it to 0, which takes the first",
        ));
    }
    Err(Refusal::new(
        "it is not a choice of the best class at the end of the model",
        "compile the model up to the scores that it reads (--model-output)",
    ))
}

/// tract knows no other order.
pub(super) fn space_to_depth(node: &NodeProto) -> Result<(), Refusal> {
    match string(node, "mode").as_deref() {
        None | Some("" | "DCR") => Ok(()),
        Some(mode) => Err(Refusal::new(
            format!("mode = {mode} is not supported"),
            "write it as Reshape, Transpose and Reshape, or with mode = DCR",
        )),
    }
}

/// tract's celu lacks its factor alpha.
pub(super) fn celu(node: &NodeProto) -> Result<(), Refusal> {
    match float(node, "alpha") {
        None | Some(1.0) => Ok(()),
        Some(alpha) => Err(Refusal::new(
            format!("alpha = {alpha}, not 1"),
            "celu(x, alpha) = alpha * elu(x / alpha): write it so, or train with alpha = 1",
        )),
    }
}

pub(super) fn pad(node: &NodeProto) -> Result<(), Refusal> {
    match string(node, "mode").as_deref() {
        None | Some("" | "constant" | "edge" | "reflect" | "wrap") => Ok(()),
        Some(mode) => Err(Refusal::new(
            format!("mode = {mode} is not supported"),
            "pad with zeros (mode = constant) instead, and train the model further",
        )),
    }
}

pub(super) fn upsample(node: &NodeProto) -> Result<(), Refusal> {
    match node.input.len() {
        2 => resize(node),
        _ => Err(Refusal::new("its scales are no operand", "convert the model to opset 9 or later")),
    }
}

/// What lies outside an image that is cropped has no weight in it.
pub(super) fn resize(node: &NodeProto) -> Result<(), Refusal> {
    if string(node, NEAREST).as_deref() == Some(UNSETTLED) {
        return Err(Refusal::new(
            "before opset 11 it is not defined which pixels are taken where one axis shrinks and another grows",
            "convert the model to opset 11 or later (onnx.version_converter)",
        ));
    }
    match string(node, "coordinate_transformation_mode").as_deref() {
        Some("tf_crop_and_resize") => Err(Refusal::new(
            "coordinate_transformation_mode = tf_crop_and_resize cuts parts out",
            "cut with Slice, then resize",
        )),
        _ => Ok(()),
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

pub(super) fn conv(node: &NodeProto) -> Result<(), Refusal> {
    match int(node, "group") {
        Some(groups) if groups < 1 => Err(format!("group = {groups} is out of range").into()),
        _ => window(node),
    }
}

pub(super) fn pool(node: &NodeProto) -> Result<(), Refusal> {
    if ints(node, "kernel_shape").is_empty() {
        return Err(Refusal::new("kernel_shape is missing", ""));
    }
    if node.output.iter().skip(1).any(|output| !output.is_empty()) {
        return Err(Refusal::new(
            "the second output, the maxima's positions, is not supported",
            "use the first output only",
        ));
    }
    let same = matches!(string(node, "auto_pad").as_deref(), Some("SAME_UPPER" | "SAME_LOWER"));
    if same && ints(node, "dilations").iter().any(|&dilation| dilation > 1) {
        return Err(Refusal::new(
            "runtimes differ in auto_pad = SAME of a pooling with dilations",
            "give the padding as pads",
        ));
    }
    window(node)
}

pub(super) fn batch_normalization(node: &NodeProto) -> Result<(), Refusal> {
    if int(node, "spatial") == Some(0) {
        return Err(Refusal::new(
            "spatial = 0 normalises each pixel by itself",
            "normalise with one mean and variance per channel",
        ));
    }
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

pub(super) fn transpose(node: &NodeProto) -> Result<(), Refusal> {
    let perm = ints(node, "perm");
    let mut sorted = perm.to_vec();
    sorted.sort_unstable();
    if sorted.into_iter().eq(0..perm.len() as i64) {
        return Ok(());
    }
    Err(Refusal::new(format!("perm = {perm:?} is no permutation"), ""))
}

pub(super) fn gemm(node: &NodeProto) -> Result<(), Refusal> {
    if int(node, "transA") == Some(1) {
        return Err(Refusal::new(
            "transA = 1 mixes the images of a batch",
            "transpose the weights instead (transB)",
        ));
    }
    Ok(())
}
