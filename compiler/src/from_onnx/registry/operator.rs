//! A row of the table.

use super::check::Check;
use super::columns::{Arithmetic, Axes, Bounds, Condition, Constants, Element, End, Size, Values};
use crate::from_onnx::refusal::Refusal;
use crate::from_onnx::translate::Translate;

/// What is said of an operator of which nothing is known.
const UNLISTED: Unsupported = Unsupported {
    why: "this operator is not supported",
    hint: "replace the layer and retrain, or compile the model up to there (--model-output NAME)",
};

/// A row of the table of ONNX operators.
pub(in crate::from_onnx) struct Operator {
    /// The operator type (`op_type`), as ONNX spells it.
    pub(in crate::from_onnx) name: &'static str,
    /// Whether it is supported on values that depend on the image.
    pub(in crate::from_onnx) support: Support,
    /// The attributes that it may have, in any opset.
    pub(in crate::from_onnx) attributes: &'static [&'static str],
    /// What is done with it where all operands are constants.
    pub(in crate::from_onnx) constants: Constants,
    pub(in crate::from_onnx) axes: Axes,
    pub(in crate::from_onnx) values: Values,
    pub(in crate::from_onnx) bounds: Bounds,
    pub(in crate::from_onnx) element: Element,
    pub(in crate::from_onnx) end: End,
    pub(in crate::from_onnx) condition: Condition,
    /// An infinite constant means that there is no bound.
    pub(in crate::from_onnx) takes_infinity: bool,
    /// It does the same if it gives its first output alone.
    pub(in crate::from_onnx) spares_outputs: bool,
}

/// Why an operator on values that depend on the image cannot be compiled.
#[derive(Clone, Copy)]
pub(in crate::from_onnx) struct Unsupported {
    pub(in crate::from_onnx) why: &'static str,
    /// What to try instead.
    pub(in crate::from_onnx) hint: &'static str,
}

impl Unsupported {
    /// The finding, before the node's name is known.
    pub(in crate::from_onnx) fn refusal(self) -> Refusal {
        Refusal::new(self.why, self.hint)
    }
}

/// Whether values that depend on the image may be read.
pub(in crate::from_onnx) enum Support {
    Yes {
        /// What is supported, in words.
        limits: &'static str,
        /// Refuses attributes beyond that.
        check: Check,
        /// Translates any part into which tract has taken the operator apart.
        translate: Translate,
    },
    No(Unsupported),
}

impl Operator {
    /// Whether the result follows from the shape of the operand alone.
    pub(in crate::from_onnx) fn reads_shape(&self) -> bool {
        self.constants == Constants::Folded(Size::OfShape)
    }

    /// Whether the node holds its value.
    pub(in crate::from_onnx) fn is_stored(&self) -> bool {
        self.constants == Constants::Folded(Size::Stored)
    }

    /// Whether the node holds branches, of which its first operand chooses one.
    pub(in crate::from_onnx) fn branches(&self) -> bool {
        self.constants == Constants::Branches
    }

    /// Whether every result is one of the elements of the first operand.
    pub(in crate::from_onnx) fn moves(&self) -> bool {
        self.values == Values::Moved
    }
}

/// Rows are written as what differs from an operator of which nothing is known.
impl Operator {
    pub(super) const fn new(name: &'static str) -> Self {
        Self {
            name,
            support: Support::No(UNLISTED),
            attributes: &[],
            constants: Constants::Refused,
            axes: Axes::Other,
            values: Values::Computed,
            bounds: Bounds::Unknown,
            element: Element::Same,
            end: End::Other,
            condition: Condition::Unknown,
            takes_infinity: false,
            spares_outputs: false,
        }
    }

    pub(super) const fn takes(self, limits: &'static str, check: Check, translate: Translate) -> Self {
        Self { support: Support::Yes { limits, check, translate }, ..self }
    }

    pub(super) const fn refused(self, unsupported: Unsupported) -> Self {
        Self { support: Support::No(unsupported), ..self }
    }

    /// Names the attributes that are known; a supported operator with others is refused.
    pub(super) const fn with(self, attributes: &'static [&'static str]) -> Self {
        Self { attributes, ..self }
    }

    pub(super) const fn folds(self, size: Size) -> Self {
        Self { constants: Constants::Folded(size), ..self }
    }

    pub(super) const fn chooses_a_branch(self) -> Self {
        Self { constants: Constants::Branches, ..self }
    }

    pub(super) const fn arithmetic(self, arithmetic: Arithmetic) -> Self {
        Self { bounds: Bounds::Of(arithmetic), ..self }.folds(Size::Broadcast)
    }

    /// Elements stand in other places, so they lie where they lay.
    pub(super) const fn moved(self) -> Self {
        Self { values: Values::Moved, bounds: Bounds::Same, ..self }
    }

    pub(super) const fn converts(self, element: Element) -> Self {
        Self { values: Values::Converted, bounds: Bounds::Same, element, ..self }
    }

    pub(super) const fn axes(self, axes: Axes) -> Self {
        Self { axes, ..self }
    }

    pub(super) const fn bounds(self, bounds: Bounds) -> Self {
        Self { bounds, ..self }
    }

    pub(super) const fn element(self, element: Element) -> Self {
        Self { element, ..self }
    }

    pub(super) const fn ends(self, end: End) -> Self {
        Self { end, ..self }
    }

    pub(super) const fn condition(self, condition: Condition) -> Self {
        Self { condition, ..self }
    }

    pub(super) const fn takes_infinity(self) -> Self {
        Self { takes_infinity: true, ..self }
    }

    pub(super) const fn spares_outputs(self) -> Self {
        Self { spares_outputs: true, ..self }
    }
}
