//! Whether a model takes its image as channels × height × width or as height × width × channels.
//!
//! The file does not say. What the model does with the image does: convolutions, poolings and
//! normalisations read channels first; a Transpose to channels first shows that they come last.
//! A sequence of vectors is an image of height 1, its axes told apart in the same way.
//! Where neither happens (the image is flattened at once), a last axis of 1, 3 or 4 after a longer
//! one is taken for the channels of a stored image.

use super::attributes::{int64s, ints};
use super::registry::{self, Axes};
use super::stored::constant;
use crate::graph::Shape;
use tract_onnx::pb::{GraphProto, NodeProto};

/// The order of an image's axes in the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Channels × height × width, as in plans.
    ChannelsFirst,
    /// Height × width × channels.
    ChannelsLast,
}

/// The image with the axes `dims` (without the batch) that the graph's input `name` is; `None` where
/// that is no image.
pub(super) fn image(graph: &GraphProto, name: &str, dims: &[usize]) -> Option<(Shape, Layout)> {
    match *dims {
        [a, b, c] => Some(match detect(graph, name, [a, b, c]) {
            Layout::ChannelsFirst => (Shape::new(a, b, c), Layout::ChannelsFirst),
            Layout::ChannelsLast => (Shape::new(c, a, b), Layout::ChannelsLast),
        }),
        [a, b] => {
            let image = (Shape::new(1, a, b), Layout::ChannelsFirst);
            Some(sequence(graph, name, [a, b]).or_else(|| reshaped(graph, name, a * b)).unwrap_or(image))
        }
        [len] => Some(reshaped(graph, name, len).unwrap_or((Shape::vector(len), Layout::ChannelsFirst))),
        _ => None,
    }
}

/// The image that a model makes of a flat input first of all.
fn reshaped(graph: &GraphProto, name: &str, len: usize) -> Option<(Shape, Layout)> {
    let mut readers = graph.node.iter().filter(|node| node.input.iter().any(|input| input == name));
    let reader = readers.next().filter(|node| registry::operator(node).axes == Axes::Reshaped)?;
    let sizes = int64s(constant(graph, reader.input.get(1)?)?)?;
    let dims: Option<Vec<usize>> =
        sizes.iter().skip(1).map(|&size| usize::try_from(size).ok().filter(|&size| size > 0)).collect();
    let dims = dims.filter(|dims| dims.len() == 3)?;
    let elements = dims.iter().try_fold(1usize, |product, &dim| product.checked_mul(dim));
    if elements != Some(len) || readers.next().is_some() {
        return None;
    }
    image(graph, reader.output.first()?, &dims)
}

/// The image of height 1 that a sequence is to what reads it; `None` where nothing reads it as a sequence.
fn sequence(graph: &GraphProto, name: &str, [a, b]: [usize; 2]) -> Option<(Shape, Layout)> {
    let last = last_alike(graph, name);
    let reader = graph.node.iter().find(|node| node.input.iter().any(|input| input == last))?;
    match registry::operator(reader).axes {
        Axes::ChannelsFirst => Some((Shape::new(a, 1, b), Layout::ChannelsFirst)),
        Axes::Permuted if ints(reader, "perm") == [0, 2, 1] => {
            Some((Shape::new(b, 1, a), Layout::ChannelsLast))
        }
        Axes::Inserted => {
            let axes = match reader.input.get(1) {
                Some(axes) => int64s(constant(graph, axes)?)?,
                None => ints(reader, "axes").to_vec(),
            };
            let dims = match axes[..] {
                [1 | -3] => [1, a, b],
                [2 | -2] => [a, 1, b],
                [3 | -1] => [a, b, 1],
                _ => return None,
            };
            image(graph, reader.output.first()?, &dims)
        }
        Axes::Permuted | Axes::Kept | Axes::Reshaped | Axes::Other => None,
    }
}

/// The last of the values that are made of `name` element by element, the first that reads the one before.
fn last_alike<'a>(graph: &'a GraphProto, name: &'a str) -> &'a str {
    let (mut name, mut next) = (name, 0);
    while let Some(offset) = graph.node[next..].iter().position(|node| node.input.iter().any(|i| i == name)) {
        next += offset;
        match (evidence(&graph.node[next]), graph.node[next].output.first()) {
            (Evidence::FurtherOn, Some(output)) => name = output,
            _ => break,
        }
        next += 1;
    }
    name
}

/// The layout of the three axes `image` of the value `name`.
fn detect(graph: &GraphProto, name: &str, image: [usize; 3]) -> Layout {
    let last = last_alike(graph, name);
    let reader = graph.node.iter().find(|node| node.input.iter().any(|input| input == last));
    if let Some(Evidence::For(layout)) = reader.map(evidence) {
        return layout;
    }
    let [first, _, last] = image;
    match last {
        1 | 3 | 4 if first > 4 => Layout::ChannelsLast,
        _ => Layout::ChannelsFirst,
    }
}

enum Evidence {
    For(Layout),
    /// Works element by element: look at what reads its result.
    FurtherOn,
    None,
}

fn evidence(node: &NodeProto) -> Evidence {
    match registry::operator(node).axes {
        Axes::ChannelsFirst => Evidence::For(Layout::ChannelsFirst),
        Axes::Permuted if ints(node, "perm") == [0, 3, 1, 2] => Evidence::For(Layout::ChannelsLast),
        Axes::Permuted if ints(node, "perm") == [0, 2, 3, 1] => Evidence::For(Layout::ChannelsFirst),
        Axes::Kept => Evidence::FurtherOn,
        Axes::Permuted | Axes::Inserted | Axes::Reshaped | Axes::Other => Evidence::None,
    }
}
