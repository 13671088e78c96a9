//! Why operators are refused, and what helps.

use super::operator::Unsupported;

const fn because(why: &'static str, hint: &'static str) -> Unsupported {
    Unsupported { why, hint }
}

pub(super) const ATTENTION: Unsupported =
    because("it multiplies computed values with a softmax of others", "use a convolutional network");
pub(super) const BOXES: Unsupported = because(
    "it chooses among boxes, as many as the image has",
    "compile the model up to the boxes and scores (--model-output NAME), and let the client choose",
);
pub(super) const COUNTED: Unsupported = because(
    "the size of its result depends on the image",
    "compile the model up to there (--model-output NAME), and let the client do the rest",
);
pub(super) const DYNAMIC: Unsupported = because(
    "it chooses scales while the model runs",
    "quantize statically (QDQ) instead of dynamically, or export the float model",
);
pub(super) const INTEGERS: Unsupported = because(
    "it computes on the integers of a quantised model",
    "export quantization as QuantizeLinear and DequantizeLinear pairs (QDQ), or the float model",
);
pub(super) const NORMALIZES: Unsupported =
    because("it divides by what it computes of the image", "replace it with BatchNormalization and retrain");
pub(super) const RECURRENT: Unsupported = because(
    "it repeats its steps along a sequence",
    "only feed-forward networks can be compiled; use convolutions instead",
);
