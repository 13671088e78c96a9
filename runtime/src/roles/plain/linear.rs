//! Convolutions and dense layers as products of matrices.
//!
//! The columns of the right matrix are what the kernel sees at each position of the output, every
//! number cut into digits, which are columns of their own. They are gathered panel by panel.

use super::digits::{Plane, planes};
use super::product::WeightMatrix;
use super::tensor::{Integer, Tensor};
use crate::plan::{Conv2d, Dense, Shape, Window};
use rayon::prelude::*;

/// Products from which on a layer is worth several threads.
const PARALLEL: usize = 1 << 20;
/// Positions from which on the zeros among the weights are worth being left out.
const MANY_POSITIONS: usize = 32;

/// A convolution; for a dense layer, one that covers its image of one pixel.
pub(super) struct Layer<'a> {
    window: Window,
    groups: usize,
    weights: &'a [i32],
    bias: &'a [i128],
    from: Shape,
    to: Shape,
}

impl<'a> Layer<'a> {
    pub(super) fn conv2d(conv: &'a Conv2d, from: Shape, to: Shape) -> Self {
        Self { window: conv.window, groups: conv.groups, weights: &conv.weights, bias: &conv.bias, from, to }
    }

    pub(super) fn dense(dense: &'a Dense, from: Shape, to: Shape) -> Self {
        let window = Window::dense([1, 1]);
        Self { window, groups: 1, weights: &dense.weights, bias: &dense.bias, from: from.flattened(), to }
    }

    /// The layer's value, row-major.
    pub(super) fn apply<T: Integer>(&self, input: &Tensor) -> Vec<T> {
        let digits = planes(input, self.heaviest_row());
        match self.to.plane() {
            1 => self.in_panels::<1, T>(&digits),
            positions if positions * digits.len() <= 16 => self.in_panels::<16, T>(&digits),
            _ => self.in_panels::<32, T>(&digits),
        }
    }

    /// Weights in a row.
    fn length(&self) -> usize {
        self.from.channels / self.groups * self.taps()
    }

    fn taps(&self) -> usize {
        self.window.kernel[0] * self.window.kernel[1]
    }

    /// At least the sum of magnitudes of any row.
    fn heaviest_row(&self) -> u64 {
        let ones = self.weights.iter().fold(0, |ones, weight| ones | (weight ^ (weight >> 31)));
        (u64::from(ones.unsigned_abs()) + 1) * self.length() as u64
    }

    fn matrix(&self) -> WeightMatrix<'a> {
        if self.to.plane() < MANY_POSITIONS {
            WeightMatrix::all(self.weights, self.length())
        } else {
            WeightMatrix::non_zero(self.weights, self.length())
        }
    }

    /// Panels of `W` columns.
    fn in_panels<const W: usize, T: Integer>(&self, digits: &[Plane]) -> Vec<T> {
        let matrix = self.matrix();
        let (plane, width) = (self.to.plane(), (W / digits.len()).max(1));
        let panel = |first: usize| self.panel::<W, T>(&matrix, digits, first, width.min(plane - first));
        let firsts: Vec<usize> = (0..plane).step_by(width).collect();
        let panels: Vec<Vec<T>> = if self.weights.len() * plane < PARALLEL {
            firsts.into_iter().map(panel).collect()
        } else {
            firsts.into_par_iter().map(panel).collect()
        };
        let mut value = vec![T::default(); self.to.elements()];
        for (panel, first) in panels.iter().zip((0..).step_by(width)) {
            let width = width.min(plane - first);
            for (channel, values) in panel.chunks_exact(width).enumerate() {
                value[channel * plane + first..][..width].copy_from_slice(values);
            }
        }
        value
    }

    /// The value at `width` positions from `first` on, channel by channel.
    fn panel<const W: usize, T: Integer>(
        &self,
        matrix: &WeightMatrix<'_>,
        digits: &[Plane],
        first: usize,
        width: usize,
    ) -> Vec<T> {
        let pixels = self.pixels(first, width);
        let outputs = self.to.channels / self.groups;
        let mut panel = vec![[0; W]; self.length()];
        let mut values: Vec<T> = self.biases(width);
        for digits in digits.chunks(W) {
            for (group, values) in values.chunks_exact_mut(outputs * width).enumerate() {
                self.gather(group, &pixels, digits, &mut panel);
                let products = matrix.times(group * outputs..(group + 1) * outputs, &panel);
                for (values, sums) in values.chunks_exact_mut(width).zip(&products) {
                    for (plane, sums) in digits.iter().zip(sums.chunks_exact(width)) {
                        let shifted = |&sum: &i64| T::wrap(i128::from(sum) << plane.shift);
                        values.iter_mut().zip(sums).for_each(|(x, sum)| *x = x.plus(shifted(sum)));
                    }
                }
            }
        }
        values
    }

    /// The biases, each `width` times.
    fn biases<T: Integer>(&self, width: usize) -> Vec<T> {
        let bias = |channel| T::wrap(self.bias.get(channel).copied().unwrap_or(0));
        (0..self.to.channels).flat_map(|channel| std::iter::repeat_n(bias(channel), width)).collect()
    }

    /// For each tap, the pixels that it sees at `width` positions from `first` on; `None` outside the image.
    fn pixels(&self, first: usize, width: usize) -> Vec<Option<usize>> {
        let mut pixels = vec![None; self.taps() * width];
        for slot in 0..width {
            let at = [(first + slot) / self.to.width, (first + slot) % self.to.width];
            for ([ky, kx], [y, x]) in self.window.taps([self.from.height, self.from.width], at) {
                pixels[(ky * self.window.kernel[1] + kx) * width + slot] = Some(y * self.from.width + x);
            }
        }
        pixels
    }

    /// What the kernels of `group` see: digit by digit, position by position.
    fn gather<const W: usize>(
        &self,
        group: usize,
        pixels: &[Option<usize>],
        digits: &[Plane],
        panel: &mut [[i32; W]],
    ) {
        let taps = self.taps();
        let width = pixels.len() / taps;
        let first = group * self.from.channels / self.groups;
        for (index, row) in panel.iter_mut().enumerate() {
            let image = (first + index / taps) * self.from.plane()..;
            let pixels = &pixels[index % taps * width..][..width];
            for (columns, plane) in row.chunks_exact_mut(width).zip(digits) {
                let image = &plane.digits[image.clone()];
                let digit = |pixel: &Option<usize>| pixel.map_or(0, |pixel| image[pixel]);
                columns.iter_mut().zip(pixels).for_each(|(column, pixel)| *column = digit(pixel));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tensor::with_type_of;
    use super::*;
    use proptest::prelude::*;

    /// Sums of products as they are defined, modulo 2^128.
    fn naive(layer: &Layer<'_>, input: &[i128]) -> Vec<i128> {
        let (inputs, outputs) = (layer.from.channels / layer.groups, layer.to.channels / layer.groups);
        let mut value = Vec::new();
        for channel in 0..layer.to.channels {
            for at in (0..layer.to.plane()).map(|at| [at / layer.to.width, at % layer.to.width]) {
                let mut sum = layer.bias.get(channel).copied().unwrap_or(0);
                for ([ky, kx], [y, x]) in layer.window.taps([layer.from.height, layer.from.width], at) {
                    for c in 0..inputs {
                        let tap = (channel * inputs + c) * layer.taps() + ky * layer.window.kernel[1] + kx;
                        let pixel = input[layer.from.index(channel / outputs * inputs + c, y, x)];
                        sum = sum.wrapping_add(pixel.wrapping_mul(layer.weights[tap].into()));
                    }
                }
                value.push(sum);
            }
        }
        value
    }

    fn assert_exact(layer: &Layer<'_>, input: &[i128]) {
        let expected = naive(layer, input);
        for bits in [31, 63, 127] {
            let low: Vec<i128> = with_type_of!(bits, T => input.iter().map(|&x| T::wrap(x).wide()).collect());
            let tensor = Tensor::Wide(low.clone()).narrowed(bits);
            let expected = if bits == 127 { expected.clone() } else { naive(layer, &low) };
            let low = |x: &i128| (*x as i32, *x as i64);
            let narrow: Vec<(i32, i64)> =
                layer.apply::<i32>(&tensor).into_iter().zip(layer.apply::<i64>(&tensor)).collect();
            assert_eq!(layer.apply::<i128>(&tensor), expected);
            assert_eq!(narrow, expected.iter().map(low).collect::<Vec<_>>());
        }
    }

    /// Numbers of all magnitudes, and the bounds of types.
    fn numbers() -> impl Strategy<Value = i128> {
        let bounds =
            [i128::MIN, i128::MAX, i64::MIN.into(), i64::MAX.into(), i32::MIN.into(), i32::MAX.into()];
        prop_oneof![
            3 => (any::<i128>(), 0u32..128).prop_map(|(x, shift)| x >> shift),
            1 => prop::sample::select(bounds.to_vec()),
        ]
    }

    fn weights() -> impl Strategy<Value = i32> {
        prop_oneof![4 => Just(0), 4 => -127..128, 1 => any::<i32>(), 1 => Just(i32::MIN)]
    }

    fn windows() -> impl Strategy<Value = Window> {
        let pair = |range: std::ops::Range<usize>| [range.clone(), range];
        (pair(1..4), pair(1..4), pair(1..3), pair(0..3), pair(0..3)).prop_map(
            |(kernel, stride, dilation, pad_before, pad_after)| Window {
                kernel,
                stride,
                dilation,
                pad_before,
                pad_after,
            },
        )
    }

    proptest! {
        #[test]
        fn convolutions_are_exact(
            window in windows(),
            (groups, inputs, outputs) in (1usize..3, 1usize..4, 1usize..4),
            (height, width) in (1usize..9, 1usize..9),
            numbers in prop::collection::vec(numbers(), 1..40),
            weights in prop::collection::vec(weights(), 1..40),
        ) {
            let from = Shape::new(groups * inputs, height, width);
            let Some([height, width]) = window.output([height, width]) else { return Ok(()) };
            let to = Shape::new(groups * outputs, height, width);
            let count = to.channels * inputs * window.kernel[0] * window.kernel[1];
            let weights: Vec<i32> = weights.iter().copied().cycle().take(count).collect();
            let bias = &numbers[..if numbers.len() < to.channels { 0 } else { to.channels }];
            let input: Vec<i128> = numbers.iter().copied().cycle().take(from.elements()).collect();
            assert_exact(&Layer { window, groups, weights: &weights, bias, from, to }, &input);
        }

        #[test]
        fn dense_layers_are_exact(
            input in prop::collection::vec(numbers(), 1..70),
            outputs in 1usize..4,
            weights in prop::collection::vec(weights(), 210),
        ) {
            let dense = Dense { weights: weights[..outputs * input.len()].to_vec(), bias: Vec::new() };
            let (from, to) = (Shape::new(1, 1, input.len()), Shape::vector(outputs));
            assert_exact(&Layer::dense(&dense, from, to), &input);
        }
    }
}
