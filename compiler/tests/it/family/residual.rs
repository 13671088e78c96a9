//! Networks whose branches meet in sums.

use super::Size;
use super::activation::Activation;
use super::chains::{shrinks, stem};
use super::net::{Layer, Net, Value};
use super::style::Dead;
use super::tensor::Window;

/// How blocks pass on what they read where the shape changes.
#[derive(Clone, Copy)]
enum Shortcut {
    Projection,
    /// Every second pixel, and channels of zeros (option A).
    Zeros,
}

/// The form of a ResNet v1.
#[derive(Clone, Copy)]
struct Form {
    shortcut: Shortcut,
    /// Channels that training has switched off are so where blocks are entered.
    dead_skips: bool,
    /// They are so in what blocks add.
    dead_branches: bool,
    /// What blocks add passes gates.
    gated: bool,
}

/// ResNet v1.
pub(super) fn basic(net: &mut Net, size: &Size) -> Value {
    residual(
        net,
        size,
        Form { shortcut: Shortcut::Projection, dead_skips: false, dead_branches: false, gated: false },
    )
}

/// ResNet v1 with squeeze and excitation.
pub(super) fn gated(net: &mut Net, size: &Size) -> Value {
    let shortcut = Shortcut::Projection;
    residual(net, size, Form { shortcut, dead_skips: false, dead_branches: false, gated: true })
}

/// ResNet v1 whose shortcuts have no weights.
pub(super) fn option_a(net: &mut Net, size: &Size) -> Value {
    residual(
        net,
        size,
        Form { shortcut: Shortcut::Zeros, dead_skips: false, dead_branches: false, gated: false },
    )
}

/// ResNet v1 some of whose channels training has switched off.
pub(super) fn dead(net: &mut Net, size: &Size) -> Value {
    let [dead_skips, dead_branches] = net.dice.pick(&[[true, false], [false, true], [true, true]]);
    residual(net, size, Form { shortcut: Shortcut::Projection, dead_skips, dead_branches, gated: false })
}

fn residual(net: &mut Net, size: &Size, form: Form) -> Value {
    let mut dead = Dead::draw(&mut net.dice, size.channels);
    let kernel = net.dice.pick(&[3, 5]);
    let layer = Layer::new(size.channels, kernel).stride(1 + usize::from(size.side > 16));
    let x = kill(net, net.image(), layer, &dead, form.dead_skips);
    let mut x = net.relu(x);
    for _ in 0..size.blocks {
        if !net.has_room(x) {
            break;
        }
        let (mut channels, mut stride, mut skip) = (net.channels(x), 1, x);
        if shrinks(net, x) {
            channels += channels / 2;
            stride = 2;
            dead = Dead::draw(&mut net.dice, channels);
            skip = match form.shortcut {
                Shortcut::Projection => {
                    kill(net, x, Layer::new(channels, 1).stride(2), &dead, form.dead_skips)
                }
                Shortcut::Zeros => with_zeros(net, x, channels),
            };
        }
        let a = net.conv(x, Layer::new(channels, 3).stride(stride));
        let a = net.relu(a);
        let layer = Layer::new(channels, 3).gain(net.style.branch);
        let b = kill(net, a, layer, &dead, form.dead_branches);
        let b = if form.gated { net.gated(b, Activation::Sigmoid) } else { b };
        x = net.add(skip, b);
        x = net.relu(x);
    }
    x
}

/// A convolution without activation; if it `dies`, some of its channels are dead.
fn kill(net: &mut Net, x: Value, layer: Layer, dead: &Dead, dies: bool) -> Value {
    let norm = net.centred_norm(layer);
    let norm = if dies { norm.dead(dead) } else { norm };
    net.conv_to(x, layer, &norm)
}

/// Every second pixel of every second row, between channels of zeros.
fn with_zeros(net: &mut Net, x: Value, channels: usize) -> Value {
    let more = channels - net.channels(x);
    let x = net.max_pool(x, Window { kernel: 1, stride: 2, pad: 0 });
    net.pad_channels(x, more / 2, more - more / 2)
}

/// ResNet v2: BatchNormalization and ReLU before convolutions, and sums that are never cut off.
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
