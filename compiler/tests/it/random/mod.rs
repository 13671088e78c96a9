//! Small random networks with every operation that the integer stages know.

mod activations;
mod products;

pub(crate) use activations::{activated, leaky};
pub(crate) use products::multiplied;

use compiler::calibration::Calibration;
use compiler::graph::{
    Add, Conv, Curve, Dense, Domain, Gather, Graph, Integer, NodeId, Op, Pool, PoolDivisor, Real, RealFact,
    Shape, Window,
};
use compiler::options::{CompileOptions, InputOptions};
use compiler::passes::{Choices, Narrowing, Preparation, range};
use compiler::reference::integer;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use runtime::plan::{InputSpec, OutputPart};

/// A recipe from which [`network`] grows a graph.
#[derive(Clone, Debug)]
pub(crate) struct Recipe {
    pub(crate) input: Shape,
    pub(crate) pieces: Vec<Piece>,
    pub(crate) classes: usize,
    pub(crate) seed: u64,
}

/// One stage of a network; what does not fit its input's shape is left out.
#[derive(Clone, Debug)]
pub(crate) enum Piece {
    Conv {
        kernel: usize,
        stride: usize,
        pad: usize,
        channels: usize,
    },
    Grouped {
        kernel: usize,
    },
    Depthwise {
        kernel: usize,
    },
    Relu,
    Sign,
    /// A function of each element that becomes several ReLUs.
    Activation(Curve),
    /// LeakyReLU with a slope for each channel.
    PRelu,
    MaxPool {
        kernel: usize,
        stride: usize,
        pad: usize,
    },
    AveragePool {
        kernel: usize,
        stride: usize,
        pad: usize,
        inside: bool,
    },
    /// x ± branch(x), the branch one convolution or two.
    Residual {
        deep: bool,
        subtract: bool,
    },
    /// Two different convolutions of x, added.
    TwoBranches,
    /// x next to a convolution of it.
    Concat,
    /// x times a function of its averages, one number per channel.
    Gate,
    /// x times a convolution of it, or its square.
    Product {
        square: bool,
    },
    /// A channel that is all bias.
    DeadChannel,
    /// Rows turned round with zeros beside them, pixels twice, channels in another order, or pixels as channels and back.
    Gather {
        kind: usize,
    },
}

pub(crate) fn recipes(with_sign: bool) -> impl Strategy<Value = Recipe> {
    let shape = (1usize..4, 3usize..8, 3usize..8)
        .prop_map(|(channels, height, width)| Shape::new(channels, height, width));
    let pieces = proptest::collection::vec(pieces(with_sign), 1..6);
    (shape, pieces, 1usize..5, any::<u64>()).prop_map(|(input, pieces, classes, seed)| Recipe {
        input,
        pieces,
        classes,
        seed,
    })
}

fn pieces(with_sign: bool) -> impl Strategy<Value = Piece> {
    let windows = (1usize..4, 1usize..3, 0usize..2);
    prop_oneof![
        (windows.clone(), 1usize..5).prop_map(|((kernel, stride, pad), channels)| Piece::Conv {
            kernel,
            stride,
            pad,
            channels
        }),
        (1usize..3).prop_map(|kernel| Piece::Grouped { kernel }),
        (1usize..4).prop_map(|kernel| Piece::Depthwise { kernel }),
        Just(Piece::Relu),
        Just(if with_sign { Piece::Sign } else { Piece::Relu }),
        windows.clone().prop_map(|(kernel, stride, pad)| Piece::MaxPool {
            kernel,
            stride,
            pad: pad.min(kernel / 2)
        }),
        (windows, any::<bool>()).prop_map(|((kernel, stride, pad), inside)| Piece::AveragePool {
            kernel,
            stride,
            pad: pad.min(kernel / 2),
            inside
        }),
        (any::<bool>(), any::<bool>()).prop_map(|(deep, subtract)| Piece::Residual { deep, subtract }),
        Just(Piece::TwoBranches),
        Just(Piece::Concat),
        Just(Piece::DeadChannel),
        (0usize..5).prop_map(|kind| Piece::Gather { kind }),
    ]
}

/// The network of a recipe; every node has its own name, where all activations are ReLU or Sign.
pub(crate) fn network(recipe: &Recipe) -> Graph<Real> {
    let mut grower = Grower { graph: Graph::new("n0", RealFact { shape: recipe.input }), seed: recipe.seed };
    let mut value = grower.graph.input();
    for piece in &recipe.pieces {
        value = grower.piece(piece, value);
    }
    let flat = grower.append(Op::Flatten, &[value]);
    let (elements, outputs) = (grower.graph.shape(flat).elements(), recipe.classes);
    let (weights, bias) = (grower.weights(elements * outputs), grower.weights(outputs));
    let logits = grower.append(Op::Dense(Dense { weights, bias }), &[flat]);
    grower.graph.set_output(logits);
    activations::as_relus(grower.graph)
}

/// The output of `graph` as one vector of scores.
pub(crate) fn outputs<D: Domain>(graph: &Graph<D>) -> Vec<OutputPart> {
    vec![OutputPart::vector(graph.shape(graph.output()).elements())]
}

/// Pixels 0 to 255 that become −128 to 127 or so.
pub(crate) fn input(shape: Shape) -> InputSpec {
    let options =
        InputOptions { scale: 1.0 / 255.0, mean: vec![0.5], std: vec![0.25], ..InputOptions::default() };
    options.spec(shape).unwrap()
}

/// The integer graph of `graph` before anything dead is removed from it: one layer for each of its layers,
/// and values that lose bits where `narrowing` says so.
pub(crate) fn quantized(
    graph: &Graph<Real>,
    spec: &InputSpec,
    options: &CompileOptions,
    narrowing: &Narrowing,
) -> Graph<Integer> {
    let calibration = options.calibration.as_deref();
    let calibration =
        calibration.map(|data| Calibration::new(data, options.calibration_images, graph, spec).unwrap());
    let choices = Choices::uniform(options.layer());
    let preparation = Preparation::for_choices(graph, spec, calibration.as_ref(), &choices).unwrap();
    range(preparation.quantize(&choices, narrowing).unwrap().graph, spec, options).unwrap()
}

struct Grower {
    graph: Graph<Real>,
    seed: u64,
}

impl Grower {
    fn append(&mut self, op: Op<Real>, inputs: &[NodeId]) -> NodeId {
        let name = format!("n{}", self.graph.len());
        self.graph.append(name, op, inputs).unwrap()
    }

    fn piece(&mut self, piece: &Piece, x: NodeId) -> NodeId {
        let shape = self.graph.shape(x);
        match *piece {
            Piece::Activation(ref curve) => self.append(Op::Activation(curve.clone()), &[x]),
            Piece::PRelu => {
                let slopes = self.weights(shape.channels);
                self.append(Op::Activation(activations::prelu(slopes)), &[x])
            }
            Piece::Conv { kernel, stride, pad, channels } => {
                self.conv(x, window(kernel, stride, pad), 1, channels)
            }
            Piece::Grouped { kernel } if shape.channels.is_multiple_of(2) => {
                self.conv(x, window(kernel, 1, 0), 2, shape.channels * 2)
            }
            Piece::Grouped { .. } => x,
            Piece::Depthwise { kernel } => self.conv(x, window(kernel, 1, 1), shape.channels, shape.channels),
            Piece::Relu => self.append(Op::Relu, &[x]),
            Piece::Sign => self.append(Op::Sign, &[x]),
            Piece::MaxPool { kernel, stride, pad } => self.pool(x, Op::MaxPool(window(kernel, stride, pad))),
            Piece::AveragePool { kernel, stride, pad, inside } => {
                let divisor = if inside { PoolDivisor::Inside } else { PoolDivisor::Kernel };
                self.pool(x, Op::AveragePool(Pool { window: window(kernel, stride, pad), divisor }))
            }
            Piece::Residual { deep, subtract } => {
                let mut branch = self.same(x);
                if deep {
                    branch = self.append(Op::Relu, &[branch]);
                    branch = self.same(branch);
                }
                let by = if subtract { -1.0 } else { 1.0 };
                self.append(Op::Add(Add { multipliers: vec![1.0, by] }), &[x, branch])
            }
            Piece::TwoBranches => {
                let (a, b) = (self.same(x), self.same(x));
                self.append(Op::Add(Add { multipliers: vec![1.0, 1.0] }), &[a, b])
            }
            Piece::Concat => {
                let branch = self.same(x);
                self.append(Op::Concat, &[x, branch])
            }
            Piece::DeadChannel => self.dead_channel(x),
            Piece::Gate => self.gate(x),
            Piece::Product { square } => {
                let factor = if square { x } else { self.same(x) };
                self.append(Op::Mul, &[x, factor])
            }
            Piece::Gather { kind } => self.gather(kind, x),
        }
    }

    /// Squeeze and excitation: x times ReLUs of sums of its averages.
    fn gate(&mut self, x: NodeId) -> NodeId {
        let Shape { channels, height, width } = self.graph.shape(x);
        let (window, divisor) = (Window::dense([height, width]), PoolDivisor::Kernel);
        let averages = self.append(Op::AveragePool(Pool { window, divisor }), &[x]);
        let sums = self.conv(averages, Window::dense([1, 1]), 1, channels);
        let gate = self.append(Op::Relu, &[sums]);
        self.append(Op::Mul, &[x, gate])
    }

    fn pool(&mut self, x: NodeId, op: Op<Real>) -> NodeId {
        let (Op::MaxPool(window) | Op::AveragePool(Pool { window, .. })) = op else { return x };
        let shape = self.graph.shape(x);
        match window.output([shape.height, shape.width]) {
            Some(output) if window.always_inside([shape.height, shape.width], output) => {
                self.append(op, &[x])
            }
            _ => x,
        }
    }

    /// A convolution that changes no shape.
    fn same(&mut self, x: NodeId) -> NodeId {
        let channels = self.graph.shape(x).channels;
        self.conv(x, window(3, 1, 1), 1, channels)
    }

    fn conv(&mut self, x: NodeId, window: Window, groups: usize, channels: usize) -> NodeId {
        let shape = self.graph.shape(x);
        if window.output([shape.height, shape.width]).is_none() {
            return x;
        }
        let count = channels * shape.channels / groups * window.kernel[0] * window.kernel[1];
        let (weights, bias) = (self.weights(count), self.weights(channels));
        self.append(Op::Conv(Conv { window, groups, weights, bias }), &[x])
    }

    fn gather(&mut self, kind: usize, x: NodeId) -> NodeId {
        let from = self.graph.shape(x);
        let Shape { channels, height, width } = from;
        let to = match kind {
            0 => Shape::new(channels, height, width + 2),
            1 if from.elements() < 200 => Shape::new(channels, 2 * height, 2 * width),
            2 => Shape::new(channels + 1, height, width),
            3 if channels.is_multiple_of(2) => Shape::new(channels / 2, height, 2 * width),
            4 if width.is_multiple_of(2) => Shape::new(2 * channels, height, width / 2),
            _ => return x,
        };
        let place = |at: usize| {
            let (c, y, x) = (at / to.plane(), at / to.width % to.height, at % to.width);
            Some(match kind {
                0 => from.index(c, height - 1 - y, x.checked_sub(1).filter(|&x| x < width)?),
                1 => from.index(c, y / 2, x / 2),
                2 => from.index(channels.checked_sub(1 + c)?, y, x),
                3 => from.index(2 * c + x % 2, y, x / 2),
                _ => from.index(c / 2, y, 2 * x + c % 2),
            })
        };
        self.append(Op::Gather(Gather::new(to, (0..to.elements()).map(place))), &[x])
    }

    fn dead_channel(&mut self, x: NodeId) -> NodeId {
        let channels = self.graph.shape(x).channels;
        let mut weights = self.weights(channels * channels);
        weights[..channels].fill(0.0);
        let bias = self.weights(channels);
        self.append(Op::Conv(Conv { window: Window::dense([1, 1]), groups: 1, weights, bias }), &[x])
    }

    /// Numbers in −1 to 1, some of them zero.
    fn weights(&mut self, count: usize) -> Vec<f32> {
        (0..count)
            .map(|_| self.number())
            .map(|number| if number.abs() < 0.1 { 0.0 } else { number })
            .collect()
    }

    /// SplitMix64.
    fn number(&mut self) -> f32 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.seed;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ z >> 31) >> 40) as f32 / (1 << 23) as f32 - 1.0
    }
}

fn window(kernel: usize, stride: usize, pad: usize) -> Window {
    let pad = [pad.min(kernel - 1); 2];
    Window { stride: [stride; 2], pad_before: pad, pad_after: pad, ..Window::dense([kernel; 2]) }
}

/// Fails unless every integer that the nodes of `graph` have for an image lies in its channel's range.
pub(crate) fn within_ranges(graph: &Graph<Integer>, image: &[i64]) -> Result<(), TestCaseError> {
    let values = integer::values(graph, image);
    for id in graph.ids_in_order() {
        let plane = graph.shape(id).plane();
        for (i, &x) in values[id.index()].iter().enumerate() {
            let range = graph.node(id).fact.range[i / plane];
            prop_assert!(range.low <= x && x <= range.high, "{id}: {x} is outside {range}");
        }
    }
    Ok(())
}
