//! Images of another size. Every pixel is a sum of a few of the source's, with weights that are products of one along the
//! rows and one along the columns; tract tells these, whatever the mode.
//!
//! Where each pixel is one of the source's, that is a gather. Where weights repeat with the stride of a whole factor, it is a
//! convolution with one channel for each place beside a pixel, over an image whose border is repeated, and a gather that puts
//! these side by side. Otherwise it is a matrix along the rows and one along the columns.

use super::site::Site;
use super::view::View;
use super::{Found, Translator};
use crate::from_onnx::refusal::Refusal;
use crate::graph::{Conv, NodeId, Op, Shape, Window};
use tract_onnx::prelude::{IntoTValue, Tensor, TypedOp};
use tract_onnx::tract_core::internal::EvalContext;

/// Weights that differ by less are the same.
const NEAR: f32 = 1e-5;

/// Elements that tract is asked for to learn the weights along an axis, at most.
const MAX_WORK: usize = 1 << 28;

/// How the pixels along an axis are made: row by row, the weights of the source's.
struct Line {
    from: usize,
    weights: Vec<f32>,
}

/// Weights beside each pixel of the source, for each of the places that it becomes.
struct Phases(Vec<[f32; 3]>);

impl Line {
    fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.weights.chunks(self.from)
    }

    /// For each pixel the one of the source that it is.
    fn choice(&self) -> Option<Vec<usize>> {
        let one = |row: &[f32]| {
            let largest = row.iter().position(|weight| (weight - 1.0).abs() < NEAR)?;
            let others = row.iter().enumerate().all(|(at, weight)| at == largest || weight.abs() < NEAR);
            others.then_some(largest)
        };
        self.rows().map(one).collect()
    }

    /// Where pixels are made of the nearest three of the source, alike for all, and the border is repeated.
    fn phases(&self) -> Option<Phases> {
        let to = self.weights.len() / self.from;
        let factor = to / self.from;
        if factor * self.from != to || factor == 0 || self.from < 3 {
            return None;
        }
        let inner = |phase: usize| {
            let row = (self.from / 2) * factor + phase;
            let first = row * self.from + self.from / 2 - 1;
            [0, 1, 2].map(|tap| self.weights[first + tap])
        };
        let phases = Phases((0..factor).map(inner).collect());
        let predicted = |row: usize| {
            let mut weights = vec![0.0; self.from];
            for (tap, weight) in phases.0[row % factor].into_iter().enumerate() {
                weights[(row / factor + tap).saturating_sub(1).min(self.from - 1)] += weight;
            }
            weights
        };
        let near = |(row, weights): (usize, &[f32])| {
            predicted(row).iter().zip(weights).all(|(a, b)| (a - b).abs() < NEAR)
        };
        self.rows().enumerate().all(near).then_some(phases)
    }
}

impl Translator<'_> {
    pub(super) fn resize(&mut self, op: &dyn TypedOp, site: &Site) -> Found {
        let (id, shape) = self.image(site, 0)?;
        let dims = &site.inputs[0].dims;
        if dims.len() != site.output.len() || dims[..2] != site.output[..2] || !(3..=4).contains(&dims.len())
        {
            return Err(Refusal::new(
                format!("it makes {:?} of {dims:?}", site.output),
                "only height and width can be resized",
            ));
        }
        let columns = line(op, site, dims.len() - 1)?;
        let rows = if dims.len() == 4 { line(op, site, 2)? } else { Line { from: 1, weights: vec![1.0] } };
        check(op, site, &rows, &columns)?;
        if let (Some(rows), Some(columns)) = (rows.choice(), columns.choice()) {
            let to = Shape::new(shape.channels, rows.len(), columns.len());
            let at = |[channel, y, x]: [usize; 3]| shape.index(channel, rows[y], columns[x]);
            return self.image_of(site, id, to, at);
        }
        if let (Some(rows), Some(columns)) = (rows.phases(), columns.phases()) {
            return self.interpolated(site, id, &rows, &columns);
        }
        let id = self.along(site, id, &rows, 1)?;
        let id = self.along(site, id, &columns, 2)?;
        Ok(View::plain(id, self.graph.shape(id)))
    }

    /// The image of shape `to` whose element is that of `id` which `at` says, by channel, row and column.
    fn image_of(&mut self, site: &Site, id: NodeId, to: Shape, at: impl Fn([usize; 3]) -> usize) -> Found {
        let positions = (0..to.elements()).map(|element| Some(at(to.place(element))));
        self.gathered(&site.name, id, positions, &[1, to.channels, to.height, to.width], false)
    }

    fn interpolated(&mut self, site: &Site, id: NodeId, rows: &Phases, columns: &Phases) -> Found {
        let shape = self.graph.shape(id);
        let Shape { channels, height, width } = shape;
        let bordered = Shape::new(channels, height + 2, width + 2);
        let inside = |at: usize, of: usize| at.saturating_sub(1).min(of - 1);
        let bordered = self
            .image_of(site, id, bordered, |[c, y, x]| shape.index(c, inside(y, height), inside(x, width)))?;
        let (down, across) = (rows.0.len(), columns.0.len());
        let kernel = |phase: usize| {
            let (y, x) = (rows.0[phase / across], columns.0[phase % across]);
            y.into_iter().flat_map(move |y| x.map(|x| y * x))
        };
        let kernels: Vec<f32> = (0..down * across).flat_map(kernel).collect();
        let conv = Conv {
            window: Window::dense([3, 3]),
            groups: channels,
            weights: kernels.repeat(channels),
            bias: vec![0.0; channels * down * across],
        };
        let conv = self.append(&site.name, Op::Conv(conv), &[bordered.id])?;
        let from = self.graph.shape(conv);
        let to = Shape::new(channels, height * down, width * across);
        self.image_of(site, conv, to, |[c, y, x]| {
            from.index((c * down + y % down) * across + x % across, y / down, x / across)
        })
    }

    /// The rows (`axis` 1) or columns (2) of an image multiplied by a matrix.
    fn along(&mut self, site: &Site, id: NodeId, line: &Line, axis: usize) -> Result<NodeId, Refusal> {
        let from = self.graph.shape(id);
        let turned = if axis == 1 {
            self.image_of(site, id, Shape::new(from.height, from.channels, from.width), |[y, c, x]| {
                from.index(c, y, x)
            })?
        } else {
            self.image_of(site, id, Shape::new(from.width, from.channels, from.height), |[x, c, y]| {
                from.index(c, y, x)
            })?
        };
        let count = line.weights.len() / line.from;
        let (window, weights) = (Window::dense([1, 1]), line.weights.clone());
        let conv = Conv { window, groups: 1, weights, bias: vec![0.0; count] };
        let made = self.append(&site.name, Op::Conv(conv), &[turned.id])?;
        let by = self.graph.shape(made);
        let back = if axis == 1 {
            self.image_of(site, made, Shape::new(from.channels, count, from.width), |[c, y, x]| {
                by.index(y, c, x)
            })
        } else {
            self.image_of(site, made, Shape::new(from.channels, from.height, count), |[c, y, x]| {
                by.index(x, c, y)
            })
        };
        Ok(back?.id)
    }
}

/// What `op` makes of the element `value` at each index of the first operand.
fn evaluated(op: &dyn TypedOp, site: &Site, value: impl Fn(&[usize]) -> f32) -> Result<Vec<f32>, Refusal> {
    let dims = &site.inputs[0].dims;
    let mut index = vec![0; dims.len()];
    let mut values = Vec::with_capacity(dims.iter().product());
    for element in 0..dims.iter().product() {
        let mut rest: usize = element;
        for (at, size) in index.iter_mut().zip(dims).rev() {
            (*at, rest) = (rest % size, rest / size);
        }
        values.push(value(&index));
    }
    let image = Tensor::from_shape(dims, &values).map_err(|error| format!("{error:#}"))?;
    let mut inputs = vec![image];
    for position in 1..site.inputs.len() {
        inputs.push(site.constant(position)?.clone());
    }
    let inputs = inputs.into_iter().map(IntoTValue::into_tvalue).collect();
    let outputs = op.eval(&EvalContext::out_of_plan(), inputs).map_err(|error| format!("{error:#}"))?;
    let first = outputs.first().filter(|first| first.shape() == site.output);
    super::site::floats(first.ok_or_else(|| "it gives another shape".to_string())?)
}

/// The weights along an axis: channel by channel, images of which one line is 1.
fn line(op: &dyn TypedOp, site: &Site, axis: usize) -> Result<Line, Refusal> {
    let (dims, output) = (&site.inputs[0].dims, &site.output);
    let (from, to, channels) = (dims[axis], output[axis], dims[1]);
    let work = from.div_ceil(channels).saturating_mul(output.iter().product()).max(from.saturating_mul(to));
    if work > MAX_WORK {
        return Err(Refusal::new(format!("it makes {to} lines of {from}"), "resize smaller images"));
    }
    let step: usize = output[axis + 1..].iter().product();
    let plane: usize = output[2..].iter().product();
    let mut weights = vec![0.0; from * to];
    for first in (0..from).step_by(channels) {
        let lit = |index: &[usize]| f32::from(u8::from(index[axis] == first + index[1]));
        let values = evaluated(op, site, lit)?;
        for (channel, line) in (first..from).take(channels).enumerate() {
            for row in 0..to {
                weights[row * from + line] = values[channel * plane + row * step];
            }
        }
    }
    Ok(Line { from, weights })
}

/// Makes sure, on an image without any pattern, that rows and columns are all that `op` does.
fn check(op: &dyn TypedOp, site: &Site, rows: &Line, columns: &Line) -> Result<(), Refusal> {
    let noise =
        |index: &[usize]| index.iter().fold(1.0, |hash: f32, &at| (hash * 7.3 + at as f32 * 0.71).sin());
    let sequence = site.inputs[0].dims.len() == 3;
    let at = |y: usize, x: usize| if sequence { noise(&[0, 0, x]) } else { noise(&[0, 0, y, x]) };
    let values = evaluated(op, site, noise)?;
    let mut expected = values.iter();
    let taps = |weights: &[f32]| -> Vec<(usize, f32)> {
        weights.iter().copied().enumerate().filter(|(_, weight)| *weight != 0.0).collect()
    };
    let columns: Vec<Vec<(usize, f32)>> = columns.rows().map(taps).collect();
    for down in rows.rows().map(taps) {
        for across in &columns {
            let sum: f32 =
                down.iter().flat_map(|&(y, a)| across.iter().map(move |&(x, b)| a * b * at(y, x))).sum();
            if expected.next().is_none_or(|expected| (expected - sum).abs() > 1e-3) {
                return Err(Refusal::new(
                    "what it does is no interpolation by rows and columns",
                    "resize with mode = nearest or linear, without cropping",
                ));
            }
        }
    }
    Ok(())
}
