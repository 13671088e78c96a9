//! In which order a tract value lists the elements of a graph value.
//!
//! Transposing, splitting and joining axes move no number under encryption: they only change how a
//! tensor is read. A [`View`] remembers that reading, as axes with sizes and strides over the graph
//! value's row-major elements, so an image that a model keeps as height × width × channels is still
//! channels × height × width in the graph. Dense weights and constants are reordered once, when they
//! are read.

use crate::graph::{NodeId, Shape};
use runtime::plan::{ClassAxes, Postprocessing};

/// A graph value, read in a certain order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::from_onnx) struct View {
    /// The node of the graph whose value is read.
    pub(super) id: NodeId,
    /// Outermost first; none of length 1, and no two neighbours that could be one.
    axes: Vec<Axis>,
    /// Taken of the elements by the client, so that nothing is computed of them any more.
    softmax: Option<Softmax>,
}

/// A softmax at a model's end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Softmax {
    /// The ONNX node.
    pub(super) node: String,
    pub(super) kind: Postprocessing,
    /// What it is taken over, as views have axes.
    classes: Vec<Axis>,
}

/// One axis over the elements of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Axis {
    /// Length of the axis.
    pub(super) size: usize,
    /// Distance of neighbours among the graph value's elements.
    pub(super) stride: usize,
}

impl View {
    /// The elements of `id` in the graph's own order.
    pub(in crate::from_onnx) fn plain(id: NodeId, shape: Shape) -> Self {
        Self::new(id, vec![Axis { size: shape.elements(), stride: 1 }])
    }

    /// The image `id` read as height × width × channels.
    pub(in crate::from_onnx) fn channels_last(id: NodeId, shape: Shape) -> Self {
        let plane = Axis { size: shape.plane(), stride: 1 };
        Self::new(id, vec![plane, Axis { size: shape.channels, stride: shape.plane() }])
    }

    /// These axes over `id`, joined where they can be.
    pub(super) fn new(id: NodeId, axes: Vec<Axis>) -> Self {
        let mut joined: Vec<Axis> = Vec::new();
        for axis in axes.into_iter().filter(|axis| axis.size > 1) {
            match joined.last_mut() {
                Some(outer) if outer.stride == axis.size * axis.stride => {
                    *outer = Axis { size: outer.size * axis.size, stride: axis.stride };
                }
                _ => joined.push(axis),
            }
        }
        Self { id, axes: joined, softmax: None }
    }

    /// The same order of the elements of another value.
    pub(super) fn with_value(&self, id: NodeId) -> Self {
        Self { id, axes: self.axes.clone(), softmax: None }
    }

    /// Whether both list corresponding elements in the same order.
    pub(super) fn same_order(&self, other: &Self) -> bool {
        self.axes == other.axes
    }

    /// Whether the order is the graph's own.
    pub(super) fn is_plain(&self) -> bool {
        matches!(self.axes[..], [] | [Axis { stride: 1, .. }])
    }

    /// The axes that make up each of tract's `dims`; `None` where these cut across them.
    pub(super) fn split(&self, dims: &[usize]) -> Option<Vec<Vec<Axis>>> {
        let mut rest = self.axes.iter().copied();
        let mut current = Axis { size: 1, stride: 1 };
        let groups: Option<Vec<Vec<Axis>>> = dims
            .iter()
            .map(|&dim| {
                let (mut missing, mut group) = (dim, Vec::new());
                while missing > 1 {
                    if current.size == 1 {
                        current = rest.next()?;
                    }
                    let size = missing.min(current.size);
                    if !missing.is_multiple_of(size) || !current.size.is_multiple_of(size) {
                        return None;
                    }
                    (missing, current.size) = (missing / size, current.size / size);
                    group.push(Axis { size, stride: current.stride * current.size });
                }
                Some(group)
            })
            .collect();
        groups.filter(|_| current.size == 1 && rest.next().is_none())
    }

    /// With tract's axis `from` moved to `to`; `None` where `dims` cut across the axes.
    pub(super) fn moved(&self, dims: &[usize], from: usize, to: usize) -> Option<Self> {
        let mut groups = self.split(dims)?;
        let group = groups.remove(from);
        groups.insert(to, group);
        Some(Self { softmax: self.softmax.clone(), ..Self::new(self.id, groups.concat()) })
    }

    /// With a softmax of `kind` over some of tract's `dims`, taken by `node`; `None` where these cut across the axes.
    pub(super) fn with_softmax(
        self,
        node: &str,
        kind: Postprocessing,
        dims: &[usize],
        over: &[usize],
    ) -> Option<Self> {
        let groups = self.split(dims)?;
        let classes: Vec<Axis> =
            over.iter().filter_map(|&axis| groups.get(axis)).flatten().copied().collect();
        let classes = Self::new(self.id, classes).axes;
        Some(Self { softmax: Some(Softmax { node: node.into(), kind, classes }), ..self })
    }

    /// The logarithms of its softmax.
    pub(super) fn logarithms(&self) -> Option<Self> {
        let softmax = self.softmax.clone().filter(|softmax| softmax.kind == Postprocessing::Softmax)?;
        Some(Self { softmax: Some(Softmax { kind: Postprocessing::LogSoftmax, ..softmax }), ..self.clone() })
    }

    pub(super) const fn softmax(&self) -> Option<&Softmax> {
        self.softmax.as_ref()
    }

    /// Which of `dims` its softmax is taken over; `None` where it has none, or these cut across it.
    pub(super) fn class_axes(&self, dims: &[usize]) -> Option<ClassAxes> {
        let (groups, softmax) = (self.split(dims)?, self.softmax()?);
        let ranges =
            (0..=dims.len()).flat_map(|first| (first..=dims.len()).map(move |end| ClassAxes { first, end }));
        let holds = |range: &ClassAxes| {
            Self::new(self.id, groups[range.first..range.end].concat()).axes == softmax.classes
        };
        ranges.filter(holds).max_by_key(|range| range.end - range.first)
    }

    /// The channel of the graph value of `shape` at each position of tract's `axis`, where the other axes list each
    /// channel's plane in order; `None` where they do not.
    pub(super) fn channel_order(&self, dims: &[usize], axis: usize, shape: Shape) -> Option<Vec<usize>> {
        let mut groups = self.split(dims)?;
        let channels = groups.get(axis)?.clone();
        groups.remove(axis);
        let plane = shape.plane();
        let whole = Self::new(self.id, vec![Axis { size: plane, stride: 1 }]);
        if Self::new(self.id, groups.concat()) != whole
            || channels.iter().any(|axis| axis.stride % plane != 0)
        {
            return None;
        }
        let mut order = vec![0];
        for axis in channels {
            let step = axis.stride / plane;
            order = order.into_iter().flat_map(|at| (0..axis.size).map(move |i| at + i * step)).collect();
        }
        (order.len() == shape.channels).then_some(order)
    }

    /// Values that belong to the elements as tract lists them, as the graph does.
    pub(super) fn to_graph_order<T: Copy + Default>(&self, values: &[T]) -> Vec<T> {
        if self.is_plain() {
            return values.to_vec();
        }
        let mut ordered = vec![T::default(); values.len()];
        for (index, &value) in values.iter().enumerate() {
            ordered[self.position(index)] = value;
        }
        ordered
    }

    /// Where the graph has what tract has at `index`.
    pub(super) fn position(&self, mut index: usize) -> usize {
        let mut position = 0;
        for axis in self.axes.iter().rev() {
            position += index % axis.size * axis.stride;
            index /= axis.size;
        }
        position
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Graph, Real, RealFact};

    fn image() -> (NodeId, Shape) {
        let shape = Shape::new(2, 3, 4);
        let graph: Graph<Real> = Graph::new("image", RealFact { shape });
        (graph.input(), shape)
    }

    #[test]
    fn transposing_there_and_back_is_plain() {
        let (id, shape) = image();
        let last = View::plain(id, shape).moved(&[1, 2, 3, 4], 1, 3).unwrap();
        assert_eq!(last, View::channels_last(id, shape));
        assert!(!last.is_plain());
        assert!(last.moved(&[1, 3, 4, 2], 3, 1).unwrap().is_plain());
        assert!(last.moved(&[1, 12, 2], 2, 1).unwrap().is_plain(), "joined axes move together");
        assert_eq!(last.moved(&[1, 8, 3], 2, 1), None, "an axis made of half a row");
    }

    #[test]
    fn constants_follow_the_elements() {
        let (id, shape) = image();
        let last = View::channels_last(id, shape);
        let ordered = last.to_graph_order(&(0..24).collect::<Vec<usize>>());
        assert_eq!(ordered[..3], [0, 2, 4]);
        assert_eq!(ordered[shape.index(1, 2, 3)], 23);
        assert_eq!(ordered[shape.index(1, 0, 0)], 1);
    }

    #[test]
    fn shuffled_channels_are_followed() {
        let shape = Shape::new(6, 2, 2);
        let graph: Graph<Real> = Graph::new("image", RealFact { shape });
        let shuffled = View::plain(graph.input(), shape).moved(&[1, 2, 3, 2, 2], 1, 2).unwrap();
        assert_eq!(shuffled.channel_order(&[1, 6, 2, 2], 1, shape), Some(vec![0, 3, 1, 4, 2, 5]));
        let last = View::channels_last(graph.input(), shape);
        assert_eq!(last.channel_order(&[1, 2, 2, 6], 3, shape), Some((0..6).collect()));
        assert_eq!(last.channel_order(&[1, 6, 2, 2], 1, shape), None);
    }

    #[test]
    fn axes_of_length_one_do_not_matter() {
        let (id, _) = image();
        let grey = Shape::new(1, 3, 4);
        assert!(View::channels_last(id, grey).is_plain());
        assert!(View::plain(id, Shape::vector(7)).moved(&[1, 7, 1, 1], 1, 3).unwrap().is_plain());
    }
}
