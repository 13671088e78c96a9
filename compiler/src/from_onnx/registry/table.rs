//! The rows, sorted by name.

use super::check::{self, any};
use super::columns::{Arithmetic, Axes, Bounds, Classes, Condition, Element, End, Label, Size};
use super::operator::Operator;
use crate::from_onnx::translate::rows;
use rows::{arrangement, element_wise};

/// Limits of smooth activations.
const SMOOTH: &str =
    "by linear segments, wrong by at most 1 % of the distance of its limits (0.01 where it tends to x)";
/// Limits of operators that are no activation by themselves.
const PART: &str = "as part of an activation";
/// Limits of operators that choose a class.
const LABEL: &str =
    "over the classes, as the last operator, for the best one: the client then learns the label alone";

const ATTENTION: &str = "products of computed values cannot be compiled; use a convolutional network";
const DYNAMIC: &str = "quantize statically (QDQ) instead of dynamically, or export the float model";
const INTEGERS: &str =
    "export quantization as QuantizeLinear and DequantizeLinear pairs (QDQ), or the float model";
const NORMALIZES: &str =
    "it divides by what it computes of the image; retrain with BatchNormalization instead";
const RECURRENT: &str = "only feed-forward networks can be compiled";

/// All operators of which anything is known.
pub(in crate::from_onnx) static OPERATORS: &[Operator] = &[
    each("Abs", PART).folds(Size::Same),
    each("Add", "two computed values of one shape, or a constant per channel")
        .arithmetic(Arithmetic::Add)
        .ends(End::CarriesScores),
    op("And").condition(Condition::Holds(|a, b| a != 0.0 && b != 0.0)),
    op("ArgMax").takes(LABEL, check::not_last, arrangement).ends(End::Label(Label {
        output: 0,
        axis: 0,
        classes: Classes::One,
    })),
    op("Attention").refused(ATTENTION),
    op("AveragePool")
        .takes(
            "1-D and 2-D, any kernel, stride, padding, dilation; `ceil_mode` unless padding is counted",
            check::pool,
            rows::average_pool,
        )
        .axes(Axes::ChannelsFirst)
        .bounds(Bounds::OrZero),
    op("BatchNormalization")
        .takes("with constant statistics (inference)", check::batch_normalization, element_wise)
        .axes(Axes::ChannelsFirst),
    op("Cast")
        .takes("between floating-point types", any, arrangement)
        .axes(Axes::Kept)
        .converts(Element::To)
        .folds(Size::Same)
        .ends(End::CarriesAll)
        .condition(Condition::Same),
    op("CastLike").element(Element::Like),
    op("Ceil").folds(Size::Same),
    op("Celu")
        .takes(
            "with alpha = 1; by linear segments, wrong by at most 0.01",
            check::celu,
            element_wise,
        )
        .axes(Axes::Kept),
    each("Clip", "exact, with constant bounds").bounds(Bounds::Clipped).takes_infinity(),
    op("Concat")
        .takes("of computed values and zeros along any axis but the batch", any, rows::concat)
        .bounds(Bounds::Joined)
        .folds(Size::Sum),
    op("Constant").element(Element::Stored).folds(Size::Stored),
    op("ConstantOfShape").folds(Size::Filled),
    op("Conv")
        .takes(
            "1-D and 2-D with constant weights; any stride, padding (explicit or automatic), dilation, groups",
            check::conv,
            rows::convolution,
        )
        .axes(Axes::ChannelsFirst),
    op("ConvInteger").refused(DYNAMIC),
    op("ConvTranspose")
        .takes(
            "1-D and 2-D with constant weights; any stride, padding, output padding, dilation, groups",
            check::conv,
            rows::transposed_convolution,
        )
        .axes(Axes::ChannelsFirst),
    op("DepthToSpace").takes("any", any, arrangement).axes(Axes::ChannelsFirst).moved(),
    each(
        "DequantizeLinear",
        "of constants; of what QuantizeLinear gives, with the same constant scale and zero point; of an image of integers",
    )
    .converts(Element::Float)
    .folds(Size::Broadcast)
    .ends(End::CarriesScores),
    each("Div", "by a constant per channel; else as part of an activation").arithmetic(Arithmetic::Div),
    op("Dropout").takes("without effect, as in inference", any, rows::dropout).axes(Axes::Kept).moved(),
    op("DynamicQuantizeLinear").refused(DYNAMIC),
    each("Elu", SMOOTH),
    op("Equal").condition(Condition::Holds(|a, b| a == b)),
    each("Erf", PART),
    each("Exp", PART).folds(Size::Same),
    op("Expand").takes("any", any, arrangement).moved(),
    op("Flatten")
        .takes("keeping the batch apart", any, arrangement)
        .moved()
        .folds(Size::AtMostFirst)
        .ends(End::CarriesAll),
    op("Floor").folds(Size::Same),
    op("GRU").refused(RECURRENT),
    op("Gather")
        .takes("at constant positions of any axis but the batch", any, arrangement)
        .moved()
        .folds(Size::Product),
    each("Gelu", SMOOTH),
    op("Gemm").takes("with constant weights and bias", check::gemm, rows::dense).ends(End::Scores),
    op("GlobalAveragePool")
        .takes("1-D and 2-D", any, rows::reduce)
        .axes(Axes::ChannelsFirst)
        .bounds(Bounds::Same),
    op("GlobalMaxPool").takes("1-D and 2-D", any, rows::reduce).axes(Axes::ChannelsFirst).moved(),
    each("Greater", "as the condition of Where").condition(Condition::Holds(|a, b| a > b)),
    each("GreaterOrEqual", "as the condition of Where").condition(Condition::Holds(|a, b| a >= b)),
    op("GroupNormalization").refused(NORMALIZES),
    each("HardSigmoid", "exact").bounds(Bounds::Unit),
    each("HardSwish", SMOOTH),
    op("Identity")
        .takes("any", any, arrangement)
        .axes(Axes::Kept)
        .moved()
        .folds(Size::Same)
        .ends(End::CarriesAll)
        .condition(Condition::Same),
    op("If").takes("on a constant", check::undecided, arrangement).chooses_a_branch(),
    op("InstanceNormalization").refused(NORMALIZES),
    op("LRN").refused(NORMALIZES),
    op("LSTM").refused(RECURRENT),
    op("LayerNormalization").refused(NORMALIZES),
    each("LeakyRelu", "exact"),
    each("Less", "as the condition of Where").condition(Condition::Holds(|a, b| a < b)),
    each("LessOrEqual", "as the condition of Where").condition(Condition::Holds(|a, b| a <= b)),
    each("Log", PART),
    op("LogSoftmax")
        .takes("over the classes, as the last operator; computed by the client", any, rows::softmax)
        .ends(End::Scores),
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
        .spares_outputs(),
    op("MeanVarianceNormalization").refused(NORMALIZES),
    each("Min", "with a constant per channel; else as part of an activation")
        .folds(Size::Broadcast)
        .takes_infinity(),
    each("Mish", SMOOTH),
    each(
        "Mul",
        "by a constant per channel; of functions of one value (x * sigmoid(x)) as an activation; of two computed values (suite `shared`), the second of the same shape or with one number per channel (gates)",
    )
        .arithmetic(Arithmetic::Mul)
        .ends(End::CarriesScores),
    op("MultiHeadAttention").refused(ATTENTION),
    each("Neg", PART).folds(Size::Same),
    op("Not").condition(Condition::Not),
    op("Or").condition(Condition::Holds(|a, b| a != 0.0 || b != 0.0)),
    each("PRelu", "exact, with slopes per channel"),
    op("Pad")
        .takes("with a constant, or what is there (edge, reflect, wrap); any axes but the batch", check::pad, rows::pad)
        .axes(Axes::Kept)
        .moved()
        .bounds(Bounds::OrFiller),
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
    .ends(End::CarriesScores),
    op("RMSNormalization").refused(NORMALIZES),
    op("RNN").refused(RECURRENT),
    each("Reciprocal", PART).folds(Size::Same),
    op("ReduceL2").refused(NORMALIZES),
    op("ReduceMax").takes("over any axes but the batch", any, rows::reduce).moved(),
    op("ReduceMean").takes("over any axes but the batch", any, rows::reduce),
    op("ReduceProd").folds(Size::AtMostFirst),
    op("ReduceSum").takes("over any axes but the batch", any, rows::reduce),
    each("Relu", "any").bounds(Bounds::NotNegative).folds(Size::Same),
    op("Reshape")
        .takes("keeping the batch apart", any, arrangement)
        .axes(Axes::Reshaped)
        .moved()
        .folds(Size::AtMostFirst)
        .ends(End::CarriesAll),
    op("Resize").takes(
        "height and width by constant scales or to constant sizes; in every mode that is a fixed weighted sum of pixels (nearest, linear, cubic)",
        check::resize,
        rows::resize,
    ),
    op("Scan").refused(RECURRENT),
    each("Selu", SMOOTH),
    op("Shape").element(Element::Int64).folds(Size::OfShape),
    each("Sigmoid", SMOOTH).bounds(Bounds::Unit),
    each("Sign", "any; an input of exactly 0 gives -1"),
    op("Size").element(Element::Int64).folds(Size::OfShape),
    op("Slice")
        .takes("of any axes but the batch, with any steps", any, arrangement)
        .moved()
        .folds(Size::AtMostFirst),
    op("Softmax")
        .takes("over the classes, as the last operator; computed by the client", any, rows::softmax)
        .bounds(Bounds::Unit)
        .ends(End::Scores),
    each("Softplus", SMOOTH),
    op("SpaceToDepth").takes("any", any, arrangement).axes(Axes::ChannelsFirst).moved(),
    op("Split").takes("of any axis but the batch", any, arrangement).moved(),
    each("Sqrt", PART).folds(Size::Same),
    op("Squeeze")
        .takes("of axes of length 1", any, arrangement)
        .moved()
        .folds(Size::AtMostFirst)
        .ends(End::CarriesAll)
        .condition(Condition::Same),
    each("Sub", "two computed values of one shape, or a constant per channel on either side")
        .arithmetic(Arithmetic::Sub)
        .ends(End::CarriesScores),
    each("Sum", "of computed values of one shape"),
    each("Tanh", SMOOTH),
    op("Tile").takes("any, but of the batch", any, arrangement).moved(),
    op("TopK").takes(LABEL, check::not_last, arrangement).ends(End::Label(Label {
        output: 1,
        axis: -1,
        classes: Classes::Counted { operand: 1, attribute: "k" },
    })),
    op("Transpose")
        .takes(
            "any, also of the model's input (NHWC), if convolutions and poolings read channels first",
            check::transpose,
            arrangement,
        )
        .axes(Axes::Permuted)
        .moved()
        .folds(Size::AtMostFirst),
    op("Unsqueeze")
        .takes("any", any, arrangement)
        .axes(Axes::Inserted)
        .moved()
        .folds(Size::AtMostFirst)
        .ends(End::CarriesAll)
        .condition(Condition::Same),
    op("Upsample").takes(
        "height and width by constant scales; nearest and linear",
        check::upsample,
        rows::resize,
    ),
    each("Where", "as a choice by a comparison, both sides of which meet"),
];

const fn op(name: &'static str) -> Operator {
    Operator::new(name)
}

/// An operator that works element by element.
const fn each(name: &'static str, limits: &'static str) -> Operator {
    op(name).takes(limits, any, element_wise).axes(Axes::Kept)
}
