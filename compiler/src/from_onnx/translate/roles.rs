//! What the axes of a tract value are in the graph.

use super::view::View;
use crate::graph::Shape;
use Role::{Batch, Channels, Lines};

/// What an axis of a tract value is in the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Batch,
    Channels,
    /// 0 for rows, 1 for columns.
    Lines(usize),
}

/// The axes of a value that lists its elements channels first or channels last.
pub(super) fn roles(view: &View, dims: &[usize], shape: Shape) -> Option<&'static [Role]> {
    let Shape { channels, height, width } = shape;
    let is_line = height == 1;
    let orders: [(bool, bool, &[usize], &[Role]); 5] = [
        (true, true, &[1, channels, height, width], &[Batch, Channels, Lines(0), Lines(1)]),
        (true, false, &[1, height, width, channels], &[Batch, Lines(0), Lines(1), Channels]),
        (is_line, true, &[1, channels, width], &[Batch, Channels, Lines(1)]),
        (is_line, false, &[1, width, channels], &[Batch, Lines(1), Channels]),
        (shape.plane() == 1, true, &[1, channels], &[Batch, Channels]),
    ];
    let found = orders.into_iter().find(|&(possible, first, order, _)| {
        let ordered = if first { View::plain(view.id, shape) } else { View::channels_last(view.id, shape) };
        possible && *order == *dims && *view == ordered
    });
    found.map(|(.., roles)| roles)
}
