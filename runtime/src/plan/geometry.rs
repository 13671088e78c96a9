//! Shapes of tensors and the geometry of sliding windows.

use super::windows::Windows;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

/// Shape of one image's tensor, without the batch axis: channels × height × width, row-major.
/// A vector of n elements is n × 1 × 1, so flattening changes no element's position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Shape {
    /// Channels (for a vector: its length).
    pub channels: usize,
    /// Number of rows.
    pub height: usize,
    /// Number of columns.
    pub width: usize,
}

impl Shape {
    /// channels × height × width.
    pub const fn new(channels: usize, height: usize, width: usize) -> Self {
        Self { channels, height, width }
    }

    /// A vector of `len` elements.
    pub const fn vector(len: usize) -> Self {
        Self::new(len, 1, 1)
    }

    /// The same elements in one vector.
    pub const fn flattened(self) -> Self {
        Self::vector(self.elements())
    }

    /// Number of elements: channels × height × width.
    pub const fn elements(self) -> usize {
        self.channels * self.plane()
    }

    /// Number of elements in one channel: height × width.
    pub const fn plane(self) -> usize {
        self.height * self.width
    }

    /// Position of an element in row-major order.
    pub const fn index(self, channel: usize, y: usize, x: usize) -> usize {
        (channel * self.height + y) * self.width + x
    }

    /// Channel, row and column of the element at a row-major position; what [`index`](Self::index) takes.
    pub const fn place(self, element: usize) -> [usize; 3] {
        [element / self.plane(), element / self.width % self.height, element % self.width]
    }
}

/// `16x12x12`, or `10` for a vector.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Also of shapes that are not valid.
        if (self.height, self.width) == (1, 1) {
            write!(f, "{}", self.channels)
        } else {
            write!(f, "{}x{}x{}", self.channels, self.height, self.width)
        }
    }
}

/// A sliding window over height and width (all pairs are `[y, x]`). What lies outside the image
/// is left out: zero for a sum, ignored by a maximum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Window {
    /// Taps per axis.
    pub kernel: [usize; 2],
    /// Pixels from one window to the next.
    pub stride: [usize; 2],
    /// Pixels from one tap to the next.
    pub dilation: [usize; 2],
    /// Rows above and columns left of the image.
    pub pad_before: [usize; 2],
    /// Rows below and columns right of the image.
    pub pad_after: [usize; 2],
}

impl Window {
    /// A window of `kernel` taps, stride 1, no padding.
    pub const fn dense(kernel: [usize; 2]) -> Self {
        Self { kernel, stride: [1, 1], dilation: [1, 1], pad_before: [0, 0], pad_after: [0, 0] }
    }

    /// Height and width of the output over an image of `image` = [height, width];
    /// `None` where the window does not fit once, or an axis has no taps or no stride.
    pub fn output(&self, image: [usize; 2]) -> Option<[usize; 2]> {
        Some([self.output_axis(0, image[0])?, self.output_axis(1, image[1])?])
    }

    fn output_axis(&self, axis: usize, image: usize) -> Option<usize> {
        if self.stride[axis] == 0 || self.dilation[axis] == 0 {
            return None;
        }
        let reach = self.kernel[axis].checked_sub(1)?.checked_mul(self.dilation[axis])?.checked_add(1)?;
        let padded = image.checked_add(self.pad_before[axis])?.checked_add(self.pad_after[axis])?;
        Some(padded.checked_sub(reach)? / self.stride[axis] + 1)
    }

    /// The taps of the window at output position `at` that lie inside the image:
    /// (tap [ky, kx], pixel [y, x]), row-major.
    pub fn taps(&self, image: [usize; 2], at: [usize; 2]) -> impl Iterator<Item = ([usize; 2], [usize; 2])> {
        let rows = self.taps_axis(0, image[0], at[0]);
        let window = *self;
        rows.flat_map(move |(ky, y)| {
            window.taps_axis(1, image[1], at[1]).map(move |(kx, x)| ([ky, kx], [y, x]))
        })
    }

    /// For each position of `output`, row-major, the pixels under the window: their positions in a channel of `image`.
    pub fn pixels(&self, image: Shape, output: Shape) -> Windows {
        let under = |at: usize| {
            let taps = self.taps([image.height, image.width], [at / output.width, at % output.width]);
            taps.map(|(_, [y, x])| y * image.width + x)
        };
        (0..output.plane()).map(under).collect()
    }

    /// Whether the window may hang over the image.
    pub const fn is_padded(&self) -> bool {
        let ([top, left], [bottom, right]) = (self.pad_before, self.pad_after);
        top | left | bottom | right != 0
    }

    /// Whether the window holds a pixel of the image at every position of `output`.
    pub fn always_inside(&self, image: [usize; 2], output: [usize; 2]) -> bool {
        (0..2).all(|axis| !self.tap_counts(axis, image[axis], output[axis]).contains(&0))
    }

    /// How many taps lie inside the image along one axis, for each position of the output.
    pub fn tap_counts(&self, axis: usize, image: usize, output: usize) -> Vec<usize> {
        (0..output).map(|at| self.taps_inside(axis, image, at).len()).collect()
    }

    /// The taps that lie inside the image along one axis, at position `at` of the output: those with
    /// pad ≤ at·stride + tap·dilation < pad + image.
    fn taps_inside(&self, axis: usize, image: usize, at: usize) -> Range<usize> {
        let (start, pad) = (at * self.stride[axis], self.pad_before[axis]);
        let below =
            |limit: usize| limit.saturating_sub(start).div_ceil(self.dilation[axis]).min(self.kernel[axis]);
        below(pad)..below(pad + image)
    }

    /// Along one axis, for each position of the output the first position whose window holds the same
    /// taps inside the image.
    pub fn first_alike(&self, axis: usize, image: usize, output: usize) -> Vec<usize> {
        let mut firsts: HashMap<Range<usize>, usize> = HashMap::new();
        let first = |at: usize| {
            let taps = self.taps_inside(axis, image, at);
            let taps = if taps.is_empty() { 0..0 } else { taps };
            *firsts.entry(taps).or_insert(at)
        };
        (0..output).map(first).collect()
    }

    /// (tap, pixel) along one axis, inside the image only.
    fn taps_axis(
        &self,
        axis: usize,
        image: usize,
        at: usize,
    ) -> impl Iterator<Item = (usize, usize)> + use<> {
        let (start, step, pad) = (at * self.stride[axis], self.dilation[axis], self.pad_before[axis]);
        self.taps_inside(axis, image, at).map(move |tap| (tap, start + tap * step - pad))
    }
}

/// `5x5`, then whatever differs from stride 1, dilation 1, no padding: `3x3 stride 2 pad 1,1,1,1`
/// (padding: top, left, bottom, right).
impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.kernel[0], self.kernel[1])?;
        write_pair(f, "stride", self.stride)?;
        write_pair(f, "dilation", self.dilation)?;
        let ([top, left], [bottom, right]) = (self.pad_before, self.pad_after);
        if [top, left, bottom, right] != [0; 4] {
            write!(f, " pad {top},{left},{bottom},{right}")?;
        }
        Ok(())
    }
}

fn write_pair(f: &mut fmt::Formatter<'_>, name: &str, [y, x]: [usize; 2]) -> fmt::Result {
    match (y, x) {
        (1, 1) => Ok(()),
        (y, x) if y == x => write!(f, " {name} {y}"),
        (y, x) => write!(f, " {name} {y}x{x}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Errors name shapes that were refused for their size.
    #[test]
    fn shapes_of_any_size_are_printed() {
        assert_eq!(Shape::vector(10).to_string(), "10");
        let all = usize::MAX;
        assert_eq!(Shape::new(3, all, all).to_string(), format!("3x{all}x{all}"));
    }

    #[test]
    fn windows_count_their_outputs() {
        let window =
            Window { stride: [2, 2], pad_before: [1, 1], pad_after: [1, 1], ..Window::dense([3, 3]) };
        assert_eq!(window.output([7, 8]), Some([4, 4]));
        assert_eq!(Window::dense([5, 5]).output([4, 9]), None);
        assert_eq!(Window::dense([0, 1]).output([4, 9]), None);
        assert_eq!(Window { stride: [0, 1], ..Window::dense([1, 1]) }.output([4, 9]), None);
    }

    #[test]
    fn taps_outside_the_image_are_left_out() {
        let window =
            Window { pad_before: [1, 1], pad_after: [1, 1], dilation: [2, 1], ..Window::dense([2, 2]) };
        let taps: Vec<_> = window.taps([3, 3], [0, 0]).collect();
        assert_eq!(taps, [([1, 1], [1, 0])]);
    }

    #[test]
    fn taps_are_counted_as_they_are_listed() {
        for (kernel, stride, dilation, before, after) in
            [(3, 2, 1, 1, 1), (2, 1, 3, 4, 0), (5, 3, 2, 0, 7), (1, 1, 1, 2, 2)]
        {
            let window = Window {
                kernel: [kernel, 1],
                stride: [stride, 1],
                dilation: [dilation, 1],
                pad_before: [before, 0],
                pad_after: [after, 0],
            };
            let [height, _] = window.output([9, 1]).unwrap();
            let listed: Vec<usize> = (0..height).map(|y| window.taps([9, 1], [y, 0]).count()).collect();
            assert_eq!(window.tap_counts(0, 9, height), listed, "{window}");
        }
    }

    #[test]
    fn display_is_short_for_common_windows() {
        assert_eq!(Window::dense([5, 5]).to_string(), "5x5");
        let window = Window { stride: [2, 2], pad_before: [1, 0], ..Window::dense([3, 3]) };
        assert_eq!(window.to_string(), "3x3 stride 2 pad 1,0,0,0");
    }
}
