//! Where the taps of a sliding window meet the pixels of a channel.

use crate::graph::{Shape, Window};

/// Positions of a window that are neighbours along a row, and the pixels under one of its taps there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// The first position, row-major in the output.
    pub position: usize,
    /// The pixel there, row-major in the channel; those of the next positions are `stride` apart.
    pub pixel: usize,
    /// Number of neighbouring positions in the run.
    pub len: usize,
    /// Distance between the pixels of neighbouring positions: the stride of the window along a row.
    pub stride: usize,
}

impl Run {
    /// The positions in `output`, with the pixels of `plane`.
    #[inline(always)]
    pub(super) fn zip<'a>(
        self,
        output: &'a mut [f32],
        plane: &'a [f32],
    ) -> impl Iterator<Item = (&'a mut f32, &'a f32)> {
        let pixels = plane[self.pixel..].iter().step_by(self.stride);
        output[self.position..][..self.len].iter_mut().zip(pixels)
    }
}

/// The taps of `window`, row-major.
pub(super) fn all(window: &Window) -> impl Iterator<Item = [usize; 2]> + use<> {
    let [rows, columns] = window.kernel;
    (0..rows).flat_map(move |y| (0..columns).map(move |x| [y, x]))
}

/// The pixel of a channel of `input`, row-major, that `tap` of `window` meets at `position` of the output, where it is inside.
#[inline(always)]
pub(super) fn pixel(window: &Window, tap: [usize; 2], input: Shape, position: [usize; 2]) -> Option<usize> {
    let at = |axis: usize| {
        let padded = position[axis] * window.stride[axis] + tap[axis] * window.dilation[axis];
        padded.checked_sub(window.pad_before[axis])
    };
    let (y, x) = at(0).zip(at(1))?;
    (y < input.height && x < input.width).then_some(y * input.width + x)
}

/// Where `tap` of `window` lies inside a channel of `input`, for all positions of `output`.
pub(super) fn runs(
    window: &Window,
    tap: [usize; 2],
    input: Shape,
    output: Shape,
) -> impl Iterator<Item = Run> + use<> {
    let window = *window;
    let offset = [0, 1].map(|axis| tap[axis] * window.dilation[axis]);
    // The pixel under position p is p·stride + offset − padding.
    let first = window.pad_before[1].saturating_sub(offset[1]).div_ceil(window.stride[1]);
    let reach = input.width + window.pad_before[1];
    let end = reach.saturating_sub(offset[1]).div_ceil(window.stride[1]).min(output.width);
    (0..output.height).filter_map(move |row| {
        let y = (row * window.stride[0] + offset[0]).checked_sub(window.pad_before[0])?;
        let len = end.checked_sub(first).filter(|&len| len > 0 && y < input.height)?;
        let x = first * window.stride[1] + offset[1] - window.pad_before[1];
        let (position, pixel) = (row * output.width + first, y * input.width + x);
        Some(Run { position, pixel, len, stride: window.stride[1] })
    })
}
