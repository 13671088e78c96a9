//! Networks whose branches meet in concatenations.

use super::Size;
use super::chains::stem;
use super::net::{Layer, Net, Value};
use super::residual::rectified;
use super::style::Dead;
use super::tensor::Window;

/// DenseNet: every layer reads what all layers before it gave.
pub(super) fn dense(net: &mut Net, size: &Size) -> Value {
    let growth = net.dice.whole(4, 12);
    let bottleneck = net.dice.chance(0.5);
    let mut x = net.bare(net.image(), Layer::new(size.channels, 3).stride(1 + usize::from(size.side > 16)));
    for _ in 0..size.blocks {
        if !net.has_room(x) || net.channels(x) > 96 {
            break;
        }
        if net.side(x) >= 4 && net.dice.chance(0.2) {
            let a = rectified(net, x);
            let a = net.bare(a, Layer::new(net.channels(x) / 2, 1));
            x = net.halve(a, true);
        }
        let mut a = rectified(net, x);
        if bottleneck {
            a = net.conv(a, Layer::new(2 * growth, 1));
            a = net.relu(a);
        }
        let new = net.bare(a, Layer::new(growth, 3));
        x = net.concat(&[x, new]);
    }
    rectified(net, x)
}

/// GoogLeNet's modules, some with concatenations inside concatenations.
pub(super) fn inception(net: &mut Net, size: &Size) -> Value {
    let mut x = stem(net, size);
    let width = size.channels.div_ceil(3);
    for _ in 0..size.blocks.min(9) {
        if !net.has_room(x) {
            break;
        }
        if net.side(x) >= 8 && net.dice.chance(0.3) {
            x = net.max_pool(x, Window { kernel: 3, stride: 2, pad: 1 });
        }
        let one = layers(net, x, &[(width, 1)]);
        let three = layers(net, x, &[(width, 1), (width + width / 2, 3)]);
        let kernel = net.dice.pick(&[3, 5]);
        let five = layers(net, x, &[(width.div_ceil(2), 1), (width, kernel)]);
        let window = Window { kernel: 3, stride: 1, pad: 1 };
        let pooled = if net.dice.chance(0.7) { net.max_pool(x, window) } else { net.average_pool(x, window) };
        let pooled = layers(net, pooled, &[(width, 1)]);
        let three = if net.dice.chance(0.3) {
            let left = layers(net, three, &[(width, 1)]);
            let right = layers(net, three, &[(width, 3)]);
            net.concat(&[left, right])
        } else {
            three
        };
        x = net.concat(&[one, three, five, pooled]);
    }
    x
}

/// Convolutions of (channels, kernel) with ReLUs.
fn layers(net: &mut Net, mut x: Value, layers: &[(usize, usize)]) -> Value {
    for &(channels, kernel) in layers {
        x = net.conv(x, Layer::new(channels, kernel));
        x = net.relu(x);
    }
    x
}

/// SqueezeNet.
pub(super) fn fire(net: &mut Net, size: &Size) -> Value {
    fires(net, size, false)
}

/// SqueezeNet some of whose expanded channels training has switched off.
pub(super) fn dead_fire(net: &mut Net, size: &Size) -> Value {
    fires(net, size, true)
}

fn fires(net: &mut Net, size: &Size, dies: bool) -> Value {
    let mut x = stem(net, size);
    let bypass = net.dice.chance(0.3);
    for _ in 0..size.blocks.min(8) {
        if !net.has_room(x) {
            break;
        }
        if net.side(x) >= 8 && net.dice.chance(0.3) {
            x = net.max_pool(x, Window { kernel: 3, stride: 2, pad: 1 });
        }
        let squeezed = layers(net, x, &[(size.channels.div_ceil(2), 1)]);
        let expanded = [1, 3].map(|kernel| expand(net, squeezed, size.channels, kernel, dies));
        let joined = net.concat(&expanded);
        x = if bypass && net.channels(x) == net.channels(joined) { net.add(x, joined) } else { joined };
    }
    x
}

fn expand(net: &mut Net, x: Value, channels: usize, kernel: usize, dies: bool) -> Value {
    let mut norm = net.norm(channels);
    if dies {
        norm = norm.dead(&Dead::draw(&mut net.dice, channels));
    }
    let x = net.conv_to(x, Layer::new(channels, kernel), &norm);
    net.relu(x)
}
