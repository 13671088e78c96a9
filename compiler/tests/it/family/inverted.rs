//! Networks of inverted residuals.

use super::Size;
use super::activation::Activation;
use super::chains::{shrinks, stem_sums};
use super::net::{Layer, Net, Value};

/// The form of inverted residuals.
pub(super) struct Inverted<'a> {
    pub(super) activation: Activation,
    pub(super) kernels: &'a [usize],
    /// How many times as many channels there are inside.
    pub(super) wider: &'a [usize],
    pub(super) blocks: usize,
    /// What gates end with, after depthwise convolutions.
    pub(super) gates: Option<Activation>,
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
        let wider = channels * net.dice.pick(form.wider);
        let outputs = if shrinks || net.dice.chance(0.2) { channels + 4 } else { channels };
        let kernel = net.dice.pick(form.kernels);
        let a = net.conv(x, Layer::new(wider, 1));
        let a = net.activation(a, form.activation);
        let a = net.conv(a, Layer::new(wider, kernel).groups(wider).stride(1 + usize::from(shrinks)));
        let a = net.activation(a, form.activation);
        let a = form.gates.map_or(a, |activation| net.gated(a, activation));
        let adds = outputs == channels && !shrinks;
        let layer = Layer::new(outputs, 1);
        let a = net.linear(a, if adds { layer.gain(net.style.branch) } else { layer });
        x = if adds { net.add(x, a) } else { a };
    }
    let outputs = net.channels(x) * 2;
    let x = net.conv(x, Layer::new(outputs, 1));
    net.activation(x, form.activation)
}
