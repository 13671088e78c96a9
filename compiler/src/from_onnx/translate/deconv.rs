//! Transposed convolutions, as convolutions whose results are shuffled.
//!
//! Pixel i of the input adds its kernel to the pixels i·s + k·d of the output, s the stride and d the dilation. So the pixels
//! q·s + r of the output, for one r, are Σ w_k·x_(q − m) over the taps with k·d = m·s + r: a convolution with the taps turned
//! round. One convolution gives those of all r as s channels, and a gather puts them side by side.
//!
//! Zeros between the pixels and a convolution with the whole kernel would do, too. But what is encrypted are the pixels of the
//! input, of which there would be s² times as many, zeros for the most part; what comes back is as much either way.

use super::linear::{bias, spatial_axes};
use super::site::Site;
use super::{Found, Translator};
use crate::from_onnx::refusal::Refusal;
use crate::graph::{Conv, Op, Shape, Window};
use tract_onnx::tract_core::ops::cnn::conv::KernelFormat;
use tract_onnx::tract_core::ops::cnn::{Deconv, PoolSpec};

/// A transposed convolution along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Line {
    input: usize,
    output: usize,
    kernel: usize,
    stride: usize,
    dilation: usize,
    /// Pixels that are cut off in front.
    cut: usize,
}

impl Line {
    /// Taps of the convolution.
    fn taps(self) -> usize {
        (self.kernel - 1) * self.dilation / self.stride + 1
    }

    /// The tap at which the kernel's tap k stands, and r.
    fn place(self, k: usize) -> (usize, usize) {
        let at = k * self.dilation;
        (self.taps() - 1 - at / self.stride, at % self.stride)
    }

    /// The first q that the convolution gives.
    fn first(self) -> usize {
        (self.cut / self.stride).min(self.taps() - 1)
    }

    /// Padding before and after.
    fn padding(self) -> (usize, usize) {
        let last = (self.cut + self.output - 1) / self.stride;
        (self.taps() - 1 - self.first(), (last + 1).saturating_sub(self.input))
    }

    /// r, and the position that the convolution gives, of an output pixel.
    fn source(self, output: usize) -> (usize, usize) {
        let at = output + self.cut;
        (at % self.stride, at / self.stride - self.first())
    }
}

impl Translator<'_> {
    pub(super) fn deconv(&mut self, deconv: &Deconv, site: &Site) -> Found {
        let (id, shape) = self.image(site, 0)?;
        if deconv.kernel_format != KernelFormat::OIHW {
            return Err(Refusal::new("channels-last kernels are not supported", "export the float model"));
        }
        let spec = &deconv.pool_spec;
        let lines = lines(deconv, shape, &site.output)?;
        let [rows, columns] = lines;
        let (channels, phases) = (spec.output_channels, rows.stride * columns.stride);
        let (weights, each) = (site.weights(1)?, shape.channels / deconv.group);
        let kernel = [rows.taps(), columns.taps()];
        let taps = kernel[0] * kernel[1];
        let count = channels.checked_mul(phases).and_then(|rows| rows.checked_mul(each * taps));
        let count = count.filter(|&count| count <= crate::from_onnx::typed::MAX_ACTIVATIONS);
        let mut spread = vec![0.0; count.ok_or_else(|| "its stride is too large".to_string())?];
        for (index, &weight) in weights.iter().enumerate() {
            let (row, column) = (index / columns.kernel % rows.kernel, index % columns.kernel);
            let (output, input) = (
                index / (each * rows.kernel * columns.kernel),
                index / (rows.kernel * columns.kernel) % each,
            );
            let ((ky, ry), (kx, rx)) = (rows.place(row), columns.place(column));
            let channel = (output * rows.stride + ry) * columns.stride + rx;
            spread[(channel * each + input) * taps + ky * kernel[1] + kx] = weight;
        }
        let bias =
            bias(site, channels)?.into_iter().flat_map(|bias| std::iter::repeat_n(bias, phases)).collect();
        let [(top, bottom), (left, right)] = lines.map(Line::padding);
        let window = Window { pad_before: [top, left], pad_after: [bottom, right], ..Window::dense(kernel) };
        let conv = Conv { window, groups: deconv.group, weights: spread, bias };
        let conv = self.append(&site.name, Op::Conv(conv), &[id])?;
        let from = self.graph.shape(conv);
        let to = Shape::new(channels, rows.output, columns.output);
        let place = |element: usize| {
            let [output, y, x] = to.place(element);
            let ((ry, y), (rx, x)) = (rows.source(y), columns.source(x));
            let channel = (output * rows.stride + ry) * columns.stride + rx;
            Some(from.index(channel, y, x))
        };
        self.gathered(&site.name, conv, (0..to.elements()).map(place), &site.output, false)
    }
}

/// Rows and columns; a sequence has one row.
fn lines(deconv: &Deconv, shape: Shape, output: &[usize]) -> Result<[Line; 2], Refusal> {
    let spec: &PoolSpec = &deconv.pool_spec;
    let axes = spatial_axes(spec, output)?;
    let image = [shape.height, shape.width];
    let padded = spec
        .padding
        .compute_for_deconv(
            &image[2 - axes..],
            &spec.kernel_shape,
            &spec.dilations(),
            &spec.strides(),
            &deconv.adjustments,
        )
        .map_err(|error| format!("{error:#}"))?;
    let mut lines = [Line { input: 1, output: 1, kernel: 1, stride: 1, dilation: 1, cut: 0 }; 2];
    for (axis, line) in lines.iter_mut().skip(2 - axes).enumerate() {
        *line = Line {
            input: image[2 - axes + axis],
            output: output[2 + axis],
            kernel: spec.kernel_shape[axis],
            stride: spec.stride(axis),
            dilation: spec.dilation(axis),
            cut: padded[axis].pad_before,
        };
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Over one channel with one row, by the definition.
        #[test]
        fn the_taps_meet_their_pixels(
            (input, kernel, stride, dilation) in (1..5usize, 1..5usize, 1..4usize, 1..4usize),
            (cut, cut_after, more) in (0..4usize, 0..4usize, 0..2usize),
        ) {
            let whole = (input - 1) * stride + (kernel - 1) * dilation + 1 + more;
            prop_assume!(cut + cut_after < whole);
            let line = Line { input, output: whole - cut - cut_after, kernel, stride, dilation, cut };
            let mut expected = vec![0; whole + stride];
            for i in 0..input {
                (0..kernel).for_each(|k| expected[i * stride + k * dilation] += (i + 1) * 10usize.pow(k as u32));
            }
            let mut weights = vec![0; stride * line.taps()];
            for k in 0..kernel {
                let (tap, phase) = line.place(k);
                weights[phase * line.taps() + tap] = 10usize.pow(k as u32);
            }
            let (before, after) = line.padding();
            let window = Window { pad_before: [0, before], pad_after: [0, after], ..Window::dense([1, line.taps()]) };
            let given = window.output([1, input]).expect("it fits")[1];
            for output in 0..line.output {
                let (phase, at) = line.source(output);
                prop_assert!(at < given);
                let sum = window.taps([1, input], [0, at]).map(|([_, tap], [_, x])| weights[phase * line.taps() + tap] * (x + 1));
                prop_assert_eq!(sum.sum::<usize>(), expected[output + cut]);
            }
        }
    }
}
