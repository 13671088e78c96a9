//! The shape that an operation gives, and whether its parameters fit what it reads.

use super::{Conv, Dense, Domain, Op, Shape, Window};

/// Shape of the result of `op` over inputs of these shapes.
///
/// # Errors
/// What does not fit, as a sentence without the node's name: the number of inputs, their shapes,
/// or the length of a weight.
pub fn infer_shape<D: Domain>(op: &Op<D>, inputs: &[Shape]) -> Result<Shape, String> {
    check_arity(op, inputs.len())?;
    let first = inputs.first().copied().unwrap_or(Shape::vector(0));
    match op {
        Op::Input => Err("an input's shape is given, not inferred".into()),
        Op::Conv(conv) => conv_shape(conv, first),
        Op::Dense(dense) => dense_shape(dense, first),
        Op::Affine(affine) => {
            check_len("scale", affine.scale.len(), first.channels)?;
            check_len("shift", affine.shift.len(), first.channels)?;
            Ok(first)
        }
        Op::Clip(clip) => check_len("high", clip.high.len(), first.channels).map(|()| first),
        Op::AveragePool(pool) => nowhere_empty(&pool.window, first),
        Op::MaxPool(window) => nowhere_empty(window, first),
        Op::Activation(curve) => {
            let mut constants = curve.constants().into_iter().map(<[f32]>::len).filter(|&len| len != 1);
            constants.try_for_each(|len| check_len("a constant", len, first.channels)).map(|()| first)
        }
        Op::Relu | Op::Sign | Op::Rescale(_) => Ok(first),
        Op::Add(_) => sum_shape(inputs, first),
        Op::Mul => product_shape(inputs, first),
        Op::Concat => concat_shape(inputs, first),
        Op::Flatten => Ok(first.flattened()),
        Op::Gather(gather) => {
            gather.map.check(gather.shape.elements(), first.elements()).map(|()| gather.shape)
        }
    }
}

/// How many values an operation reads: exactly, or at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arity {
    Exactly(usize),
    AtLeast(usize),
}

impl<D: Domain> Op<D> {
    pub(super) fn arity(&self) -> Arity {
        match self {
            Op::Input => Arity::Exactly(0),
            Op::Add(add) => Arity::Exactly(add.multipliers.len()),
            Op::Mul => Arity::Exactly(2),
            Op::Concat => Arity::AtLeast(1),
            _ => Arity::Exactly(1),
        }
    }
}

pub(super) fn check_arity<D: Domain>(op: &Op<D>, inputs: usize) -> Result<(), String> {
    match op.arity() {
        Arity::Exactly(n) if n != inputs => Err(format!("reads {inputs} values, not {n}")),
        Arity::AtLeast(n) if n > inputs => Err(format!("reads {inputs} values, not {n} or more")),
        _ => Ok(()),
    }
}

fn conv_shape<D: Domain>(conv: &Conv<D>, input: Shape) -> Result<Shape, String> {
    let channels = conv.bias.len();
    if conv.groups == 0
        || !input.channels.is_multiple_of(conv.groups)
        || !channels.is_multiple_of(conv.groups)
    {
        return Err(format!(
            "{} groups do not divide {} and {channels} channels",
            conv.groups, input.channels
        ));
    }
    let [height, width] = conv.window.kernel;
    check_product(conv.weights.len(), [channels, input.channels / conv.groups, height, width])?;
    Ok(Shape { channels, ..pooled(&conv.window, input)? })
}

fn dense_shape<D: Domain>(dense: &Dense<D>, input: Shape) -> Result<Shape, String> {
    check_product(dense.weights.len(), [dense.bias.len(), input.elements()])?;
    Ok(Shape::vector(dense.bias.len()))
}

fn pooled(window: &Window, input: Shape) -> Result<Shape, String> {
    let [height, width] = window
        .output([input.height, input.width])
        .ok_or_else(|| format!("the window {window} does not fit into {input}"))?;
    Ok(Shape { height, width, ..input })
}

/// The shape that a pooling gives; every window must hold a pixel of the image.
fn nowhere_empty(window: &Window, input: Shape) -> Result<Shape, String> {
    let shape = pooled(window, input)?;
    let mut outputs = (0..shape.height).map(|y| [y, 0]).chain((0..shape.width).map(|x| [0, x]));
    match outputs.find(|&at| window.taps([input.height, input.width], at).next().is_none()) {
        Some([y, x]) => Err(format!("the window {window} at {y},{x} lies outside {input}")),
        None => Ok(shape),
    }
}

fn sum_shape(inputs: &[Shape], first: Shape) -> Result<Shape, String> {
    match inputs.iter().find(|&&shape| shape != first) {
        Some(other) => Err(format!("adds {other} to {first}")),
        None => Ok(first),
    }
}

fn product_shape(inputs: &[Shape], first: Shape) -> Result<Shape, String> {
    match inputs[1] {
        second if second == first || second == Shape::vector(first.channels) => Ok(first),
        second => Err(format!("multiplies {first} with {second}")),
    }
}

fn concat_shape(inputs: &[Shape], first: Shape) -> Result<Shape, String> {
    match inputs.iter().find(|shape| (shape.height, shape.width) != (first.height, first.width)) {
        Some(other) => Err(format!("joins the channels of {other} and {first}")),
        None => Ok(Shape { channels: inputs.iter().map(|shape| shape.channels).sum(), ..first }),
    }
}

fn check_len(what: &str, len: usize, expected: usize) -> Result<(), String> {
    if len == expected { Ok(()) } else { Err(format!("{what} has {len} values, not {expected}")) }
}

fn check_product<const N: usize>(len: usize, shape: [usize; N]) -> Result<(), String> {
    let expected = shape.iter().try_fold(1usize, |product, &axis| product.checked_mul(axis));
    if expected == Some(len) {
        return Ok(());
    }
    Err(format!("weights have {len} values, not {}", shape.map(|axis| axis.to_string()).join("x")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Add, Real};

    fn infer(op: Op<Real>, inputs: &[Shape]) -> Result<Shape, String> {
        infer_shape(&op, inputs)
    }

    #[test]
    fn convolutions_check_groups_and_weights() {
        let conv = |groups, weights| Conv {
            window: Window::dense([3, 3]),
            groups,
            weights: vec![0.0; weights],
            bias: vec![0.0; 4],
        };
        let input = Shape::new(2, 5, 6);
        assert_eq!(infer(Op::Conv(conv(2, 36)), &[input]), Ok(Shape::new(4, 3, 4)));
        assert!(infer(Op::Conv(conv(3, 36)), &[input]).unwrap_err().contains("3 groups"));
        assert!(infer(Op::Conv(conv(0, 36)), &[input]).unwrap_err().contains("0 groups"));
        assert_eq!(
            infer(Op::Conv(conv(1, 36)), &[input]).unwrap_err(),
            "weights have 36 values, not 4x2x3x3"
        );
        assert!(infer(Op::Conv(conv(2, 36)), &[Shape::new(2, 2, 9)]).unwrap_err().contains("does not fit"));
    }

    #[test]
    fn poolings_need_a_pixel_everywhere() {
        let window = Window { pad_before: [0, 2], ..Window::dense([2, 2]) };
        assert!(
            infer(Op::MaxPool(window), &[Shape::new(1, 4, 4)])
                .unwrap_err()
                .contains("at 0,0 lies outside 1x4x4")
        );
        let window = Window { pad_after: [1, 1], ..Window::dense([2, 2]) };
        assert_eq!(infer(Op::MaxPool(window), &[Shape::new(1, 4, 4)]), Ok(Shape::new(1, 4, 4)));
    }

    #[test]
    fn joins_check_their_inputs() {
        let (a, b) = (Shape::new(2, 3, 3), Shape::new(4, 3, 3));
        assert_eq!(infer(Op::Concat, &[a, b]), Ok(Shape::new(6, 3, 3)));
        assert!(infer(Op::Concat, &[a, Shape::new(2, 3, 4)]).is_err());
        assert!(infer(Op::Add(Add { multipliers: vec![1.0; 2] }), &[a, b]).is_err());
        assert!(
            infer(Op::Add(Add { multipliers: vec![1.0; 3] }), &[a, a])
                .unwrap_err()
                .contains("reads 2 values, not 3")
        );
        assert_eq!(infer(Op::Flatten, &[b]), Ok(Shape::vector(36)));
    }
}
