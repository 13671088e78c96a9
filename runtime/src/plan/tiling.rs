//! Tiles: how the pixels of a convolution share ciphertexts.
//!
//! The output map is cut into a grid of tiles of `tile` positions; a ciphertext holds one pixel, or one result,
//! of every tile, in a slot each. A *plane* is an offset (u, v) from the first pixel that a tile reads: its
//! ciphertext holds, for the tile in row gy and column gx of the grid, the pixel
//!
//! ```text
//! (gy·th·stride + u − pad, gx·tw·stride + v − pad),
//! ```
//!
//! or 0 outside the image. Neighbouring tiles read overlapping pixels, which therefore occur in several
//! slots: who encrypts the image puts them there. In return every tap of the kernel finds all of its pixels in
//! the slots of their results: a result is a weighted sum of planes, the weights are the same for all
//! slots, and nothing is ever rotated, whatever stride, padding or dilation.
//!
//! Slots run over the grid row by row, results over the positions of a tile row by row.

use super::geometry::{Shape, Window};

/// Taps of all positions of a tile along one axis, at most.
const MAX_READS: usize = 1 << 20;

/// A convolution's window over an image, in tiles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tiling {
    window: Window,
    image: [usize; 2],
    output: [usize; 2],
    tile: [usize; 2],
    /// By axis: the offsets u (or v) that some position of a tile reads, in order.
    offsets: [Vec<usize>; 2],
}

impl Tiling {
    /// Tiles of `tile` = [rows, columns] positions of the output over an image of `input`'s height and
    /// width; `None` where the window does not fit into the image, or the tile is empty, larger than the output, or reads
    /// absurdly much.
    pub fn new(window: Window, input: Shape, tile: [usize; 2]) -> Option<Self> {
        let image = [input.height, input.width];
        let output = window.output(image)?;
        let fits = (0..2).all(|axis| {
            let reads = tile[axis].checked_mul(window.kernel[axis]);
            (1..=output[axis]).contains(&tile[axis]) && reads.is_some_and(|reads| reads <= MAX_READS)
        });
        if !fits {
            return None;
        }
        let offsets = [0, 1].map(|axis| offsets(&window, axis, tile[axis]));
        Some(Self { window, image, output, tile, offsets })
    }

    /// Rows and columns of tiles.
    pub fn grid(&self) -> [usize; 2] {
        [0, 1].map(|axis| self.output[axis].div_ceil(self.tile[axis]))
    }

    /// Tiles: slots that a ciphertext needs.
    pub fn slots(&self) -> usize {
        self.grid().iter().product()
    }

    /// Ciphertexts that one channel of the input takes.
    pub fn planes(&self) -> usize {
        self.offsets.iter().map(Vec::len).product()
    }

    /// Ciphertexts that one channel of the output takes.
    pub fn results(&self) -> usize {
        self.tile.iter().product()
    }

    /// The pixel in a slot of a plane; `None` outside the image.
    pub fn pixel(&self, plane: usize, slot: usize) -> Option<[usize; 2]> {
        let offset =
            [self.offsets[0][plane / self.offsets[1].len()], self.offsets[1][plane % self.offsets[1].len()]];
        let tile = self.tile_at(slot);
        let along = |axis: usize| {
            let start = tile[axis] * self.tile[axis] * self.window.stride[axis];
            let pixel = (start + offset[axis]).checked_sub(self.window.pad_before[axis])?;
            (pixel < self.image[axis]).then_some(pixel)
        };
        Some([along(0)?, along(1)?])
    }

    /// The position of the output in a slot of a result; `None` where the last tiles hang over.
    pub fn position(&self, result: usize, slot: usize) -> Option<[usize; 2]> {
        let (within, tile) = (self.within(result), self.tile_at(slot));
        let along = |axis: usize| {
            let position = tile[axis] * self.tile[axis] + within[axis];
            (position < self.output[axis]).then_some(position)
        };
        Some([along(0)?, along(1)?])
    }

    /// All taps [ky, kx] of the window, each with the plane that it reads for this result.
    pub fn taps(&self, result: usize) -> impl Iterator<Item = ([usize; 2], usize)> + '_ {
        let within = self.within(result);
        let along = move |axis: usize, tap: usize| {
            let offset = within[axis] * self.window.stride[axis] + tap * self.window.dilation[axis];
            self.offsets[axis].binary_search(&offset).expect("every offset that a tile reads is listed")
        };
        let [height, width] = self.window.kernel;
        (0..height).flat_map(move |ky| {
            let row = along(0, ky) * self.offsets[1].len();
            (0..width).map(move |kx| ([ky, kx], row + along(1, kx)))
        })
    }

    fn tile_at(&self, slot: usize) -> [usize; 2] {
        let columns = self.grid()[1];
        [slot / columns, slot % columns]
    }

    /// Where in its tile a result lies.
    fn within(&self, result: usize) -> [usize; 2] {
        [result / self.tile[1], result % self.tile[1]]
    }
}

/// Offsets that the positions 0..`tile` read along one axis, in order.
fn offsets(window: &Window, axis: usize, tile: usize) -> Vec<usize> {
    let taps = (0..window.kernel[axis]).map(|tap| tap * window.dilation[axis]);
    let mut offsets: Vec<usize> =
        (0..tile).flat_map(|at| taps.clone().map(move |tap| at * window.stride[axis] + tap)).collect();
    offsets.sort_unstable();
    offsets.dedup();
    offsets
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn window() -> impl Strategy<Value = Window> {
        let pair = |range: std::ops::RangeInclusive<usize>| [range.clone(), range];
        (pair(1..=4), pair(1..=3), pair(1..=3), pair(0..=3), pair(0..=3)).prop_map(
            |(kernel, stride, dilation, pad_before, pad_after)| Window {
                kernel,
                stride,
                dilation,
                pad_before,
                pad_after,
            },
        )
    }

    /// The convolution of `image` by its definition.
    fn convolved(window: &Window, input: Shape, image: &[i64], weights: &[i64]) -> Vec<i64> {
        let size = [input.height, input.width];
        let [height, width] = window.output(size).unwrap();
        let positions = (0..height).flat_map(|y| (0..width).map(move |x| [y, x]));
        let result = |at| {
            let taps = window.taps(size, at);
            taps.map(|([ky, kx], [y, x])| weights[ky * window.kernel[1] + kx] * image[input.index(0, y, x)])
                .sum()
        };
        positions.map(result).collect()
    }

    proptest! {
        #[test]
        fn slots_of_weighted_sums_are_the_convolution(
            window in window(),
            size in [1usize..12, 1usize..12],
            share in [0.0..1.0, 0.0..1.0],
            seed in prop::collection::vec(-50i64..50, 144 + 16),
        ) {
            let input = Shape::new(1, size[0], size[1]);
            let Some(output) = window.output(size) else { return Ok(()) };
            let tile = [0, 1].map(|axis| 1 + (share[axis] * output[axis] as f64) as usize);
            let tiling = Tiling::new(window, input, tile).unwrap();
            let (image, weights) = seed.split_at(144);
            let pixel = |[y, x]: [usize; 2]| image[input.index(0, y, x)];
            let in_slot = |slot| (0..tiling.planes()).map(|plane| tiling.pixel(plane, slot).map_or(0, pixel)).collect();
            let slots: Vec<Vec<i64>> = (0..tiling.slots()).map(in_slot).collect();
            let mut found = vec![None; output[0] * output[1]];
            for result in 0..tiling.results() {
                for (slot, planes) in slots.iter().enumerate() {
                    let taps = tiling.taps(result);
                    let sum: i64 =
                        taps.map(|([ky, kx], plane)| weights[ky * window.kernel[1] + kx] * planes[plane]).sum();
                    if let Some([y, x]) = tiling.position(result, slot) {
                        prop_assert_eq!(found[y * output[1] + x].replace(sum), None, "every position comes once");
                    }
                }
            }
            let expected = convolved(&window, input, image, weights);
            prop_assert_eq!(found, expected.into_iter().map(Some).collect::<Vec<_>>());
        }
    }

    #[test]
    fn overlapping_windows_share_planes() {
        let window = Window { pad_before: [1, 1], pad_after: [1, 1], ..Window::dense([3, 3]) };
        let tiling = Tiling::new(window, Shape::new(1, 32, 32), [4, 4]).unwrap();
        assert_eq!((tiling.slots(), tiling.planes(), tiling.results()), (64, 36, 16));
        assert_eq!(tiling.pixel(0, 0), None);
        assert_eq!(tiling.pixel(7, 9), Some([4, 4]));
    }

    #[test]
    fn strides_skip_pixels_that_nobody_reads() {
        let window = Window { stride: [2, 2], ..Window::dense([1, 1]) };
        let tiling = Tiling::new(window, Shape::new(1, 8, 8), [2, 2]).unwrap();
        assert_eq!((tiling.slots(), tiling.planes()), (4, 4));
        assert_eq!(tiling.pixel(3, 3), Some([6, 6]));
    }

    #[test]
    fn tiles_are_within_the_output() {
        let input = Shape::new(1, 5, 5);
        let window = Window::dense([3, 3]);
        assert_eq!(Tiling::new(window, input, [0, 1]), None);
        assert_eq!(Tiling::new(window, input, [1, 4]), None);
        assert_eq!(Tiling::new(Window::dense([6, 6]), input, [1, 1]), None);
        assert!(Tiling::new(window, input, [3, 3]).is_some());
    }
}
