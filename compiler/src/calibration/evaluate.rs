//! What one operation makes of many images at once, on all cores.

use super::{Batch, Reading};
use crate::graph::{Add, Conv, Dense, Op, Pool, PoolDivisor, Real, Shape, Window};
use crate::numeric::{View, multiply_add};
use rayon::prelude::*;

/// Images that go through a dense layer together.
const IMAGES: usize = 64;

/// The value of `op`, of `shape`, over `inputs`; softmax passes its input on.
///
/// # Panics
/// Where the batches do not fit the operation.
pub fn apply(op: &Op<Real>, inputs: &[&Batch], shape: Shape) -> Batch {
    let input = inputs[0];
    match op {
        Op::Conv(conv) => convolution(op, conv, input, shape),
        Op::Dense(layer) => dense(layer, input, shape),
        Op::Affine(affine) => {
            let map = |channel: usize, x: f32| affine.scale[channel] * x + affine.shift[channel];
            let plane = shape.plane();
            each(input, shape, |image, out| (0..out.len()).for_each(|i| out[i] = map(i / plane, image[i])))
        }
        Op::AveragePool(pool) => {
            each(input, shape, |image, out| average(pool, image, input.shape(), shape, out))
        }
        Op::MaxPool(window) => each(input, shape, |image, out| {
            over_windows(window, image, input.shape(), shape, out, |pixels| {
                pixels.fold(f32::NEG_INFINITY, f32::max)
            });
        }),
        Op::Activation(curve) => {
            let plane = shape.plane();
            each(input, shape, |image, out| {
                (0..out.len()).for_each(|i| out[i] = curve.at(i / plane, image[i].into()) as f32)
            })
        }
        Op::Relu => each(input, shape, |image, out| (0..out.len()).for_each(|i| out[i] = image[i].max(0.0))),
        Op::Clip(clip) => {
            let plane = shape.plane();
            each(input, shape, |image, out| {
                (0..out.len()).for_each(|i| out[i] = image[i].clamp(0.0, clip.high[i / plane]));
            })
        }
        Op::Sign => each(input, shape, |image, out| {
            (0..out.len()).for_each(|i| out[i] = f32::from(u8::from(image[i] > 0.0)))
        }),
        Op::Add(add) => sum(add, inputs, shape),
        Op::Concat => concat(inputs, shape),
        Op::Flatten | Op::Softmax(_) | Op::Rescale(_) | Op::Input => {
            Batch::new(shape, input.values().to_vec())
        }
    }
}

/// Image by image.
fn each(input: &Batch, shape: Shape, map: impl Fn(&[f32], &mut [f32]) + Sync) -> Batch {
    let mut values = vec![0.0; input.len() * shape.elements()];
    values.par_chunks_exact_mut(shape.elements()).enumerate().for_each(|(i, out)| map(input.image(i), out));
    Batch::new(shape, values)
}

fn convolution(op: &Op<Real>, conv: &Conv<Real>, input: &Batch, shape: Shape) -> Batch {
    let Some(reading) = Reading::of(op, shape) else { return input.clone() };
    let (columns, rows, outputs) =
        (reading.columns(input.shape()), reading.rows(), shape.channels / conv.groups);
    let mut values = vec![0.0; input.len() * shape.elements()];
    values.par_chunks_exact_mut(shape.elements()).enumerate().for_each(|(image, out)| {
        out.chunks_exact_mut(rows).zip(&conv.bias).for_each(|(channel, &bias)| channel.fill(bias));
        for (group, out) in out.chunks_exact_mut(outputs * rows).enumerate() {
            let unfolded = reading.unfold(input, image, group);
            let kernels = &conv.weights[group * outputs * columns..][..outputs * columns];
            let kernels = View::rows(kernels, [outputs, columns]);
            multiply_add(kernels, View::rows(&unfolded, [columns, rows]), out, rows);
        }
    });
    Batch::new(shape, values)
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

fn average(pool: &Pool, image: &[f32], from: Shape, to: Shape, out: &mut [f32]) {
    let kernel = pool.window.kernel[0] * pool.window.kernel[1];
    over_windows(&pool.window, image, from, to, out, |pixels| {
        let (count, sum) = pixels.fold((0, 0.0), |(count, sum), x| (count + 1, sum + x));
        sum / if pool.divisor == PoolDivisor::Kernel { kernel as f32 } else { count as f32 }
    });
}

/// `fold` over the pixels inside the image under each window.
fn over_windows(
    window: &Window,
    image: &[f32],
    from: Shape,
    to: Shape,
    out: &mut [f32],
    fold: impl Fn(&mut dyn Iterator<Item = f32>) -> f32,
) {
    for (index, out) in out.iter_mut().enumerate() {
        let (channel, position) = (index / to.plane(), index % to.plane());
        let taps = window.taps([from.height, from.width], [position / to.width, position % to.width]);
        *out = fold(&mut taps.map(|(_, [y, x])| image[from.index(channel, y, x)]));
    }
}

fn sum(add: &Add<Real>, inputs: &[&Batch], shape: Shape) -> Batch {
    let mut values = vec![0.0; inputs[0].values().len()];
    for (input, by) in inputs.iter().zip(&add.multipliers) {
        values.iter_mut().zip(input.values()).for_each(|(sum, x)| *sum += by * x);
    }
    Batch::new(shape, values)
}

fn concat(inputs: &[&Batch], shape: Shape) -> Batch {
    let images = 0..inputs[0].len();
    Batch::new(
        shape,
        images.flat_map(|i| inputs.iter().flat_map(move |input| input.image(i).to_vec())).collect(),
    )
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
            let id = match graph.op(graph.output()) {
                Op::Softmax(_) => graph.sole_input(graph.output()),
                _ => graph.output(),
            };
            let mut logits = graph.clone();
            logits.set_output(id);
            for (i, image) in images.chunks(input.elements()).enumerate() {
                let image: Vec<f64> = image.iter().map(|&x| x.into()).collect();
                let expected = evaluate(&logits, &image);
                let largest = expected.iter().fold(1f64, |largest, x| largest.max(x.abs()));
                for (got, expected) in values[id.index()].as_ref().unwrap().image(i).iter().zip(expected) {
                    prop_assert!((f64::from(*got) - expected).abs() <= 1e-3 * largest);
                }
            }
        }
    }
}
