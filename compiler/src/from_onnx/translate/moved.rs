//! What a convolution or a pooling can take over of a gather that it reads: zeros around an image or after its channels, and
//! its channels in another order.

use crate::graph::{Binary, Curve, Gather, Graph, NodeId, Op, Real, Shape, Unary};

/// A gather that moves channels, rows and columns, each as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Moved {
    pub(super) source: NodeId,
    /// For each channel that of the source; `None` for zeros.
    pub(super) channels: Vec<Option<usize>>,
    /// For each row and each column that of the source; `None` for zeros.
    lines: [Vec<Option<usize>>; 2],
    /// Of the source.
    shape: Shape,
}

impl Moved {
    /// What the node `id` moves; `None` where it is no such gather.
    pub(super) fn from_node(graph: &Graph<Real>, id: NodeId) -> Option<Self> {
        let Op::Gather(gather) = graph.op(id) else { return None };
        let source = graph.sole_input(id);
        let shape = graph.shape(source);
        let mut moved = Self {
            source,
            channels: vec![None; gather.shape.channels],
            lines: [vec![None; gather.shape.height], vec![None; gather.shape.width]],
            shape,
        };
        for (element, position) in gather.map.positions().enumerate() {
            let Some(position) = position else { continue };
            let [channel, row, column] = moved.places(gather.shape.place(element));
            let [c, y, x] = shape.place(position);
            *channel = Some(c);
            *row = Some(y);
            *column = Some(x);
        }
        moved.gives(gather).then_some(moved)
    }

    fn places(&mut self, [channel, y, x]: [usize; 3]) -> [&mut Option<usize>; 3] {
        let [rows, columns] = &mut self.lines;
        [&mut self.channels[channel], &mut rows[y], &mut columns[x]]
    }

    fn gives(&self, gather: &Gather) -> bool {
        let expected = |element: usize| {
            let [channel, y, x] = gather.shape.place(element);
            Some(self.shape.index(self.channels[channel]?, self.lines[0][y]?, self.lines[1][x]?))
        };
        gather.map.positions().enumerate().all(|(element, position)| position == expected(element))
    }

    pub(super) fn keeps_channels(&self) -> bool {
        self.channels.iter().copied().eq((0..self.shape.channels).map(Some))
    }

    /// Zeros before and after rows and columns, if the plane is whole.
    pub(super) fn padding(&self) -> Option<([usize; 2], [usize; 2])> {
        let rows = padding(&self.lines[0], self.shape.height)?;
        let columns = padding(&self.lines[1], self.shape.width)?;
        Some(([rows.0, columns.0], [rows.1, columns.1]))
    }

    /// The weights of a convolution without groups over the moved channels, as over the source's.
    pub(super) fn weights(&self, weights: &[f32], kernel: usize) -> Vec<f32> {
        let (row, wider) = (self.channels.len() * kernel, self.shape.channels * kernel);
        let mut spread = vec![0.0; weights.len() / row * wider];
        for (from, to) in weights.chunks(row).zip(spread.chunks_mut(wider)) {
            for (taps, channel) in from.chunks(kernel).zip(&self.channels) {
                let Some(channel) = channel else { continue };
                let at = channel * kernel;
                to[at..at + kernel].iter_mut().zip(taps).for_each(|(sum, tap)| *sum += tap);
            }
        }
        spread
    }
}

/// Zeros before and after all `of` lines of the source in their order, if the lines are these.
fn padding(lines: &[Option<usize>], of: usize) -> Option<(usize, usize)> {
    let before = lines.iter().take_while(|line| line.is_none()).count();
    let after = lines.len().checked_sub(before + of)?;
    let inside = lines[before..before + of].iter().copied().eq((0..of).map(Some));
    (inside && lines[before + of..].iter().all(Option::is_none)).then_some((before, after))
}

/// Whether no element of a value can be negative.
pub(super) fn is_nonnegative(graph: &Graph<Real>, id: NodeId) -> bool {
    match graph.op(id) {
        Op::Relu => true,
        Op::Activation(curve) => least(curve) >= 0.0,
        Op::MaxPool(_) | Op::AveragePool(_) | Op::Flatten | Op::Gather(_) | Op::Concat => {
            graph.inputs(id).into_iter().all(|input| is_nonnegative(graph, input))
        }
        _ => false,
    }
}

/// A lower bound of what a curve gives.
fn least(curve: &Curve) -> f32 {
    match curve {
        Curve::Constant(values) => values.iter().copied().fold(f32::INFINITY, f32::min),
        Curve::Unary(Unary::Sigmoid | Unary::Exp, _) => 0.0,
        Curve::Binary(Binary::Max, operands) => least(&operands[0]).max(least(&operands[1])),
        Curve::Binary(Binary::Min, operands) => least(&operands[0]).min(least(&operands[1])),
        _ => f32::NEG_INFINITY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::RealFact;

    /// What a gather from two channels of 2×3 moves.
    fn moved(shape: Shape, at: impl Fn([usize; 3]) -> Option<usize>) -> Option<Moved> {
        let mut graph = Graph::new("image", RealFact { shape: Shape::new(2, 2, 3) });
        let positions = (0..shape.elements()).map(|element| at(shape.place(element)));
        let gather = Op::Gather(Gather::new(shape, positions.collect::<Vec<_>>()));
        let id = graph.append("gather", gather, &[graph.input()]).unwrap();
        Moved::from_node(&graph, id)
    }

    #[test]
    fn whole_channels_and_lines_are_recognised() {
        let from = Shape::new(2, 2, 3);
        let inside = |at: usize, of: usize| (1..=of).contains(&at).then(|| at - 1);
        let padded =
            moved(Shape::new(2, 3, 5), |[c, y, x]| Some(from.index(c, inside(y, 2)?, inside(x, 3)?)));
        let padded = padded.expect("whole lines");
        assert!(padded.keeps_channels());
        assert_eq!(padded.padding(), Some(([1, 1], [0, 1])));
        let turned = moved(from, |[c, y, x]| Some(from.index(1 - c, y, x))).expect("whole channels");
        assert_eq!(
            (turned.channels.clone(), turned.padding()),
            (vec![Some(1), Some(0)], Some(([0; 2], [0; 2])))
        );
        assert_eq!(turned.weights(&[1.0, 2.0], 1), [2.0, 1.0]);
        let cropped = moved(Shape::new(2, 1, 3), |[c, _, x]| Some(from.index(c, 1, x))).expect("a line");
        assert_eq!(cropped.padding(), None);
        assert_eq!(moved(Shape::vector(12), |[element, ..]| Some(11 - element)), None);
    }
}
