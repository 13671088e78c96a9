//! The rows, sorted by name.

use super::check::{self, any};
use super::columns::{Arithmetic, Axes, Bounds, Classes, Condition, Element, End, Label, Size};
use super::operator::Operator;
use super::reasons::{ATTENTION, BOXES, COUNTED, DYNAMIC, INTEGERS, NORMALIZES, RECURRENT};
use crate::from_onnx::translate::rows;
use rows::{arrangement, element_wise};

/// Limits of smooth activations.
const SMOOTH: &str =
    "by linear segments, wrong by at most 1 % of the distance of its limits (0.01 where it tends to x)";
/// Limits of operators that are no activation by themselves.
const PART: &str = "as part of an activation";
/// Limits of operators that choose a class.
const LABEL: &str =
    "along one axis, as the last operator, for the best class: the client then learns labels alone";

/// All operators of which anything is known.
pub(in crate::from_onnx) static OPERATORS: &[Operator] = &[
    each("Abs", PART).folds(Size::Same),
    each("Add", "two computed values of one shape, or a constant per channel")
        .arithmetic(Arithmetic::Add)
        .ends(End::CarriesScores),
    op("And").condition(Condition::Holds(|a, b| a != 0.0 && b != 0.0)).folds(Size::Broadcast).element(Element::Bool),
    op("ArgMax").takes(LABEL, check::not_last, arrangement).ends(End::Label(Label {
        output: 0,
        axis: 0,
        classes: Classes::One,
    })).with(&["axis", "keepdims", "select_last_index"]),
    op("Attention").refused(ATTENTION),
    op("AveragePool")
        .takes(
            "1-D and 2-D, any kernel, stride, padding, dilation; `ceil_mode` unless padding is counted",
            check::pool,
            rows::average_pool,
        )
        .axes(Axes::ChannelsFirst)
        .bounds(Bounds::OrZero).with(&["auto_pad", "ceil_mode", "count_include_pad", "dilations", "kernel_shape", "pads", "strides"]),
    op("BatchNormalization")
        .takes("with constant statistics (inference)", check::batch_normalization, element_wise)
        .axes(Axes::ChannelsFirst).with(&["epsilon", "momentum", "spatial", "training_mode"]),
    op("Cast")
        .takes("between floating-point types", any, arrangement)
        .axes(Axes::Kept)
        .converts(Element::To)
        .folds(Size::Same)
        .ends(End::CarriesAll)
        .condition(Condition::Same).with(&["round_mode", "saturate", "to"]),
    op("CastLike").element(Element::Like),
    op("Ceil").folds(Size::Same),
    op("Celu")
        .takes(
            "with alpha = 1; by linear segments, wrong by at most 0.01",
            check::celu,
            element_wise,
        )
        .axes(Axes::Kept).with(&["alpha"]),
    each("Clip", "exact, with constant bounds").bounds(Bounds::Clipped).takes_infinity().with(&["max", "min"]).folds(Size::Same),
    op("Compress").refused(COUNTED),
    op("Concat")
        .takes("of computed values and zeros along any axis but the batch", any, rows::concat)
        .bounds(Bounds::Joined)
        .folds(Size::Sum).with(&["axis"]),
    op("Constant").element(Element::Stored).folds(Size::Stored),
    op("ConstantOfShape").folds(Size::Filled),
    op("Conv")
        .takes(
            "1-D and 2-D with constant weights; any stride, padding (explicit or automatic), dilation, groups",
            check::conv,
            rows::convolution,
        )
        .axes(Axes::ChannelsFirst).with(&["auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"]),
    op("ConvInteger").refused(DYNAMIC),
    op("ConvTranspose")
        .takes(
            "1-D and 2-D with constant weights; any stride, padding, output padding, dilation, groups",
            check::conv,
            rows::transposed_convolution,
        )
        .axes(Axes::ChannelsFirst).with(&["auto_pad", "dilations", "group", "kernel_shape", "output_padding", "output_shape", "pads", "strides"]),
    op("Cos").folds(Size::Same),
    op("CumSum").folds(Size::Same),
    op("DepthToSpace").takes("any", any, arrangement).axes(Axes::ChannelsFirst).moved().with(&["blocksize", "mode"]),
    each(
        "DequantizeLinear",
        "of constants; of what QuantizeLinear gives, with the same constant scale and zero point; of an image of integers",
    )
    .converts(Element::Float)
    .folds(Size::Broadcast)
    .ends(End::CarriesScores).with(&["axis", "block_size", "output_dtype"]),
    each("Div", "by a constant per channel; else as part of an activation").arithmetic(Arithmetic::Div),
    op("Dropout").takes("without effect, as in inference", any, rows::dropout).axes(Axes::Kept).moved().with(&["ratio", "seed"]),
    op("DynamicQuantizeLinear").refused(DYNAMIC),
    each("Elu", SMOOTH).with(&["alpha"]),
    op("Equal").condition(Condition::Holds(|a, b| a == b)).folds(Size::Broadcast).element(Element::Bool),
    each("Erf", PART).folds(Size::Same),
    each("Exp", PART).folds(Size::Same),
    op("Expand").takes("any", any, arrangement).moved().folds(Size::Repeated),
    op("Flatten")
        .takes("keeping the batch apart", any, arrangement)
        .moved()
        .folds(Size::AtMostFirst)
        .ends(End::CarriesAll).with(&["axis"]),
    op("Floor").folds(Size::Same),
    op("GRU").refused(RECURRENT),
    op("Gather")
        .takes("at constant positions of any axis but the batch", any, arrangement)
        .moved()
        .folds(Size::Product).with(&["axis"]),
    each("Gelu", SMOOTH).with(&["approximate"]),
    op("Gemm").takes("with constant weights and bias", check::gemm, rows::dense).ends(End::Scores).with(&["alpha", "beta", "transA", "transB"]),
    op("GlobalAveragePool")
        .takes("1-D and 2-D", any, rows::reduce)
        .axes(Axes::ChannelsFirst)
        .bounds(Bounds::Same),
    op("GlobalMaxPool").takes("1-D and 2-D", any, rows::reduce).axes(Axes::ChannelsFirst).moved(),
    each("Greater", "as the condition of Where").condition(Condition::Holds(|a, b| a > b)).folds(Size::Broadcast).element(Element::Bool),
    each("GreaterOrEqual", "as the condition of Where").condition(Condition::Holds(|a, b| a >= b)).folds(Size::Broadcast).element(Element::Bool),
    op("GroupNormalization").refused(NORMALIZES),
    each("HardSigmoid", "exact").bounds(Bounds::Unit).with(&["alpha", "beta"]),
    each("HardSwish", SMOOTH),
    op("Identity")
        .takes("any", any, arrangement)
        .axes(Axes::Kept)
        .moved()
        .folds(Size::Same)
        .ends(End::CarriesAll)
        .condition(Condition::Same),
    op("If").takes("on a constant", check::undecided, arrangement).chooses_a_branch().with(&["else_branch", "then_branch"]),
    op("InstanceNormalization").refused(NORMALIZES),
    op("LRN").refused(NORMALIZES),
    op("LSTM").refused(RECURRENT),
    op("LayerNormalization").refused(NORMALIZES),
    each("LeakyRelu", "exact").with(&["alpha"]),
    each("Less", "as the condition of Where").condition(Condition::Holds(|a, b| a < b)).folds(Size::Broadcast).element(Element::Bool),
    each("LessOrEqual", "as the condition of Where").condition(Condition::Holds(|a, b| a <= b)).folds(Size::Broadcast).element(Element::Bool),
    each("Log", PART).folds(Size::Same),
    op("LogSoftmax")
        .takes("along one axis or several neighbouring ones, as the last operator; computed by the client", any, rows::softmax)
        .ends(End::Scores).with(&["axis"]),
    op("Loop").refused(RECURRENT),
    op("LpNormalization").refused(NORMALIZES),
    op("MatMul").takes("with a constant matrix, of whole values or at each position", any, rows::dense).folds(Size::Matrix).ends(End::Scores),
    op("MatMulInteger").refused(DYNAMIC),
    each("Max", "with a constant per channel; else as part of an activation")
        .folds(Size::Broadcast)
        .takes_infinity(),
    op("MaxPool")
        .takes(
            "1-D and 2-D, one output; any kernel, stride, padding, dilation, `ceil_mode`",
            check::pool,
            rows::max_pool,
        )
        .axes(Axes::ChannelsFirst)
        .moved()
        .spares_outputs().with(&["auto_pad", "ceil_mode", "dilations", "kernel_shape", "pads", "storage_order", "strides"]),
    op("MaxRoiPool").refused(BOXES),
    op("MeanVarianceNormalization").refused(NORMALIZES),
    each("Min", "with a constant per channel; else as part of an activation")
        .folds(Size::Broadcast)
        .takes_infinity(),
    each("Mish", SMOOTH),
    op("Mod").with(&["fmod"]).folds(Size::Broadcast),
    each(
        "Mul",
        "by a constant per channel; of functions of one value (x * sigmoid(x)) as an activation; of two computed values (suite `shared`), the second of the same shape or with one number per channel (gates)",
    )
        .arithmetic(Arithmetic::Mul)
        .ends(End::CarriesScores),
    op("MultiHeadAttention").refused(ATTENTION),
    each("Neg", PART).folds(Size::Same),
    op("NonMaxSuppression").refused(BOXES),
    op("NonZero").refused(COUNTED),
    op("Not").condition(Condition::Not).folds(Size::Same).element(Element::Bool),
    op("Or").condition(Condition::Holds(|a, b| a != 0.0 || b != 0.0)).folds(Size::Broadcast).element(Element::Bool),
    each("PRelu", "exact, with slopes per channel"),
    op("Pad")
        .takes("with a constant, or what is there (edge, reflect, wrap); any axes but the batch", check::pad, rows::pad)
        .axes(Axes::Kept)
        .moved()
        .bounds(Bounds::OrFiller).with(&["mode", "pads", "value"]),
    each("Pow", "as part of an activation; squares as products").folds(Size::Broadcast),
    op("QLinearAdd").refused(INTEGERS),
    op("QLinearConv").refused(INTEGERS),
    op("QLinearGlobalAveragePool").refused(INTEGERS),
    op("QLinearMatMul").refused(INTEGERS),
    each(
        "QuantizeLinear",
        "of constants; of computed values, which are cut off at both ends of the range (the image only if it reaches a sixteenth beyond) and not rounded",
    )
    .converts(Element::OfZeroPoint)
    .bounds(Bounds::Quantized)
    .folds(Size::Broadcast)
    .ends(End::CarriesScores).with(&["axis", "block_size", "output_dtype", "precision", "saturate"]),
    op("RMSNormalization").refused(NORMALIZES),
    op("RNN").refused(RECURRENT),
    op("Range").folds(Size::Counted),
    each("Reciprocal", PART).folds(Size::Same),
    op("ReduceL2").refused(NORMALIZES),
    op("ReduceMax").takes("over any axes but the batch", any, rows::reduce).moved().with(&["axes", "keepdims", "noop_with_empty_axes"]).folds(Size::AtMostFirst),
    op("ReduceMean").takes("over any axes but the batch", any, rows::reduce).with(&["axes", "keepdims", "noop_with_empty_axes"]).folds(Size::AtMostFirst),
    op("ReduceMin").folds(Size::AtMostFirst),
    op("ReduceProd").folds(Size::AtMostFirst),
    op("ReduceSum").takes("over any axes but the batch", any, rows::reduce).with(&["axes", "keepdims", "noop_with_empty_axes"]).folds(Size::AtMostFirst),
    op("ReduceSumSquare").folds(Size::AtMostFirst),
    each("Relu", "any").bounds(Bounds::NotNegative).folds(Size::Same),
    op("Reshape")
        .takes("keeping the batch apart", any, arrangement)
        .axes(Axes::Reshaped)
        .moved()
        .folds(Size::AtMostFirst)
        .ends(End::CarriesAll).with(&["allowzero"]),
    op("Resize").takes(
        "height and width by constant scales or to constant sizes; in every mode that is a fixed weighted sum of pixels (nearest, linear, cubic)",
        check::resize,
        rows::resize,
    ).with(&["antialias", "axes", "coordinate_transformation_mode", "cubic_coeff_a", "exclude_outside", "extrapolation_value", "keep_aspect_ratio_policy", "mode", "nearest_mode"]),
    op("RoiAlign").refused(BOXES),
    op("Round").folds(Size::Same),
    op("Scan").refused(RECURRENT),
    each("Selu", SMOOTH).with(&["alpha", "gamma"]),
    op("Shape").element(Element::Int64).folds(Size::OfShape),
    each("Sigmoid", SMOOTH).bounds(Bounds::Unit).folds(Size::Same),
    each("Sign", "any; an input of exactly 0 gives -1").folds(Size::Same),
    op("Sin").folds(Size::Same),
    op("Size").element(Element::Int64).folds(Size::OfShape),
    op("Slice")
        .takes("of any axes but the batch, with any steps", any, arrangement)
        .moved()
        .folds(Size::AtMostFirst).with(&["axes", "ends", "starts"]),
    op("Softmax")
        .takes("along one axis or several neighbouring ones, as the last operator; computed by the client", any, rows::softmax)
        .bounds(Bounds::Unit)
        .ends(End::Scores).with(&["axis"]).folds(Size::Same),
    each("Softplus", SMOOTH),
    op("SpaceToDepth").takes("in order DCR", check::space_to_depth, arrangement).axes(Axes::ChannelsFirst).moved().with(&["blocksize", "mode"]),
    op("Split").takes("of any axis but the batch", any, arrangement).moved().with(&["axis", "num_outputs", "split"]).folds(Size::AtMostFirst),
    each("Sqrt", PART).folds(Size::Same),
    op("Squeeze")
        .takes("of axes of length 1", any, arrangement)
        .moved()
        .folds(Size::AtMostFirst)
        .ends(End::CarriesAll)
        .condition(Condition::Same).with(&["axes"]),
    each("Sub", "two computed values of one shape, or a constant per channel on either side")
        .arithmetic(Arithmetic::Sub)
        .ends(End::CarriesScores),
    each("Sum", "of computed values of one shape").folds(Size::Broadcast),
    each("Swish", SMOOTH).with(&["alpha"]),
    each("Tanh", SMOOTH).folds(Size::Same),
    op("Tile").takes("any, but of the batch", any, arrangement).moved().folds(Size::Repeated),
    op("TopK").takes(LABEL, check::not_last, arrangement).ends(End::Label(Label {
        output: 1,
        axis: -1,
        classes: Classes::Counted { operand: 1, attribute: "k" },
    })).with(&["axis", "k", "largest", "sorted"]),
    op("Transpose")
        .takes(
            "any, also of the model's input (NHWC), if convolutions and poolings read channels first",
            check::transpose,
            arrangement,
        )
        .axes(Axes::Permuted)
        .moved()
        .folds(Size::AtMostFirst).with(&["perm"]),
    op("Trilu").folds(Size::Same),
    op("Unique").refused(COUNTED),
    op("Unsqueeze")
        .takes("any", any, arrangement)
        .axes(Axes::Inserted)
        .moved()
        .folds(Size::AtMostFirst)
        .ends(End::CarriesAll)
        .condition(Condition::Same).with(&["axes"]),
    op("Upsample").takes(
        "height and width by constant scales; nearest and linear",
        check::upsample,
        rows::resize,
    ).with(&["mode", "nearest_mode", "scales"]),
    each("Where", "as a choice by a comparison, both sides of which meet").folds(Size::Broadcast).element(Element::Second),
    op("Xor").element(Element::Bool).folds(Size::Broadcast).condition(Condition::Holds(|a, b| (a != 0.0) != (b != 0.0))),
];

const fn op(name: &'static str) -> Operator {
    Operator::new(name)
}

/// An operator that works element by element.
const fn each(name: &'static str, limits: &'static str) -> Operator {
    op(name).takes(limits, any, element_wise).axes(Axes::Kept)
}
