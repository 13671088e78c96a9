//! An interpreter of float graphs: plain loops in double precision, for checking the import and
//! every pass that rewrites a float graph.

use crate::graph::{Conv, Dense, Graph, NodeId, Op, Pool, PoolDivisor, Real, Shape, Window};

/// The output of `graph` for one image, row-major.
///
/// # Panics
/// Where the graph breaks an invariant of [`crate::graph::verify`], or the image has the wrong size.
pub fn evaluate(graph: &Graph<Real>, image: &[f64]) -> Vec<f64> {
    let mut values: Vec<Vec<f64>> = vec![Vec::new(); graph.id_bound()];
    for id in graph.ids_in_order() {
        values[id.index()] = node(graph, id, image, &values);
    }
    values.swap_remove(graph.output().index())
}

fn node(graph: &Graph<Real>, id: NodeId, image: &[f64], values: &[Vec<f64>]) -> Vec<f64> {
    let inputs: Vec<&[f64]> = graph.inputs(id).iter().map(|input| values[input.index()].as_slice()).collect();
    let shapes = graph.input_shapes(id);
    match graph.op(id) {
        Op::Input => {
            assert_eq!(image.len(), graph.shape(id).elements(), "image size");
            image.to_vec()
        }
        Op::Conv(op) => conv(op, inputs[0], shapes[0], graph.shape(id)),
        Op::Dense(op) => dense(op, inputs[0]),
        Op::Affine(affine) => {
            let per_channel = inputs[0].chunks(shapes[0].plane()).zip(affine.scale.iter().zip(&affine.shift));
            per_channel
                .flat_map(|(plane, (&a, &b))| plane.iter().map(move |x| x * f64::from(a) + f64::from(b)))
                .collect()
        }
        Op::AveragePool(pool) => {
            windows(&pool.window, inputs[0], shapes[0], graph.shape(id), |taps| average(pool, taps))
        }
        Op::MaxPool(window) => windows(window, inputs[0], shapes[0], graph.shape(id), |taps| {
            taps.iter().copied().fold(f64::NEG_INFINITY, f64::max)
        }),
        Op::Activation(curve) => {
            let plane = shapes[0].plane();
            inputs[0].iter().enumerate().map(|(i, &x)| curve.at(i / plane, x)).collect()
        }
        Op::Relu => inputs[0].iter().map(|x| x.max(0.0)).collect(),
        Op::Clip(clip) => {
            let planes = inputs[0].chunks(shapes[0].plane()).zip(&clip.high);
            planes.flat_map(|(plane, &high)| plane.iter().map(move |x| x.clamp(0.0, high.into()))).collect()
        }
        Op::Sign => inputs[0].iter().map(|&x| f64::from(u8::from(x > 0.0))).collect(),
        Op::Add(add) => (0..inputs[0].len())
            .map(|i| {
                add.multipliers
                    .iter()
                    .zip(&inputs)
                    .map(|(&multiplier, input)| f64::from(multiplier) * input[i])
                    .sum()
            })
            .collect(),
        Op::Mul => {
            let shared = inputs[0].len() / inputs[1].len();
            inputs[0].iter().enumerate().map(|(at, x)| x * inputs[1][at / shared]).collect()
        }
        Op::Concat => inputs.concat(),
        Op::Gather(gather) => gather.map.gather(inputs[0], &0.0),
        Op::Flatten | Op::Rescale(_) => inputs[0].to_vec(),
    }
}

fn conv(conv: &Conv<Real>, input: &[f64], from: Shape, to: Shape) -> Vec<f64> {
    let [kernel_height, kernel_width] = conv.window.kernel;
    let (group_in, group_out) = (from.channels / conv.groups, to.channels / conv.groups);
    let mut output = Vec::with_capacity(to.elements());
    for (channel, &bias) in conv.bias.iter().enumerate() {
        let first = channel / group_out * group_in;
        for at in positions(to) {
            let mut sum = f64::from(bias);
            for ([ky, kx], [y, x]) in conv.window.taps([from.height, from.width], at) {
                for i in 0..group_in {
                    let weight =
                        conv.weights[((channel * group_in + i) * kernel_height + ky) * kernel_width + kx];
                    sum += f64::from(weight) * input[from.index(first + i, y, x)];
                }
            }
            output.push(sum);
        }
    }
    output
}

fn dense(dense: &Dense<Real>, input: &[f64]) -> Vec<f64> {
    let rows = dense.weights.chunks(input.len()).zip(&dense.bias);
    rows.map(|(row, &bias)| {
        f64::from(bias) + row.iter().zip(input).map(|(&w, x)| f64::from(w) * x).sum::<f64>()
    })
    .collect()
}

/// `of` the pixels inside the image under each window.
fn windows(window: &Window, input: &[f64], from: Shape, to: Shape, of: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    let mut output = Vec::with_capacity(to.elements());
    for channel in 0..to.channels {
        for at in positions(to) {
            let taps = window.taps([from.height, from.width], at);
            let pixels: Vec<f64> = taps.map(|(_, [y, x])| input[from.index(channel, y, x)]).collect();
            output.push(of(&pixels));
        }
    }
    output
}

fn average(pool: &Pool, pixels: &[f64]) -> f64 {
    let count = match pool.divisor {
        PoolDivisor::Kernel => pool.window.kernel[0] * pool.window.kernel[1],
        PoolDivisor::Inside => pixels.len(),
    };
    pixels.iter().sum::<f64>() / count as f64
}

fn positions(shape: Shape) -> impl Iterator<Item = [usize; 2]> {
    (0..shape.plane()).map(move |i| [i / shape.width, i % shape.width])
}
