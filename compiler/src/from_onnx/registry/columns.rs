//! The columns of the table that are no texts: what the passes over the protobuf ask of an operator.
/// What becomes of an operator whose operands do not depend on the image.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::from_onnx) enum Constants {
    /// It is refused.
    Refused,
    /// tract computes the result, which is as large as this.
    Folded(Size),
    /// It chooses a branch; what is left of these when conditions are settled is refused as on computed values.
    Branches,
}

/// How large a constant result is, from the sizes of the operands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::from_onnx) enum Size {
    /// The value stands in the node.
    Stored,
    /// As the operand says, which is a shape.
    Filled,
    /// A number for each axis of the operand, whatever is in it.
    OfShape,
    /// The operand's own shape.
    Same,
    /// Not larger than the first operand.
    AtMostFirst,
    /// All operands, one after the other.
    Sum,
    /// At most the product of the operands' sizes.
    Product,
    /// A product of matrices.
    Matrix,
    /// The operands repeated to one shape.
    Broadcast,
    /// The first operand, for each element of the shape that the second is, at most.
    Repeated,
    /// From the first operand to the second by the third.
    Counted,
}

/// How an operator treats the axes of the value that it reads.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::from_onnx) enum Axes {
    /// Takes them for batch, channels, height and width.
    ChannelsFirst,
    /// Leaves them where they are and works on each element or line alike.
    Kept,
    /// Changes their order, as `perm` says.
    Permuted,
    /// Adds axes of length 1.
    Inserted,
    /// Gives the shape that its second operand says.
    Reshaped,
    /// Anything else, which tells nothing of them.
    Other,
}

/// What becomes of the elements that an operator reads first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::from_onnx) enum Values {
    /// Others are computed of them.
    Computed,
    /// They are converted to another type.
    Converted,
    /// They, or some of them, stand in other places.
    Moved,
}

/// Between which numbers the results lie.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::from_onnx) enum Bounds {
    /// Anywhere.
    Unknown,
    /// Where the first operand does.
    Same,
    /// There, and at 0 where that is negative.
    NotNegative,
    /// There, or at 0.
    OrZero,
    /// There, or at the filler of a padding.
    OrFiller,
    /// From 0 to 1.
    Unit,
    /// Where the first operand does, within constant bounds.
    Clipped,
    /// The same, within the range of the integers.
    Quantized,
    /// Where any of the operands does.
    Joined,
    /// As arithmetic tells.
    Of(Arithmetic),
}

/// The elementwise arithmetic of two operands whose bounds follow from theirs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::from_onnx) enum Arithmetic {
    Add,
    Sub,
    Mul,
    Div,
}

/// The type of the results' elements.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::from_onnx) enum Element {
    /// The first operand's.
    Same,
    /// What `to` says.
    To,
    /// That of the second operand.
    Like,
    /// That of the second operand, which is one of the values.
    Second,
    /// Truth values.
    Bool,
    /// 64-bit integers.
    Int64,
    /// That of the value in the node.
    Stored,
    /// That of the zero point.
    OfZeroPoint,
    /// f32.
    Float,
}

/// What an operator means at the end of a model.
#[derive(Clone, Copy)]
pub(in crate::from_onnx) enum End {
    /// Nothing certain.
    Other,
    /// It gives the scores of the classes.
    Scores,
    /// It gives the label.
    Label(Label),
    /// Scores may pass through it.
    CarriesScores,
    /// Scores and labels may.
    CarriesAll,
}

/// A choice of the best class.
#[derive(Clone, Copy)]
pub(in crate::from_onnx) struct Label {
    /// Which output is the position of the best one.
    pub(in crate::from_onnx) output: usize,
    /// The axis of the classes where the node says none.
    pub(in crate::from_onnx) axis: i64,
    pub(in crate::from_onnx) classes: Classes,
}

/// How many of the best classes a label is for.
#[derive(Clone, Copy)]
pub(in crate::from_onnx) enum Classes {
    /// The best one.
    One,
    /// As many as an operand says or, in older models, an attribute; the worst ones where `largest` is 0.
    Counted { operand: usize, attribute: &'static str },
}

/// What an operator gives where scripts compute the condition of an If with it.
#[derive(Clone, Copy)]
pub(in crate::from_onnx) enum Condition {
    /// Not known.
    Unknown,
    /// The first operand.
    Same,
    /// The opposite of the operand.
    Not,
    /// Whether this holds of two numbers.
    Holds(fn(f64, f64) -> bool),
}
