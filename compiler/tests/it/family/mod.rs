//! Small networks of the families that people train, with numbers such as training leaves them: normalised on
//! pictures, sparse after ReLUs, with channels that are dead, tiny or huge.
//!
//! A family and a seed make a network; everything about it follows from them.

mod activation;
mod branches;
mod chains;
mod dice;
mod gates;
mod head;
pub(crate) mod hunt;
mod images;
mod inverted;
pub(crate) mod measure;
mod net;
mod residual;
mod ridge;
mod shapes;
mod style;
mod tensor;
mod weights;

use activation::Activation;
use compiler::graph::Shape;
use compiler::options::InputOptions;
use dice::Dice;
use images::Scenery;
use inverted::{Inverted, inverted};
use measure::{labels, largest, relative_error};
use net::{Net, Value};
use style::Style;
use tensor::{FITTED, ROUNDED};
use tract_onnx::pb::ModelProto;

/// Networks that are tried for a seed.
const ATTEMPTS: usize = 12;
/// The share of seeds whose network may be one that no plan of usual width can follow.
const HARD: f32 = 0.1;
/// The noise of networks that plans of usual width can follow.
pub(crate) const STEADY: f64 = 0.03;

/// How large a network is.
#[derive(Clone, Copy, Debug)]
struct Size {
    /// Of the square pictures.
    side: usize,
    colours: usize,
    channels: usize,
    blocks: usize,
    classes: usize,
}

impl Size {
    /// Of 100 networks 90 are small, nine of middling size and one is large: what goes wrong shows in small ones too, and
    /// a large one takes as long as a hundred. Sides above 16 have strides in the first layer.
    fn draw(dice: &mut Dice) -> Self {
        let (sides, channels, blocks, classes): (&[usize], _, _, _) = match dice.whole(1, 100) {
            1 => (&[14, 16, 20, 24, 28, 32], [8, 24], [4, 16], [2, 20]),
            2..=10 => (&[8, 10, 12, 14, 16, 20, 24], [4, 12], [2, 8], [2, 20]),
            _ => (&[8, 8, 8, 9, 10, 12, 18], [3, 7], [1, 3], [2, 10]),
        };
        let mut within = |[least, most]: [usize; 2]| dice.whole(least, most);
        let (channels, blocks, classes) = (within(channels), within(blocks), within(classes));
        Self { side: dice.pick(sides), colours: dice.pick(&[1, 3, 3]), channels, blocks, classes }
    }
}

/// A form of network.
#[derive(Clone, Copy)]
pub(crate) struct Family {
    pub(crate) name: &'static str,
    features: fn(&mut Net, &Size) -> Value,
}

/// What is generated.
pub(crate) const FAMILIES: &[Family] = &[
    family("vgg", chains::vgg),
    family("lenet", chains::lenet),
    family("average-pools", chains::average_pools),
    family("clipped", chains::clipped),
    family("spread", chains::spread),
    family("biased", chains::biased),
    family("mobilenet-v1", chains::separable),
    family("mobilenet-v2", |net, size| {
        net.style.gamma *= 1.5;
        inverted(
            net,
            size,
            &Inverted {
                activation: Activation::Relu6,
                kernels: &[3],
                wider: &[2, 3, 4, 6],
                blocks: 16,
                gates: None,
            },
        )
    }),
    // Smooth activations take tens of comparisons for each value, so that there are fewer values.
    family("mobilenet-v3", |net, size| {
        let activation = net.dice.pick(&[Activation::HardSwish, Activation::HardSwishSpelled]);
        inverted(
            net,
            size,
            &Inverted { activation, kernels: &[3, 5], wider: &[2, 3], blocks: 6, gates: None },
        )
    }),
    family("mnasnet", |net, size| {
        inverted(
            net,
            size,
            &Inverted {
                activation: Activation::Relu,
                kernels: &[3, 5],
                wider: &[2, 3, 4, 6],
                blocks: 16,
                gates: None,
            },
        )
    }),
    family("efficientnet", |net, size| {
        inverted(
            net,
            size,
            &Inverted {
                activation: Activation::Silu,
                kernels: &[3, 5],
                wider: &[2, 3],
                blocks: 4,
                gates: None,
            },
        )
    }),
    family("mobilenet-v3-gated", |net, size| {
        let (activation, gates) = (Activation::HardSwish, Some(Activation::HardSigmoid));
        inverted(net, size, &Inverted { activation, kernels: &[3, 5], wider: &[2, 3], blocks: 4, gates })
    }),
    family("efficientnet-gated", |net, size| {
        let (activation, gates) = (Activation::Silu, Some(Activation::Sigmoid));
        inverted(net, size, &Inverted { activation, kernels: &[3, 5], wider: &[2, 3], blocks: 3, gates })
    }),
    family("resnet", residual::basic),
    family("resnet-gated", residual::gated),
    family("resnet-dead", residual::dead),
    family("resnet-zeros", residual::option_a),
    family("resnet-pre", residual::pre_activation),
    family("resnet-wide", residual::wide),
    family("regnet", residual::regnet),
    family("shufflenet", residual::shuffle),
    family("densenet", branches::dense),
    family("inception", branches::inception),
    family("squeezenet", branches::fire),
    family("squeezenet-dead", branches::dead_fire),
];

const fn family(name: &'static str, features: fn(&mut Net, &Size) -> Value) -> Family {
    Family { name, features }
}

/// A network and its pictures.
pub(crate) struct Network {
    pub(crate) proto: ModelProto,
    pub(crate) input: InputOptions,
    pub(crate) scenery: Scenery,
    /// The logits of the pictures that it is fitted to, by the generator's own evaluation.
    pub(crate) logits: Vec<Vec<f32>>,
    /// The relative error of a plan that rounds every weight of a row to 8 bits and every value of a channel to 9:
    /// about what is to be expected.
    pub(crate) noise: f64,
    /// Such a plan would give the right labels.
    is_steady: bool,
    /// There are several labels.
    is_lively: bool,
}

impl Family {
    pub(crate) fn named(name: &str) -> Option<Self> {
        FAMILIES.iter().copied().find(|family| family.name == name)
    }

    /// The network of a seed: mostly the first one of a sequence that such a plan can follow.
    pub(crate) fn network(self, seed: u64) -> Network {
        let name = self.name.bytes().fold(0, |hash: u64, byte| hash.wrapping_mul(257) + u64::from(byte));
        let mut dice = Dice::new(seed, name);
        let mut network = self.any(dice.bits());
        let hard = dice.chance(HARD);
        for _ in 1..ATTEMPTS {
            if network.is_lively && (hard || network.is_steady) {
                break;
            }
            network = self.any(dice.bits());
        }
        network
    }

    fn any(self, seed: u64) -> Network {
        let mut dice = Dice::new(seed, 0);
        let (size, style, input) = (Size::draw(&mut dice), Style::draw(&mut dice), input(&mut dice));
        let shape = Shape::new(size.colours, size.side, size.side);
        let scenery = Scenery::new(seed, shape, size.classes);
        let spec = input.spec(shape).unwrap();
        let preprocess = |channel: usize, raw: f32| spec.preprocessing.apply(channel, f64::from(raw)) as f32;
        let mut net = Net::new(dice, style, &scenery, preprocess);
        let features = (self.features)(&mut net, &size);
        let logits = net.classify(features, &scenery, size.classes);
        let values: Vec<Vec<f32>> = (0..FITTED).map(|index| net.tensor(logits).picture(index)).collect();
        let twice: Vec<_> = net.tensor(logits).twice().collect();
        let agreeing = twice.iter().filter(|(exact, rounded)| largest(exact) == largest(rounded)).count();
        let noise = relative_error(twice.into_iter());
        let is_steady = noise <= STEADY && agreeing + 1 >= ROUNDED;
        let is_lively = labels(&values) > 1;
        Network { proto: net.build(logits), input, scenery, logits: values, noise, is_steady, is_lively }
    }
}

/// What is done to pixels before a network sees them, in the ways that are usual.
fn input(dice: &mut Dice) -> InputOptions {
    let (scale, mean, std) = dice.pick(&[
        (1.0 / 255.0, 0.0, 1.0),
        (1.0 / 255.0, 0.45, 0.25),
        (1.0 / 127.5, 1.0, 1.0),
        (1.0, 110.0, 1.0),
    ]);
    InputOptions { scale, mean: vec![mean], std: vec![std], ..InputOptions::default() }
}
