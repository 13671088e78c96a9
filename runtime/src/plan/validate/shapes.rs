//! The shapes that operations give.

use super::{MAX_ELEMENTS, MAX_MULTIPLIER_BITS, MAX_WINDOW};
use crate::plan::{Conv2d, Gather, Shape, SumPool, Window};
use std::collections::BTreeSet;

/// Whether a value of this shape may be.
pub(super) fn fits(shape: Shape) -> bool {
    let elements = shape.channels.checked_mul(shape.height).and_then(|n| n.checked_mul(shape.width));
    elements.is_some_and(|n| (1..=MAX_ELEMENTS).contains(&n))
}

pub(super) fn windowed(window: &Window, image: Shape) -> Result<[usize; 2], String> {
    let sane = (0..2).all(|axis| {
        let sizes = [
            window.kernel[axis],
            window.stride[axis],
            window.dilation[axis],
            window.pad_before[axis],
            window.pad_after[axis],
        ];
        sizes.iter().all(|&size| size <= MAX_WINDOW)
    });
    let output = window.output([image.height, image.width]).filter(|_| sane);
    let [height, width] =
        output.ok_or_else(|| format!("the window {window} does not fit an image of {image}"))?;
    if fits(Shape::new(image.channels, height, width)) {
        Ok([height, width])
    } else {
        Err("its output is too large".into())
    }
}

/// A pool needs at least one pixel in every window.
pub(super) fn pool_shape(window: &Window, image: Shape) -> Result<Shape, String> {
    let output = windowed(window, image)?;
    if !window.always_inside([image.height, image.width], output) {
        return Err(format!("the window {window} leaves an image of {image} altogether"));
    }
    Ok(Shape::new(image.channels, output[0], output[1]))
}

pub(super) fn sum_pool_shape(pool: &SumPool, image: Shape) -> Result<Shape, String> {
    let shape = pool_shape(&pool.window, image)?;
    let Some(common) = pool.balance else { return Ok(shape) };
    let (image, output) = ([image.height, image.width], [shape.height, shape.width]);
    let counts = |axis| pool.window.tap_counts(axis, image[axis], output[axis]).into_iter().collect();
    let divides = |n: usize| i64::try_from(n).is_ok_and(|n| common % n == 0);
    let (rows, columns): (BTreeSet<_>, BTreeSet<_>) = (counts(0), counts(1));
    let balanced = rows.iter().all(|rows| columns.iter().all(|columns| divides(rows * columns)));
    if balanced && common > 0 && common >> MAX_MULTIPLIER_BITS == 0 {
        Ok(shape)
    } else {
        Err(format!("its balance {common} is not a multiple of every window's size"))
    }
}

pub(super) fn conv_shape(conv: &Conv2d, image: Shape) -> Result<Shape, String> {
    let [height, width] = windowed(&conv.window, image)?;
    if conv.groups == 0 || !image.channels.is_multiple_of(conv.groups) {
        return Err(format!("{} channels do not fall into {} groups", image.channels, conv.groups));
    }
    let taps = conv.window.kernel[0]
        .checked_mul(conv.window.kernel[1])
        .and_then(|n| n.checked_mul(image.channels / conv.groups));
    let per_output = taps.filter(|&n| n > 0).ok_or("its kernel is empty or too large")?;
    let channels = conv.weights.len() / per_output;
    if channels == 0 || channels * per_output != conv.weights.len() || !channels.is_multiple_of(conv.groups) {
        return Err(format!(
            "{} weights do not fit {per_output} taps in {} groups",
            conv.weights.len(),
            conv.groups
        ));
    }
    Ok(Shape::new(channels, height, width))
}

pub(super) fn dense_shape(weights: usize, input: Shape) -> Result<Shape, String> {
    let outputs = weights / input.elements();
    if outputs == 0 || outputs * input.elements() != weights {
        return Err(format!("{weights} weights do not fit {} inputs", input.elements()));
    }
    Ok(Shape::vector(outputs))
}

/// The one shape of all inputs.
pub(super) fn same_shape(inputs: &[Shape]) -> Result<Shape, String> {
    let first = inputs.first().ok_or("it has no inputs")?;
    if inputs.iter().all(|input| input == first) {
        Ok(*first)
    } else {
        Err("its inputs differ in shape".into())
    }
}

/// Of products of two values: the first one's shape, the second having the same or one element for each channel.
pub(super) fn product_shape(inputs: &[Shape]) -> Result<Shape, String> {
    match *inputs {
        [first, second] if second == first || second == Shape::vector(first.channels) => Ok(first),
        [first, second] => Err(format!("it multiplies {first} with {second}")),
        _ => Err("it has not two inputs".into()),
    }
}

/// All channels of inputs of one height and width.
pub(super) fn concat_shape(inputs: &[Shape]) -> Result<Shape, String> {
    let first = inputs.first().ok_or("it has no inputs")?;
    if inputs.iter().any(|input| (input.height, input.width) != (first.height, first.width)) {
        return Err("its inputs differ in height or width".into());
    }
    Ok(Shape::new(inputs.iter().map(|input| input.channels).sum(), first.height, first.width))
}

/// The stated shape, if the map gives so many elements and all of them come from the input.
pub(super) fn gather_shape(gather: &Gather, input: Shape, stated: Shape) -> Result<Shape, String> {
    gather.map.check(stated.elements(), input.elements()).map(|()| stated)
}
