//! Networks without branches.

use super::Size;
use super::activation::Activation;
use super::net::{Layer, Net, Value};
use super::tensor::Window;

/// The first layer, and where pictures are large, a smaller plane.
pub(super) fn stem(net: &mut Net, size: &Size) -> Value {
    let x = stem_sums(net, size);
    net.relu(x)
}

/// The same before its activation.
pub(super) fn stem_sums(net: &mut Net, size: &Size) -> Value {
    let kernel = net.dice.pick(&[3, 3, 5, 7]);
    let stride = 1 + usize::from(size.side > 16);
    net.conv(net.image(), Layer::new(size.channels, kernel).stride(stride))
}

/// Whether the next block halves the plane.
pub(super) fn shrinks(net: &mut Net, x: Value) -> bool {
    net.side(x) >= 8 && net.dice.chance(0.4)
}

/// Convolutions and maxima in turn.
pub(super) fn vgg(net: &mut Net, size: &Size) -> Value {
    pooled_chain(net, size, |_| false)
}

/// Convolutions and averages in turn.
pub(super) fn average_pools(net: &mut Net, size: &Size) -> Value {
    pooled_chain(net, size, |net| net.dice.chance(0.8))
}

fn pooled_chain(net: &mut Net, size: &Size, averages: impl Fn(&mut Net) -> bool) -> Value {
    let mut x = stem(net, size);
    let mut channels = size.channels;
    for _ in 0..size.blocks.min(10) {
        if net.side(x) >= 4 && net.dice.chance(0.4) {
            let averages = averages(net);
            x = match net.dice.whole(0, 3) {
                0 if averages => net.average_pool(x, Window { kernel: 3, stride: 2, pad: 1 }),
                0 => net.max_pool(x, Window { kernel: 3, stride: 2, pad: 1 }),
                _ => net.halve(x, averages),
            };
            channels += channels / 2;
        }
        if !net.has_room(x) {
            break;
        }
        x = net.conv(x, Layer::new(channels, 3));
        x = net.relu(x);
    }
    x
}

/// LeNet with any activation, or two.
pub(super) fn lenet(net: &mut Net, size: &Size) -> Value {
    let [first, second] = [0; 2].map(|_| Activation::any(&mut net.dice));
    let averages = net.dice.chance(0.5);
    let x = net.conv(net.image(), Layer::new(size.channels.min(12), 5));
    let x = net.activation(x, first);
    let x = net.halve(x, averages);
    let layer = Layer::new(size.channels.min(12) * 2, 3);
    let x = net.conv(x, if net.side(x) > 4 { layer.unpadded() } else { layer });
    let x = net.activation(x, second);
    if net.side(x) < 4 {
        return x;
    }
    let x = net.halve(x, averages);
    let x = net.flatten(x);
    let x = net.hidden(x, 24);
    net.activation(x, first)
}

/// MobileNetV1: depthwise and pointwise convolutions in turn.
pub(super) fn separable(net: &mut Net, size: &Size) -> Value {
    let activation = net.dice.pick(&[Activation::Relu, Activation::Relu6]);
    separable_with(net, size, activation)
}

fn separable_with(net: &mut Net, size: &Size, activation: Activation) -> Value {
    if activation != Activation::Relu {
        // So that some values are cut off.
        net.style.gamma *= 2.0;
    }
    let x = stem_sums(net, size);
    let mut x = net.activation(x, activation);
    for _ in 0..size.blocks.min(13) {
        if !net.has_room(x) {
            break;
        }
        let channels = net.channels(x);
        let shrinks = shrinks(net, x);
        let layer = Layer::new(channels, 3).groups(channels).stride(1 + usize::from(shrinks));
        x = net.conv(x, layer);
        x = net.activation(x, activation);
        x = net.conv(x, Layer::new(if shrinks { channels * 3 / 2 } else { channels }, 1));
        x = net.activation(x, activation);
    }
    x
}

/// A chain whose activations cut off elsewhere than at 0 and 6.
pub(super) fn clipped(net: &mut Net, size: &Size) -> Value {
    let activations = [
        Activation::Clip(-1.0, 1.0),
        Activation::Clip(0.0, 1.0),
        Activation::Clip(-0.5, 4.0),
        Activation::HardSigmoid,
        Activation::LeakyRelu(0.1),
        Activation::LeakyRelu(0.25),
        Activation::PRelu,
    ];
    let activation = net.dice.pick(&activations);
    let size = Size { blocks: size.blocks.min(5), ..*size };
    separable_with(net, &size, activation)
}

/// A chain whose channels' sizes are three orders of magnitude apart.
pub(super) fn spread(net: &mut Net, size: &Size) -> Value {
    net.style.spread = 1.7;
    net.style.equalizes = net.dice.chance(0.7);
    let bodies = [vgg, separable, super::residual::basic, super::branches::inception];
    net.dice.pick(&bodies)(net, size)
}

/// A network some of whose channels are mostly bias.
pub(super) fn biased(net: &mut Net, size: &Size) -> Value {
    net.style.biased = true;
    let bodies = [vgg, separable, super::residual::basic, super::branches::inception];
    net.dice.pick(&bodies)(net, size)
}
