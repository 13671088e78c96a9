//! Back-propagation through one operation: from the gradient of its value to those of its inputs.

use super::evaluate::{divisors, each};
use super::{Batch, Reading, taps};
use crate::graph::{Add, Clip, Conv, Dense, Gather, Op, Pool, Real, Shape, Window};
use crate::numeric::{View, multiply_add};
use rayon::prelude::*;

/// Step of a difference quotient.
const STEP: f64 = 1e-3;

/// The gradient of input number `position` of `op`, whose value is `output` and has the gradient `gradient`. A sign,
/// whose slope is 0, counts as a line with slope 1 ÷ the standard deviation of its input.
pub(super) fn adjoint(
    op: &Op<Real>,
    inputs: &[&Batch],
    position: usize,
    output: &Batch,
    gradient: &Batch,
) -> Batch {
    let (input, to) = (inputs[position], output.shape());
    let from = input.shape();
    match op {
        Op::Conv(conv) => of_convolution(op, conv, from, gradient),
        Op::Dense(dense) => of_dense(dense, from, gradient),
        Op::AveragePool(pool) => of_average(pool, from, gradient),
        Op::MaxPool(window) => of_maximum(window, input, output, gradient),
        Op::Relu => scaled(gradient, |at| f32::from(u8::from(input.values()[at] > 0.0))),
        Op::Clip(Clip { high }) => scaled(gradient, |at| {
            let (x, high) = (input.values()[at], high[channel(at, to)]);
            f32::from(u8::from(x > 0.0 && x < high))
        }),
        Op::Activation(curve) => scaled(gradient, |at| {
            let (x, channel) = (f64::from(input.values()[at]), channel(at, to));
            ((curve.at(channel, x + STEP) - curve.at(channel, x - STEP)) / (2.0 * STEP)) as f32
        }),
        Op::Affine(affine) => scaled(gradient, |at| affine.scale[channel(at, to)]),
        Op::Sign => {
            let slope = (1.0 / input.deviation()).min(f32::MAX.into()) as f32;
            scaled(gradient, |_| slope)
        }
        Op::Add(Add { multipliers }) => scaled(gradient, |_| multipliers[position]),
        Op::Mul => of_product(inputs, position, gradient),
        Op::Concat => {
            let first = inputs[..position].iter().map(|input| input.shape().elements()).sum::<usize>();
            each(gradient, from, |gradient, out| out.copy_from_slice(&gradient[first..][..out.len()]))
        }
        Op::Gather(gather) => of_gather(gather, from, gradient),
        Op::Flatten | Op::Rescale(_) | Op::Input => Batch::new(from, gradient.values().to_vec()),
    }
}

/// The channel of an element of a batch.
fn channel(at: usize, shape: Shape) -> usize {
    at / shape.plane() % shape.channels
}

/// Every element of `gradient` times its `slope`.
fn scaled(gradient: &Batch, slope: impl Fn(usize) -> f32 + Sync) -> Batch {
    let values = gradient.values().par_iter().enumerate().map(|(at, x)| x * slope(at));
    Batch::new(gradient.shape(), values.collect())
}

fn of_convolution(op: &Op<Real>, conv: &Conv<Real>, from: Shape, gradient: &Batch) -> Batch {
    let to = gradient.shape();
    let Some(reading) = Reading::from_op(op, to) else { return gradient.clone() };
    let (columns, rows, outputs) = (reading.columns(from), reading.rows(), to.channels / conv.groups);
    each(gradient, from, |gradient, out| {
        for group in 0..conv.groups {
            let kernels = &conv.weights[group * outputs * columns..][..outputs * columns];
            let kernels = View::rows(kernels, [outputs, columns]).transposed();
            let gradient = &gradient[group * outputs * rows..][..outputs * rows];
            let mut unfolded = vec![0.0; columns * rows];
            multiply_add(kernels, View::rows(gradient, [outputs, rows]), &mut unfolded, rows);
            let channels = out.chunks_exact_mut(from.plane()).skip(group * from.channels / conv.groups);
            let taps = conv.window.kernel[0] * conv.window.kernel[1];
            for (plane, unfolded) in channels.zip(unfolded.chunks_exact(taps * rows)) {
                for (tap, unfolded) in taps::all(&conv.window).zip(unfolded.chunks_exact(rows)) {
                    spread(&conv.window, tap, from, to, unfolded, plane);
                }
            }
        }
    })
}

/// Adds what `tap` has at each position to the pixel that it meets there.
fn spread(window: &Window, tap: [usize; 2], from: Shape, to: Shape, given: &[f32], plane: &mut [f32]) {
    for run in taps::runs(window, tap, from, to) {
        let pixels = plane[run.pixel..].iter_mut().step_by(run.stride);
        pixels.zip(&given[run.position..][..run.len]).for_each(|(pixel, x)| *pixel += x);
    }
}

/// Each factor's gradient is the product's times the other factor, summed over what shares the factor.
fn of_product(inputs: &[&Batch], position: usize, gradient: &Batch) -> Batch {
    let other = inputs[1 - position];
    let shared = gradient.shape().elements() / inputs[1].shape().elements();
    if position == 0 {
        return scaled(gradient, |at| other.values()[at / shared]);
    }
    let products = scaled(gradient, |at| other.values()[at]);
    let sums = products.values().par_chunks_exact(shared).map(|of_one| of_one.iter().sum());
    Batch::new(inputs[1].shape(), sums.collect())
}

fn of_dense(dense: &Dense<Real>, from: Shape, gradient: &Batch) -> Batch {
    let (inputs, outputs) = (from.elements(), gradient.shape().elements());
    let mut values = vec![0.0; gradient.len() * inputs];
    let gradients = View::rows(gradient.values(), [gradient.len(), outputs]);
    multiply_add(gradients, View::rows(&dense.weights, [outputs, inputs]), &mut values, inputs);
    Batch::new(from, values)
}

fn of_average(pool: &Pool, from: Shape, gradient: &Batch) -> Batch {
    let (to, divisors) = (gradient.shape(), divisors(pool, from, gradient.shape()));
    each(gradient, from, |gradient, out| {
        for (plane, gradient) in out.chunks_exact_mut(from.plane()).zip(gradient.chunks_exact(to.plane())) {
            let share: Vec<f32> = gradient.iter().zip(&divisors).map(|(x, divisor)| x / divisor).collect();
            taps::all(&pool.window).for_each(|tap| spread(&pool.window, tap, from, to, &share, plane));
        }
    })
}

/// An element that is gathered several times gets the sum.
fn of_gather(gather: &Gather, from: Shape, gradient: &Batch) -> Batch {
    let positions: Vec<Option<usize>> = gather.map.positions().collect();
    each(gradient, from, |gradient, out| {
        for (position, x) in positions.iter().zip(gradient) {
            position.iter().for_each(|&position| out[position] += x);
        }
    })
}

/// The first of several maxima gets it all.
fn of_maximum(window: &Window, input: &Batch, output: &Batch, gradient: &Batch) -> Batch {
    let (from, to) = (input.shape(), output.shape());
    let mut values = vec![0.0; input.values().len()];
    let planes = values.par_chunks_exact_mut(from.plane()).enumerate();
    planes.for_each(|(index, out)| {
        let plane = |batch: &'_ Batch| index * batch.shape().plane()..(index + 1) * batch.shape().plane();
        let (pixels, largest) = (&input.values()[plane(input)], &output.values()[plane(output)]);
        let mut left = gradient.values()[plane(gradient)].to_vec();
        for run in taps::all(window).flat_map(|tap| taps::runs(window, tap, from, to)) {
            for step in 0..run.len {
                let (at, pixel) = (run.position + step, run.pixel + step * run.stride);
                if pixels[pixel] == largest[at] {
                    out[pixel] += std::mem::take(&mut left[at]);
                }
            }
        }
    });
    Batch::new(from, values)
}
