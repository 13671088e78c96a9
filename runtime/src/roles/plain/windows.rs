//! Pooling.

use super::tensor::Integer;
use crate::plan::{Ring, Shape, SumPool, Window};

/// The sums over windows, with the multiplier that balances windows of different sizes.
pub(super) fn sums<T: Integer>(pool: &SumPool, input: &[T], from: Shape, to: Shape) -> Vec<T> {
    over_windows(&pool.window, input, from, to, |pixels| {
        let sum = pixels.iter().fold(T::default(), |sum, &x| sum.plus(x));
        sum.times(pool.multiplier(pixels.len()))
    })
}

/// Maxima over windows, none of which is empty.
pub(super) fn maxima<T: Integer>(window: &Window, input: &[T], from: Shape, to: Shape) -> Vec<T> {
    over_windows(window, input, from, to, |pixels| pixels.iter().copied().max().unwrap_or_default())
}

/// The winners of windows, none of which is empty, differences being taken in `ring`: maxima where none wraps around.
pub(super) fn winners(ring: Ring, window: &Window, input: &[i64], from: Shape, to: Shape) -> Vec<i64> {
    over_windows(window, input, from, to, |pixels| ring.maximum(pixels))
}

/// `fold` of the pixels inside the image under each window, channel by channel.
fn over_windows<T: Integer>(
    window: &Window,
    input: &[T],
    from: Shape,
    to: Shape,
    fold: impl Fn(&mut [T]) -> T,
) -> Vec<T> {
    let pixels = window.pixels(from, to);
    let mut result = Vec::with_capacity(to.elements());
    let mut seen = Vec::new();
    for plane in input.chunks_exact(from.plane()) {
        for pixels in pixels.iter() {
            seen.clear();
            seen.extend(pixels.iter().map(|&pixel| plane[pixel]));
            result.push(fold(&mut seen));
        }
    }
    result
}
