//! Evaluates one operation of the float graph for many images at once, on all cores.

use super::{Batch, Reading, taps};
use crate::graph::{Add, Conv, Dense, Gather, Op, Pool, PoolDivisor, Real, Shape, Window};
use crate::numeric::{View, multiply_add};
use rayon::prelude::*;

/// Images that go through a dense layer together.
const IMAGES: usize = 64;

/// The value of `op`, of `shape`, over `inputs`.
///
/// # Panics
/// Where the batches do not fit the operation.
pub fn apply(op: &Op<Real>, inputs: &[&Batch], shape: Shape) -> Batch {
    let input = inputs[0];
    match op {
        Op::Conv(conv) => convolution(op, conv, input, shape),
        Op::Dense(layer) => dense(layer, input, shape),
        Op::AveragePool(pool) => {
            pooled(&pool.window, input, shape, 0.0, |sum, x| *sum += x, &divisors(pool, input.shape(), shape))
        }
        Op::MaxPool(window) => {
            pooled(window, input, shape, f32::NEG_INFINITY, |most, x| *most = most.max(x), &[])
        }
        Op::Add(add) => sum(add, inputs, shape),
        Op::Mul => product(input, inputs[1]),
        Op::Concat => concat(inputs, shape),
        Op::Gather(gather) => gathered(gather, input, shape),
        Op::Flatten => Batch::new(shape, input.values().to_vec()),
        Op::Affine(_)
        | Op::Activation(_)
        | Op::Relu
        | Op::Clip(_)
        | Op::Sign
        | Op::Rescale(_)
        | Op::Input => {
            let mut batch = input.clone();
            pointwise(op).into_iter().for_each(|change| batch.each_plane(change));
            batch
        }
    }
}

/// Changes, in place, a channel of one image; the first argument is the channel's index.
pub(super) type Pointwise<'a> = Box<dyn Fn(usize, &mut [f32]) + Sync + 'a>;

/// The change that `op` makes to each channel, where it works element by element; `None` for other operations.
pub(super) fn pointwise(op: &Op<Real>) -> Option<Pointwise<'_>> {
    Some(match op {
        Op::Affine(affine) => Box::new(|channel, plane| {
            let (scale, shift) = (affine.scale[channel], affine.shift[channel]);
            plane.iter_mut().for_each(|x| *x = scale * *x + shift);
        }),
        Op::Activation(curve) => Box::new(|channel, plane| {
            plane.iter_mut().for_each(|x| *x = curve.at(channel, (*x).into()) as f32)
        }),
        Op::Relu => Box::new(|_, plane| plane.iter_mut().for_each(|x| *x = x.max(0.0))),
        Op::Clip(clip) => Box::new(|channel, plane| {
            let high = clip.high[channel];
            plane.iter_mut().for_each(|x| *x = x.clamp(0.0, high));
        }),
        Op::Sign => Box::new(|_, plane| plane.iter_mut().for_each(|x| *x = f32::from(u8::from(*x > 0.0)))),
        Op::Rescale(_) | Op::Input => Box::new(|_, _| {}),
        Op::Conv(_)
        | Op::Dense(_)
        | Op::AveragePool(_)
        | Op::MaxPool(_)
        | Op::Add(_)
        | Op::Mul
        | Op::Concat
        | Op::Gather(_)
        | Op::Flatten => {
            return None;
        }
    })
}

/// Elements of `x`, as many one after another as they outnumber those of `y`, times one of these.
fn product(x: &Batch, y: &Batch) -> Batch {
    let shared = x.shape().elements() / y.shape().elements();
    let values = x.values().par_iter().enumerate().map(|(at, x)| x * y.values()[at / shared]);
    Batch::new(x.shape(), values.collect())
}

/// The results of `map` for each image, which it writes over zeros.
pub(super) fn each(input: &Batch, shape: Shape, map: impl Fn(&[f32], &mut [f32]) + Sync) -> Batch {
    Batch::by_image(shape, input.len(), |image, out| map(input.image(image), out))
}

fn convolution(op: &Op<Real>, conv: &Conv<Real>, input: &Batch, shape: Shape) -> Batch {
    if conv.groups == input.shape().channels && conv.groups == shape.channels {
        return depthwise(conv, input, shape);
    }
    let Some(reading) = Reading::from_op(op, shape) else { return input.clone() };
    let (columns, rows, outputs) =
        (reading.columns(input.shape()), reading.rows(), shape.channels / conv.groups);
    Batch::by_image(shape, input.len(), |image, out| {
        out.chunks_exact_mut(rows).zip(&conv.bias).for_each(|(channel, &bias)| channel.fill(bias));
        for (group, out) in out.chunks_exact_mut(outputs * rows).enumerate() {
            let unfolded = reading.unfold(input, image, group);
            let kernels = &conv.weights[group * outputs * columns..][..outputs * columns];
            let kernels = View::rows(kernels, [outputs, columns]);
            multiply_add(kernels, View::rows(&unfolded, [columns, rows]), out, rows);
        }
    })
}

/// One channel makes one.
fn depthwise(conv: &Conv<Real>, input: &Batch, shape: Shape) -> Batch {
    let (window, from) = (&conv.window, input.shape());
    let kernels = conv.weights.chunks_exact(window.kernel[0] * window.kernel[1]);
    each(input, shape, |image, out| {
        let planes = image.chunks_exact(from.plane()).zip(out.chunks_exact_mut(shape.plane()));
        for ((plane, out), (kernel, &bias)) in planes.zip(kernels.clone().zip(&conv.bias)) {
            out.fill(bias);
            for (tap, weight) in taps::all(window).zip(kernel) {
                for run in taps::runs(window, tap, from, shape) {
                    run.zip(out, plane).for_each(|(sum, x)| *sum += weight * x);
                }
            }
        }
    })
}

fn dense(dense: &Dense<Real>, input: &Batch, shape: Shape) -> Batch {
    let (inputs, outputs) = (input.shape().elements(), shape.elements());
    let kernels = View::rows(&dense.weights, [outputs, inputs]).transposed();
    let mut values = dense.bias.repeat(input.len());
    let images = input.values().par_chunks(IMAGES * inputs);
    values.par_chunks_mut(IMAGES * outputs).zip(images).for_each(|(out, images)| {
        multiply_add(View::rows(images, [images.len() / inputs, inputs]), kernels, out, outputs);
    });
    Batch::new(shape, values)
}

/// Windows of every channel, from `start` on, `fold` of the pixels under them; divided by the `divisors` of their positions,
/// where there are any.
fn pooled(
    window: &Window,
    input: &Batch,
    shape: Shape,
    start: f32,
    fold: impl Fn(&mut f32, f32) + Sync,
    divisors: &[f32],
) -> Batch {
    let from = input.shape();
    each(input, shape, |image, out| {
        for (plane, out) in image.chunks_exact(from.plane()).zip(out.chunks_exact_mut(shape.plane())) {
            out.fill(start);
            for run in taps::all(window).flat_map(|tap| taps::runs(window, tap, from, shape)) {
                run.zip(out, plane).for_each(|(out, &x)| fold(out, x));
            }
            out.iter_mut().zip(divisors).for_each(|(out, divisor)| *out /= divisor);
        }
    })
}

/// By position: what the sum of a window is divided by.
pub(super) fn divisors(pool: &Pool, from: Shape, to: Shape) -> Vec<f32> {
    let window = &pool.window;
    if pool.divisor == PoolDivisor::Kernel {
        return vec![(window.kernel[0] * window.kernel[1]) as f32; to.plane()];
    }
    let rows = window.tap_counts(0, from.height, to.height);
    let columns = window.tap_counts(1, from.width, to.width);
    rows.iter().flat_map(|rows| columns.iter().map(move |columns| (rows * columns) as f32)).collect()
}

fn sum(add: &Add<Real>, inputs: &[&Batch], shape: Shape) -> Batch {
    Batch::by_image(shape, inputs[0].len(), |image, out| {
        for (input, by) in inputs.iter().zip(&add.multipliers) {
            out.iter_mut().zip(input.image(image)).for_each(|(sum, x)| *sum += by * x);
        }
    })
}

fn concat(inputs: &[&Batch], shape: Shape) -> Batch {
    Batch::by_image(shape, inputs[0].len(), |image, out| {
        let mut rest = out;
        for input in inputs {
            let (own, others) = rest.split_at_mut(input.shape().elements());
            own.copy_from_slice(input.image(image));
            rest = others;
        }
    })
}

fn gathered(gather: &Gather, input: &Batch, shape: Shape) -> Batch {
    let positions: Vec<Option<usize>> = gather.map.positions().collect();
    each(input, shape, |image, out| {
        for (out, position) in out.iter_mut().zip(&positions) {
            *out = position.map_or(0.0, |position| image[position]);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::testing::{graphs, pattern};
    use crate::reference::real::evaluate;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn batches_give_what_the_reference_gives(graph in graphs()) {
            let input = graph.shape(graph.input());
            let images = pattern(2 * input.elements());
            let mut values: Vec<Option<Batch>> = vec![None; graph.id_bound()];
            for id in graph.ids_in_order() {
                let inputs: Vec<&Batch> = graph.inputs(id).iter().filter_map(|i| values[i.index()].as_ref()).collect();
                values[id.index()] = Some(match graph.op(id) {
                    Op::Input => Batch::new(input, images.clone()),
                    op => apply(op, &inputs, graph.shape(id)),
                });
            }
            let id = graph.output();
            for (i, image) in images.chunks(input.elements()).enumerate() {
                let image: Vec<f64> = image.iter().map(|&x| x.into()).collect();
                let expected = evaluate(&graph, &image);
                let largest = expected.iter().fold(1f64, |largest, x| largest.max(x.abs()));
                for (got, expected) in values[id.index()].as_ref().unwrap().image(i).iter().zip(expected) {
                    prop_assert!((f64::from(*got) - expected).abs() <= 1e-3 * largest);
                }
            }
        }
    }
}
