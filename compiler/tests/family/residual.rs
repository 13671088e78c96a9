//! Networks whose branches meet in sums.

use super::Size;
use super::chains::{shrinks, stem, stem_sums};
use super::net::{Layer, Net, Value};
use super::style::Dead;
use super::tensor::Window;

/// How a block passes on what it reads where the shape changes.
#[derive(Clone, Copy, PartialEq)]
enum Shortcut {
    Projection,
    /// Every second pixel, and channels of zeros (option A).
    Zeros,
}

/// ResNet v1.
pub(super) fn basic(net: &mut Net, size: &Size) -> Value {
    residual(net, size, Shortcut::Projection, false)
}

/// ResNet v1 whose shortcuts have no weights.
pub(super) fn option_a(net: &mut Net, size: &Size) -> Value {
    residual(net, size, Shortcut::Zeros, false)
}

/// ResNet v1 some of whose channels training has switched off.
pub(super) fn dead(net: &mut Net, size: &Size) -> Value {
    residual(net, size, Shortcut::Projection, true)
}

fn residual(net: &mut Net, size: &Size, shortcut: Shortcut, dies: bool) -> Value {
    let [skip_dies, branch_dies] = net.dice.pick(&[[true, false], [false, true], [true, true]]);
    let mut dead = Dead::draw(&mut net.dice, size.channels);
    let mut x = net.image();
    let kernel = net.dice.pick(&[3, 5]);
    let layer = Layer::new(size.channels, kernel).stride(1 + usize::from(size.side > 16));
    x = kill(net, x, layer, (dies && skip_dies).then_some(&dead));
    x = net.relu(x);
    for _ in 0..size.blocks {
        if !net.has_room(x) {
            break;
        }
        let mut channels = net.channels(x);
        let shrinks = shrinks(net, x);
        let stride = 1 + usize::from(shrinks);
        let mut skip = x;
        if shrinks {
            channels += channels / 2;
            dead = Dead::draw(&mut net.dice, channels);
            skip = match shortcut {
                Shortcut::Projection => {
                    kill(net, x, Layer::new(channels, 1).stride(2), (dies && skip_dies).then_some(&dead))
                }
                Shortcut::Zeros => {
                    let more = channels - net.channels(x);
                    let every_second = net.max_pool(x, Window { kernel: 1, stride: 2, pad: 0 });
                    net.pad_channels(every_second, more / 2, more - more / 2)
                }
            };
        }
        let a = net.conv(x, Layer::new(channels, 3).stride(stride));
        let a = net.relu(a);
        let layer = Layer::new(channels, 3).gain(net.style.branch);
        let b = kill(net, a, layer, (dies && branch_dies).then_some(&dead));
        x = net.add(skip, b);
        x = net.relu(x);
    }
    x
}

/// A convolution without activation, some of its channels dead.
fn kill(net: &mut Net, x: Value, layer: Layer, dead: Option<&Dead>) -> Value {
    let norm = net.centred_norm(layer);
    net.conv_to(x, layer, &dead.map_or(norm.clone(), |dead| norm.dead(dead)))
}

/// ResNet v2: BatchNormalization and ReLU in front of convolutions, and sums that are never cut off.
pub(super) fn pre_activation(net: &mut Net, size: &Size) -> Value {
    let mut x = net.bare(net.image(), Layer::new(size.channels, 3).stride(1 + usize::from(size.side > 16)));
    for _ in 0..size.blocks {
        if !net.has_room(x) {
            break;
        }
        let shrinks = shrinks(net, x);
        let stride = 1 + usize::from(shrinks);
        let channels = net.channels(x) * (2 + usize::from(shrinks)) / 2;
        let a = rectified(net, x);
        let skip = if shrinks { net.bare(a, Layer::new(channels, 1).stride(2)) } else { x };
        let b = net.conv(a, Layer::new(channels, 3).stride(stride));
        let b = net.relu(b);
        let b = net.bare(b, Layer::new(channels, 3).gain(net.style.branch));
        x = net.add(skip, b);
    }
    rectified(net, x)
}

/// ReLU of BatchNormalization.
pub(super) fn rectified(net: &mut Net, x: Value) -> Value {
    let channels = net.channels(x);
    let norm = net.norm(channels);
    let x = net.normalize(x, &norm);
    net.relu(x)
}

/// Few blocks, many channels.
pub(super) fn wide(net: &mut Net, size: &Size) -> Value {
    let size = Size { channels: size.channels.max(12) * 2, blocks: size.blocks.min(4), ..*size };
    if net.dice.chance(0.5) { pre_activation(net, &size) } else { basic(net, &size) }
}

/// RegNetX: bottlenecks around grouped convolutions.
pub(super) fn regnet(net: &mut Net, size: &Size) -> Value {
    let width = net.dice.pick(&[2, 4, 8]);
    let size = Size { channels: size.channels.next_multiple_of(width), ..*size };
    let mut x = stem(net, &size);
    for _ in 0..size.blocks {
        if !net.has_room(x) {
            break;
        }
        let shrinks = shrinks(net, x);
        let stride = 1 + usize::from(shrinks);
        let channels = if shrinks { net.channels(x) + width } else { net.channels(x) };
        let a = net.conv(x, Layer::new(channels, 1));
        let a = net.relu(a);
        let a = net.conv(a, Layer::new(channels, 3).groups(channels / width).stride(stride));
        let a = net.relu(a);
        let a = net.linear(a, Layer::new(channels, 1).gain(net.style.branch));
        let skip = if shrinks { net.linear(x, Layer::new(channels, 1).stride(2)) } else { x };
        x = net.add(skip, a);
        x = net.relu(x);
    }
    x
}

/// ShuffleNet: grouped 1×1 convolutions with a shuffle between them.
pub(super) fn shuffle(net: &mut Net, size: &Size) -> Value {
    let size = Size { channels: size.channels.next_multiple_of(4), ..*size };
    let mut x = stem(net, &size);
    let channels = net.channels(x);
    let groups = net.dice.pick(&[2, 4]);
    for _ in 0..size.blocks.min(8) {
        if !net.has_room(x) {
            break;
        }
        let a = net.conv(x, Layer::new(channels, 1).groups(groups));
        let a = net.relu(a);
        let a = net.shuffle(a, groups);
        let a = net.linear(a, Layer::new(channels, 3).groups(channels));
        let a = net.linear(a, Layer::new(channels, 1).groups(groups).gain(net.style.branch));
        x = net.add(x, a);
        x = net.relu(x);
    }
    x
}

/// The form of inverted residuals.
pub(super) struct Inverted<'a> {
    pub(super) activation: super::activation::Activation,
    pub(super) kernels: &'a [usize],
    pub(super) blocks: usize,
}

/// Inverted residuals: 1×1 to more channels, depthwise, 1×1 to few channels without activation.
pub(super) fn inverted(net: &mut Net, size: &Size, form: &Inverted<'_>) -> Value {
    let size = Size { channels: size.channels.min(12), ..*size };
    let x = stem_sums(net, &size);
    let mut x = net.activation(x, form.activation);
    for _ in 0..size.blocks.min(form.blocks) {
        if !net.has_room(x) {
            break;
        }
        let shrinks = shrinks(net, x);
        let channels = net.channels(x);
        let wider = channels * net.dice.pick(&[2, 3, 4, 6]);
        let outputs = if shrinks || net.dice.chance(0.2) { channels + 4 } else { channels };
        let kernel = net.dice.pick(form.kernels);
        let a = net.conv(x, Layer::new(wider, 1));
        let a = net.activation(a, form.activation);
        let a = net.conv(a, Layer::new(wider, kernel).groups(wider).stride(1 + usize::from(shrinks)));
        let a = net.activation(a, form.activation);
        let adds = outputs == channels && !shrinks;
        let layer = Layer::new(outputs, 1);
        let a = net.linear(a, if adds { layer.gain(net.style.branch) } else { layer });
        x = if adds { net.add(x, a) } else { a };
    }
    let outputs = net.channels(x) * 2;
    let x = net.conv(x, Layer::new(outputs, 1));
    net.activation(x, form.activation)
}
