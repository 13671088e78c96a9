//! What the axes of an array of images mean.

use crate::plan::Shape;

/// How many images an array holds, and how it arranges them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Axes {
    pub(super) count: usize,
    /// Shape of each image.
    pub(super) shape: Shape,
    /// Height × width × channels rather than channels first.
    pub(super) channels_last: bool,
}

impl Axes {
    /// How an array with these `axes` holds images, for a model that takes images of `target`, which decides where axes are
    /// ambiguous: channels first if that fits, else channels last if that does; else, for images of another size, channels last
    /// where the last axis alone is as long as there are channels. `None` where they can hold no images.
    pub(super) fn interpret(axes: &[usize], target: Shape) -> Option<Self> {
        let first = |(count, shape)| Self { count, shape, channels_last: false };
        if target.plane() == 1 {
            return vectors(axes, target).map(first);
        }
        let plain = images(axes, target).map(first);
        let fits = |found: &Self| found.shape == target;
        plain
            .filter(fits)
            .or_else(|| Self::other(axes, target))
            .or_else(|| Self::of_another_size(axes, target))
            .or(plain)
    }

    /// Of arrays that list `target` in another way than channels × height × width.
    fn other(axes: &[usize], target: Shape) -> Option<Self> {
        let Shape { channels, height, width } = target;
        let line = (height == 1 || width == 1).then_some([channels, height * width]);
        let last = [height, width, channels];
        let (count, channels_last) = match *axes {
            [a, b] if line == Some([a, b]) => (1, false),
            [count, a, b] if line == Some([a, b]) => (count, false),
            [a, b, c] if last == [a, b, c] => (1, true),
            [count, a, b, c] if last == [a, b, c] => (count, true),
            [a, b] if line == Some([b, a]) => (1, true),
            [count, a, b] if line == Some([b, a]) => (count, true),
            _ => return None,
        };
        Some(Self { count, shape: target, channels_last })
    }

    /// Of arrays of images that are larger or smaller than `target`, height × width × channels.
    fn of_another_size(axes: &[usize], target: Shape) -> Option<Self> {
        let (count, [height, width]) = match *axes {
            [height, width, channels] if channels == target.channels && height != channels => {
                (1, [height, width])
            }
            [count, height, width, channels] if channels == target.channels && height != channels => {
                (count, [height, width])
            }
            _ => return None,
        };
        Some(Self { count, shape: Shape::new(target.channels, height, width), channels_last: true })
    }
}

fn images(axes: &[usize], target: Shape) -> Option<(usize, Shape)> {
    match *axes {
        [height, width] => Some((1, Shape::new(1, height, width))),
        [channels, height, width] if channels == target.channels => {
            Some((1, Shape::new(channels, height, width)))
        }
        [count, height, width] => Some((count, Shape::new(1, height, width))),
        [count, channels, height, width] => Some((count, Shape::new(channels, height, width))),
        _ => None,
    }
}

fn vectors(axes: &[usize], target: Shape) -> Option<(usize, Shape)> {
    let (&first, rest) = axes.split_first()?;
    if axes.iter().product::<usize>() == target.channels {
        return Some((1, target));
    }
    let length = rest.iter().product();
    (!rest.is_empty()).then_some((first, Shape::vector(length)))
}

/// Images of `shape` whose channels come last, with their channels first.
pub(super) fn channels_first<T: Copy>(pixels: &[T], shape: Shape) -> Vec<T> {
    let image = |image: &[T]| -> Vec<T> {
        (0..shape.channels)
            .flat_map(|channel| image.iter().skip(channel).step_by(shape.channels).copied())
            .collect()
    };
    pixels.chunks(shape.elements().max(1)).flat_map(image).collect()
}
