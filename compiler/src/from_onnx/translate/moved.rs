//! What only moves values about: zeros around an image or after its channels, parts of it, its channels in
//! another order.
//!
//! Under encryption each is a convolution with a single 1 per result. Several in a row become
//! one, and a convolution or pooling that reads one takes it over where its own window or weights can say it.

use crate::from_onnx::refusal::Refusal;
use crate::graph::{Binary, Conv, Curve, Graph, NodeId, Op, Real, Shape, Unary, Window};

/// Weights of one such layer.
const MAX_WEIGHTS: usize = 1 << 24;

/// A value as a part of an earlier one: each element is one of the source's, or 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Moved {
    pub(super) source: NodeId,
    /// For each channel that of the source; `None` for zeros.
    pub(super) channels: Vec<Option<usize>>,
    /// Which of the source's rows and columns, in this order, the value takes.
    pub(super) lines: [Lines; 2],
}

/// For positions 0, 1, … along an axis those of the source: `first`, `first + step`, …; 0 outside of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lines {
    first: isize,
    step: usize,
    len: usize,
    /// Positions of the source.
    of: usize,
}

impl Lines {
    fn all(of: usize) -> Self {
        Self { first: 0, step: 1, len: of, of }
    }

    /// These lines of lines; `None` where zeros of the inner ones would have to stay.
    fn then(self, outer: Self) -> Option<Self> {
        let step = self.step as isize;
        let first = self.first + outer.first * step;
        let both = Self { first, step: self.step * outer.step, len: outer.len, of: self.of };
        let same = (0..outer.len).all(|at| {
            let inner = outer.at(at).and_then(|at| self.at(at));
            inner == both.at(at)
        });
        same.then_some(both)
    }

    /// The source's position, if it is inside.
    fn at(self, position: usize) -> Option<usize> {
        let at = usize::try_from(self.first + (position * self.step) as isize).ok()?;
        (position < self.len && at < self.of).then_some(at)
    }

    /// Zeros before and after the whole source, if nothing else is done to it.
    fn padding(self) -> Option<(usize, usize)> {
        let before = usize::try_from(-self.first).ok().filter(|_| self.step == 1)?;
        Some((before, self.len.checked_sub(before + self.of)?))
    }

    /// Kernel, the position of its 1, padding before and after that give these lines at stride `step`.
    fn window(self) -> (usize, usize, usize, usize) {
        let (before, tap) = (self.first.min(0).unsigned_abs(), self.first.max(0) as usize);
        let reach = tap + (self.len - 1) * self.step + 1;
        let after = reach.saturating_sub(self.of + before);
        let kernel = (tap + 1).max((self.of + before + after + 1).saturating_sub(self.len * self.step));
        (kernel, tap, before, after)
    }
}

impl Moved {
    /// All of the value `source`, unchanged.
    pub(super) fn whole(source: NodeId, shape: Shape) -> Self {
        let lines = [Lines::all(shape.height), Lines::all(shape.width)];
        Self { source, channels: (0..shape.channels).map(Some).collect(), lines }
    }

    /// With other channels; `None` for zeros.
    pub(super) fn with_channels(self, of: impl IntoIterator<Item = Option<usize>>) -> Self {
        let channels =
            of.into_iter().map(|channel| channel.and_then(|channel| self.channels[channel])).collect();
        Self { channels, ..self }
    }

    /// With `len` of the lines along an axis, from `first` on, every `step`th; `None` where that cannot be one move.
    pub(super) fn with_lines(mut self, axis: usize, first: isize, step: usize, len: usize) -> Option<Self> {
        let of = self.lines[axis].len;
        self.lines[axis] = self.lines[axis].then(Lines { first, step, len, of })?;
        Some(self)
    }

    pub(super) fn keeps_channels(&self, shape: Shape) -> bool {
        self.channels.len() == shape.channels
            && self.channels.iter().enumerate().all(|(index, channel)| *channel == Some(index))
    }

    /// Zeros before and after rows and columns, if the plane is whole.
    pub(super) fn padding(&self) -> Option<([usize; 2], [usize; 2])> {
        let [rows, columns] = [self.lines[0].padding()?, self.lines[1].padding()?];
        Some(([rows.0, columns.0], [rows.1, columns.1]))
    }

    /// The convolutions that move, in order; none where everything stays.
    pub(super) fn layers(&self, shape: Shape) -> Result<Vec<Conv<Real>>, Refusal> {
        let [(height, row, top, bottom), (width, column, left, right)] = self.lines.map(Lines::window);
        let window = Window {
            stride: [self.lines[0].step, self.lines[1].step],
            pad_before: [top, left],
            pad_after: [bottom, right],
            ..Window::dense([height, width])
        };
        let moves_lines = self.lines != [Lines::all(shape.height), Lines::all(shape.width)];
        let moves_channels = !self.keeps_channels(shape);
        if moves_channels && [height, width] == [1, 1] {
            return Ok(vec![self.choice(window, shape)?]);
        }
        let mut layers = Vec::new();
        if moves_lines {
            let mut weights = zeros(shape.channels, height * width)?;
            weights.chunks_mut(height * width).for_each(|kernel| kernel[row * width + column] = 1.0);
            layers.push(Conv { window, groups: shape.channels, weights, bias: vec![0.0; shape.channels] });
        }
        if moves_channels {
            layers.push(self.choice(Window::dense([1, 1]), shape)?);
        }
        Ok(layers)
    }

    /// The convolution that chooses the channels, with a window of one tap.
    fn choice(&self, window: Window, shape: Shape) -> Result<Conv<Real>, Refusal> {
        let count = self.channels.len();
        let mut weights = zeros(count, shape.channels)?;
        for (row, channel) in weights.chunks_mut(shape.channels).zip(&self.channels) {
            if let Some(channel) = channel {
                row[*channel] = 1.0;
            }
        }
        Ok(Conv { window, groups: 1, weights, bias: vec![0.0; count] })
    }

    /// The weights of a convolution without groups over the moved channels, as over the source's.
    pub(super) fn weights(&self, weights: &[f32], kernel: usize, shape: Shape) -> Vec<f32> {
        let (row, wider) = (self.channels.len() * kernel, shape.channels * kernel);
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

fn zeros(rows: usize, columns: usize) -> Result<Vec<f32>, Refusal> {
    match rows.checked_mul(columns).filter(|&count| count <= MAX_WEIGHTS) {
        Some(count) => Ok(vec![0.0; count]),
        None => Err(Refusal::new(
            format!("it moves values by a matrix of {rows}x{columns}"),
            "take parts of the image before it is flattened",
        )),
    }
}

/// Whether no element of a value can be negative.
pub(super) fn is_nonnegative(graph: &Graph<Real>, id: NodeId) -> bool {
    match graph.op(id) {
        Op::Relu => true,
        Op::Activation(curve) => least(curve) >= 0.0,
        Op::MaxPool(_) | Op::AveragePool(_) | Op::Flatten | Op::Concat => {
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

    #[test]
    fn lines_compose_unless_zeros_would_stay() {
        let of = |first, step, len, of| Lines { first, step, len, of };
        let padded = of(-1, 1, 10, 8);
        assert_eq!(padded.padding(), Some((1, 1)));
        assert_eq!(padded.then(of(-2, 1, 13, 10)), Some(of(-3, 1, 13, 8)));
        let halved = of(0, 2, 4, 8);
        assert_eq!(halved.then(of(-1, 1, 6, 4)), Some(of(-2, 2, 6, 8)));
        let cropped = of(1, 1, 6, 8);
        assert_eq!(cropped.then(of(-1, 1, 8, 6)), None, "the crop's border is zero, the source's is not");
        assert_eq!(cropped.then(of(2, 1, 3, 6)), Some(of(3, 1, 3, 8)));
    }

    #[test]
    fn windows_give_the_lines() {
        for (first, step, len, of) in [
            (0, 2, 4, 8),
            (0, 2, 4, 7),
            (1, 2, 3, 8),
            (-2, 1, 12, 8),
            (3, 1, 2, 8),
            (-1, 2, 5, 8),
            (2, 3, 2, 9),
        ] {
            let lines = Lines { first, step, len, of };
            let (kernel, tap, before, after) = lines.window();
            let window = Window {
                stride: [step, 1],
                pad_before: [before, 0],
                pad_after: [after, 0],
                ..Window::dense([kernel, 1])
            };
            assert_eq!(window.output([of, 1]), Some([len, 1]), "{lines:?}");
            for at in 0..len {
                let read = window.taps([of, 1], [at, 0]).find(|([row, _], _)| *row == tap);
                assert_eq!(read.map(|(_, [row, _])| row), lines.at(at), "{lines:?}");
            }
        }
    }
}
