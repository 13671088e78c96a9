//! What an integer graph means: plain loops over exact integers. The truth that plans and encrypted
//! runs are compared with.

use crate::graph::sum_pool;
use crate::graph::{Conv, Dense, Graph, Integer, NodeId, Op, Pool, Rescale, Shape, Window};
use runtime::plan::Ring;

/// The integers of every value, by [`NodeId::index`], for the integers of one image. Values that have a ring are taken in it.
///
/// Panics where `input` has another length than the graph's input, or a value leaves 128 bits; after
/// the range pass no input within its bounds makes one do so.
pub fn values(graph: &Graph<Integer>, input: &[i64]) -> Vec<Vec<i128>> {
    assert_eq!(input.len(), graph.shape(graph.input()).elements(), "an input of the graph's shape");
    let mut values = vec![Vec::new(); graph.id_bound()];
    for id in graph.ids_in_order() {
        let value = match graph.op(id) {
            Op::Input => input.iter().map(|&x| x.into()).collect(),
            _ => evaluate(graph, id, &values),
        };
        values[id.index()] = match graph.node(id).fact.ring {
            None => value,
            Some(ring) => value.into_iter().map(|x| ring.wrap(x as i64).into()).collect(),
        };
    }
    values
}

/// The integers that `graph` returns for the integers of one image; panics as [`values`] does.
pub fn run(graph: &Graph<Integer>, input: &[i64]) -> Vec<i128> {
    values(graph, input).swap_remove(graph.output().index())
}

fn evaluate(graph: &Graph<Integer>, id: NodeId, values: &[Vec<i128>]) -> Vec<i128> {
    let inputs = graph.inputs(id);
    let (x, shape) = (&values[inputs[0].index()], graph.shape(inputs[0]));
    let (output, ring, compared) =
        (graph.shape(id), graph.node(inputs[0]).fact.ring, graph.node(id).fact.compared);
    match graph.op(id) {
        Op::Conv(conv) => convolution(conv, x, shape, output),
        Op::Dense(dense) => product(dense, x),
        Op::AveragePool(pool) => sums(pool, x, shape, output),
        Op::MaxPool(window) => maxima(window, compared, x, shape, output),
        Op::Relu => x.iter().map(|&x| x.max(0)).collect(),
        Op::Sign => x.iter().map(|&x| i128::from(is_positive(ring, x))).collect(),
        Op::Add(add) => (0..x.len())
            .map(|i| {
                inputs
                    .iter()
                    .zip(&add.multipliers)
                    .map(|(input, &by)| i128::from(by) * values[input.index()][i])
                    .sum()
            })
            .collect(),
        Op::Mul => {
            let factors = &values[inputs[1].index()];
            let shared = x.len() / factors.len();
            x.iter().enumerate().map(|(at, x)| x * factors[at / shared]).collect()
        }
        Op::Rescale(Rescale { bits }) => x.iter().map(|&x| rescale(ring, x, *bits)).collect(),
        Op::Gather(gather) => gather.map.gather(x, &0),
        Op::Concat => inputs.iter().flat_map(|input| values[input.index()].clone()).collect(),
        Op::Input | Op::Affine(_) | Op::Activation(_) | Op::Clip(_) | Op::Flatten => x.clone(),
    }
}

fn convolution(conv: &Conv<Integer>, x: &[i128], shape: Shape, output: Shape) -> Vec<i128> {
    let (group_inputs, group_outputs) = (shape.channels / conv.groups, output.channels / conv.groups);
    let taps = sights(&conv.window, shape, output);
    let mut result = Vec::with_capacity(output.elements());
    for (channel, kernel) in conv.weights.chunks(group_inputs * taps.len()).enumerate() {
        let mut sums = vec![conv.bias[channel]; output.plane()];
        for (c, weights) in kernel.chunks(taps.len()).enumerate() {
            let from = channel / group_outputs * group_inputs + c;
            let plane = &x[from * shape.plane()..][..shape.plane()];
            for (&weight, sights) in weights.iter().zip(&taps).filter(|&(&weight, _)| weight != 0) {
                sights.iter().for_each(|&(at, pixel)| sums[at] += i128::from(weight) * plane[pixel]);
            }
        }
        result.extend(sums);
    }
    result
}

/// For each tap of a window, row-major: the positions of the output at which it lies inside the image,
/// and the pixels that it sees there.
fn sights(window: &Window, image: Shape, output: Shape) -> Vec<Vec<(usize, usize)>> {
    let mut taps = vec![Vec::new(); window.kernel[0] * window.kernel[1]];
    for at in 0..output.plane() {
        let position = [at / output.width, at % output.width];
        for ([ky, kx], [y, x]) in window.taps([image.height, image.width], position) {
            taps[ky * window.kernel[1] + kx].push((at, y * image.width + x));
        }
    }
    taps
}

fn product(dense: &Dense<Integer>, x: &[i128]) -> Vec<i128> {
    let sum = |row: &[i32]| {
        let terms = row.iter().zip(x).filter(|&(&weight, _)| weight != 0);
        terms.map(|(&weight, x)| i128::from(weight) * x).sum::<i128>()
    };
    dense.weights.chunks(x.len()).zip(&dense.bias).map(|(row, bias)| bias + sum(row)).collect()
}

fn sums(pool: &Pool, x: &[i128], shape: Shape, output: Shape) -> Vec<i128> {
    let sum = sum_pool(pool, shape, output).expect("the pool has been quantised").sum;
    let over_window = |(channel, at)| {
        let pixels = window(&sum.window, x, shape, channel, at);
        pixels.iter().sum::<i128>() * i128::from(sum.multiplier(pixels.len()))
    };
    elements(output).map(over_window).collect()
}

/// x > 0, as x − 1 ≥ 0, which may wrap around.
fn is_positive(ring: Option<Ring>, x: i128) -> bool {
    ring.map_or(x > 0, |ring| ring.wrap(x as i64 - 1) >= 0)
}

fn rescale(ring: Option<Ring>, x: i128, bits: u32) -> i128 {
    ring.map_or_else(|| (x + (1 << (bits - 1))) >> bits, |ring| ring.rescale(x as i64, bits).into())
}

fn maxima(pool: &Window, compared: Option<Ring>, x: &[i128], shape: Shape, output: Shape) -> Vec<i128> {
    let largest = |(channel, at)| {
        let pixels = window(pool, x, shape, channel, at);
        match compared {
            None => pixels.into_iter().max().expect("no window is empty"),
            Some(ring) => {
                let mut pixels: Vec<i64> = pixels.into_iter().map(|x| x as i64).collect();
                ring.maximum(&mut pixels).into()
            }
        }
    };
    elements(output).map(largest).collect()
}

/// The pixels of one window.
fn window(window: &Window, x: &[i128], shape: Shape, channel: usize, at: [usize; 2]) -> Vec<i128> {
    window
        .taps([shape.height, shape.width], at)
        .map(|(_, [y, x_at])| x[shape.index(channel, y, x_at)])
        .collect()
}

/// (channel, [y, x]) of every element, row-major.
fn elements(shape: Shape) -> impl Iterator<Item = (usize, [usize; 2])> {
    (0..shape.elements()).map(move |index| {
        let position = index % shape.plane();
        (index / shape.plane(), [position / shape.width, position % shape.width])
    })
}
